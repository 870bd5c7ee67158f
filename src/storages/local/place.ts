import { constants } from 'node:fs'
import { lstat, mkdir, open, realpath, rmdir, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../../core/faults.ts'
import { fileInTheWay, symlinkFault } from '../wrap/folders.ts'
import { fileFault, hasErrno, syncFolder } from '../../sys/files.ts'

/** The root with every symlink in it resolved; a root that is itself a symlink is fine.
 * @throws Fault storage-missing */
export async function realRoot(root: string): Promise<string> {
  const real = await orAbsent(realpath(root))
  if (real && (await stat(real)).isDirectory()) return real
  throw new Fault('storage-missing', `${root} is ${real ? 'not a folder' : 'not there'}`, {
    hint: `mount the disk that belongs there, or make the folder: mkdir -p ${root}`,
  })
}

/** Where an object would lie, or null when not even its folder is there.
 * @throws Fault storage-denied when a symlink leads out of the key's own path */
export async function locate(real: string, key: string): Promise<string | null> {
  const path = join(real, key)
  const folder = dirname(path)
  const found = await orAbsent(realpath(folder))
  if (found !== null && found !== folder) throw symlinkFault(key)
  return found && path
}

/** Opens an object's file, never through a symlink. @returns null when there is none */
export async function openObject(real: string, key: string): Promise<FileHandle | null> {
  const path = await locate(real, key)
  if (!path) return null
  try {
    return await orAbsent(open(path, constants.O_RDONLY | constants.O_NOFOLLOW))
  } catch (error) {
    throw hasErrno(error, 'ELOOP') ? symlinkFault(key) : error
  }
}

/** Makes the folders above a key, one by one so that none is made behind a symlink. @returns the folder of the key */
export async function makeFolders(real: string, key: string): Promise<string> {
  let folder = real
  for (const segment of key.split('/').slice(0, -1)) {
    folder = join(folder, segment)
    try {
      await mkdir(folder, { mode: 0o700 })
    } catch (error) {
      if (!hasErrno(error, 'EEXIST')) throw error
      const found = await lstat(folder)
      if (found.isSymbolicLink()) throw symlinkFault(key)
      if (!found.isDirectory()) throw fileInTheWay(folder, key)
    }
  }
  return folder
}

/** Makes the names from a folder up to the root durable. */
export async function syncUp(real: string, folder: string): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    await syncFolder(at)
    if (at === real) return
  }
}

/** Removes empty folders from `folder` up to the root, which stays. */
export async function pruneUp(real: string, folder: string): Promise<void> {
  for (let at = folder; at !== real; at = dirname(at)) {
    try {
      await rmdir(at)
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) continue
      if (hasErrno(error, 'ENOTEMPTY', 'EEXIST', 'EBUSY', 'EACCES', 'EPERM')) return
      throw error
    }
  }
}

/** null instead of ENOENT and ENOTDIR. */
export async function orAbsent<T>(operation: Promise<T>): Promise<T | null> {
  try {
    return await operation
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null
    throw error
  }
}

/** A failed operation in our words; anything that is not a file error comes back as it is.
 * @returns Fault storage-denied · storage-exists · disk-full · disk-failed · usage */
export function placeFault(error: unknown, what: string, root: string): unknown {
  if (hasErrno(error, 'EACCES', 'EPERM'))
    return new Fault('storage-denied', `${what} is not allowed in ${root}`, {
      hint: `let this user write there: chown -R ${process.getuid?.()} ${root}`,
      cause: error,
    })
  if (hasErrno(error, 'EROFS'))
    return new Fault('storage-denied', `${what} is not possible: ${root} is mounted read-only`, {
      hint: `mount it writable; a disk with errors turns read-only by itself, so look into the system's log first`,
      cause: error,
    })
  if (hasErrno(error, 'EFBIG'))
    return new Fault('storage-denied', `${what} failed: the file is too large for ${root}`, {
      hint: 'use a file system without this limit (FAT32 ends at 4 GiB), or lift the limit of this user',
      cause: error,
    })
  if (hasErrno(error, 'EEXIST', 'EISDIR', 'ENOTEMPTY'))
    return new Fault('storage-exists', `${what} failed: the name is taken`, { cause: error })
  if (hasErrno(error, 'ENAMETOOLONG')) return new Fault('usage', `${what} failed: the name is too long`)
  return fileFault(error, `${what} in ${root} failed`)
}
