import { orAbsent } from './faults.ts'
import type { Session } from './session.ts'

/** A file on the server. */
export interface OpenFile {
  session: Session
  handle: Buffer
}

/** Opens a file for as long as something is done with it; a server gives only some hundred at once. */
export async function withFile<Answer>(
  session: Session,
  { path, flags }: { path: string; flags: 'r' | 'r+' | 'w' | 'wx' },
  operation: (file: OpenFile) => Promise<Answer>,
): Promise<Answer> {
  const handle = await session.ask<Buffer>((sftp, done) => sftp.open(path, flags, { mode: 0o600 }, done))
  try {
    const answer = await operation({ session, handle })
    await closeFile({ session, handle }) // some disks tell of a failed write only now
    return answer
  } catch (error) {
    closeFile({ session, handle }).catch(() => {}) // the first failure is the one to tell
    throw error
  }
}

export function closeFile({ session, handle }: OpenFile): Promise<void> {
  return session.ask((sftp, done) => sftp.close(handle, done as never))
}

/** Removing what is not there is fine. */
export async function removeFile(session: Session, path: string): Promise<void> {
  await orAbsent(session.ask((sftp, done) => sftp.unlink(path, done as never)))
}
