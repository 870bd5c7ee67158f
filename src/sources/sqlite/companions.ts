import { rm } from 'node:fs/promises'

/** What SQLite keeps beside a file, and would take for the journal of a new one of that name. */
export const companions = ['-wal', '-shm', '-journal']

/** The file with all of them. */
export async function removeFile(file: string): Promise<void> {
  for (const suffix of ['', ...companions]) await rm(file + suffix, { force: true })
}
