import { dirname, posix } from 'node:path'
import type { Stats } from 'ssh2'
import { Fault } from '../../core/faults.ts'
import type { ObjectInfo } from '../storage.ts'
import { fileInTheWay, symlinkFault } from '../wrap/folders.ts'
import { orAbsent, statusOf } from './faults.ts'
import type { Session } from './session.ts'

export const pathOf = ({ root }: Session, key: string): string => posix.join(root, key)

/** What lies at a path, a symlink being itself; null when there is nothing. */
export function lookAt({ ask }: Session, path: string): Promise<Stats | null> {
  return orAbsent(ask<Stats>((sftp, done) => sftp.lstat(path, done)))
}

/** Where an object would lie; null when not even its folder is there.
 * @throws Fault storage-denied when a symlink leads out of the key's own path · storage-missing */
export async function locate(session: Session, key: string): Promise<string | null> {
  const path = pathOf(session, key)
  const folder = dirname(path)
  const real = await orAbsent(session.ask<string>((sftp, done) => sftp.realpath(folder, done)))
  if (real !== null && real !== folder) throw symlinkFault(key)
  return real && path
}

/** What lies at a key; null for a folder, and for what is no file of ours. @throws Fault storage-missing · storage-denied */
export async function infoOf(session: Session, key: string): Promise<ObjectInfo | null> {
  const path = await locate(session, key)
  const found = path === null ? null : await lookAt(session, path)
  if (!found) await requireRoot(session)
  return found?.isFile() ? objectInfo(key, found) : null
}

export function objectInfo(key: string, { size, mtime }: { size: number; mtime: number }): ObjectInfo {
  return { key, bytes: size, modifiedAt: mtime * 1000 }
}

/** @throws Fault storage-missing */
export async function requireRoot(session: Session): Promise<void> {
  const { root } = session
  if (await orAbsent(session.ask<Stats>((sftp, done) => sftp.stat(root, done)))) return
  throw new Fault('storage-missing', `${root} is no longer there on the server`, {
    hint: 'mount the disk that belongs there',
  })
}

/** Makes the folders above a key, one by one so that none is made behind a symlink. */
export async function makeFolders(session: Session, key: string): Promise<void> {
  let folder = session.root
  for (const segment of key.split('/').slice(0, -1)) {
    folder = posix.join(folder, segment)
    try {
      await session.ask((sftp, done) => sftp.mkdir(folder, { mode: 0o700 }, done as never))
    } catch (error) {
      const found = statusOf(error) === 'failure' ? await lookAt(session, folder) : null
      if (found === null) throw error
      if (found.isSymbolicLink()) throw symlinkFault(key)
      if (!found.isDirectory()) throw fileInTheWay(folder, key)
    }
  }
}

/** Removes empty folders from `folder` up to the root, which stays; the first that is not empty ends it. */
export async function pruneUp(session: Session, folder: string): Promise<void> {
  for (let at = folder; at !== session.root; at = dirname(at)) {
    try {
      await orAbsent(session.ask((sftp, done) => sftp.rmdir(at, done as never)))
    } catch (error) {
      if (statusOf(error) === null) throw error
      return
    }
  }
}
