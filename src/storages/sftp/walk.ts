import { posix } from 'node:path'
import type { FileEntryWithStats } from 'ssh2'
import type { ObjectInfo } from '../storage.ts'
import { pageOfFiles, partialPrefix, type Window } from '../wrap/folders.ts'
import { orAbsent } from './faults.ts'
import { removeFile } from './files.ts'
import { objectInfo, requireRoot } from './place.ts'
import type { Session } from './session.ts'

/** A page of objects in key order. */
export async function listPage(
  session: Session,
  window: Window,
): Promise<{ objects: ObjectInfo[]; cursor: string | null }> {
  await requireRoot(session)
  const { files, cursor } = await pageOfFiles(window, async (folder) => {
    const entries = await entriesOf(session, posix.join(session.root, folder))
    return entries.map(({ filename: name, attrs }) => ({
      name,
      attrs,
      isFile: () => attrs.isFile(),
      isDirectory: () => attrs.isDirectory(),
    }))
  })
  return { objects: files.map(({ key, entry }) => objectInfo(key, entry.attrs)), cursor }
}

/** A folder that has gone meanwhile holds nothing. */
async function entriesOf({ ask }: Session, path: string): Promise<FileEntryWithStats[]> {
  return (await orAbsent(ask<FileEntryWithStats[]>((sftp, done) => sftp.readdir(path, done)))) ?? []
}

/** Removes partial files that nobody wrote to since `olderThan`, by the server's clock. @returns how many */
export async function sweepPartials(
  session: Session,
  olderThan: number,
  signal: AbortSignal,
): Promise<number> {
  await requireRoot(session)
  let swept = 0
  for (const { filename, attrs } of await entriesOf(session, session.root)) {
    signal.throwIfAborted()
    if (!filename.startsWith(partialPrefix) || !attrs.isFile() || attrs.mtime * 1000 >= olderThan) continue
    await removeFile(session, posix.join(session.root, filename))
    swept++
  }
  return swept
}
