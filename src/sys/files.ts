import { constants as flags } from 'node:fs'
import { chmod, lstat, mkdir, open, statfs, type FileHandle } from 'node:fs/promises'
import { constants } from 'node:os'
import { Fault } from '../core/faults.ts'

/** Makes the names in a folder durable: without it a crash can lose a file that was synced itself. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, flags.O_RDONLY | flags.O_DIRECTORY)
  try {
    await handle.sync()
  } catch (error) {
    // some network and FUSE file systems cannot sync a folder and say so; nothing more can be done there
    if (!hasErrno(error, 'EINVAL', 'EBADF', 'ENOTSUP', 'ENOSYS')) throw error
  } finally {
    await handle.close()
  }
}

/** A folder that only we can enter (mode 0700), made when it is missing; for passwords, keys and dumps on their way.
 * @throws Fault disk-failed when it is a symlink, no folder or belongs to somebody else · disk-full */
export async function privateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    const found = await lstat(path)
    if (!found.isDirectory()) throw new Fault('disk-failed', `${path} is not a folder`)
    if (found.uid !== process.getuid?.())
      throw new Fault('disk-failed', `${path} belongs to another user`, {
        hint: `choose another folder, or: chown ${process.getuid?.()} ${path}`,
        retry: false, // nobody gives it away by itself
      })
    if ((found.mode & 0o077) !== 0) await chmod(path, 0o700)
  } catch (error) {
    throw fileFault(error, `cannot use the folder ${path}`)
  }
}

/** Bytes that we may still write in the file system of `path`.
 * @throws Fault disk-failed */
export async function freeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch (error) {
    throw fileFault(error, `cannot read the free space of ${path}`)
  }
}

/** Writes all of it: one write call may take only a part when the disk is nearly full. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    if (bytesWritten === 0) throw new Fault('disk-failed', 'the disk took no more bytes')
    done += bytesWritten
  }
}

/** A failed file operation in our words; anything that is not one (a Fault, an abort) comes back as it is. */
export function fileFault(error: unknown, what: string): unknown {
  if (error instanceof Fault || !isErrno(error)) return error
  if (hasErrno(error, 'ENOSPC', 'EDQUOT'))
    return new Fault('disk-full', `${what}: no space left on the disk`, {
      hint: 'free some space, or shorten the retention',
      cause: error,
    })
  const path = typeof error.path === 'string' ? error.path : 'the disk'
  const hint = `check that ${path} is mounted writable and belongs to this user`
  return new Fault('disk-failed', `${what}: ${error.message}`, { hint, cause: error })
}

/** Node has no name for some numbers (EDQUOT, ESTALE), so the number counts as well. */
export function hasErrno(error: unknown, ...names: string[]): boolean {
  if (!isErrno(error)) return false
  const numbers = constants.errno as Record<string, number | undefined>
  return names.some((name) => error.code === name || error.errno === -(numbers[name] ?? NaN))
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error && 'code' in error
}
