import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { link, lstat, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/faults.ts'
import { hasErrno, writeAll } from '../../sys/files.ts'
import type { Spool } from '../../sys/spool.ts'
import type { PutOptions, Receipt } from '../storage.ts'
import { taken } from '../wrap/faults.ts'
import { partialName, partialPrefix } from '../wrap/folders.ts'
import { makeFolders, orAbsent, pruneUp, syncUp } from './place.ts'

const chunkBytes = 256 * 1024 // measured: a megabyte costs a quarter more processor time and 30 MB of memory

export interface PutTarget {
  /** The storage's root, symlinks resolved. */
  real: string
  key: string
  clock: Clock
}

/** Partial file, fsync, rename, fsync the folders (promise 2). */
export async function putObject(target: PutTarget, spool: Spool, options: PutOptions): Promise<Receipt> {
  options.signal.throwIfAborted()
  const path = join(target.real, target.key)
  if (options.ifAbsent && (await orAbsent(lstat(path)))) throw taken(target.key)
  const partial = await openPartial(target, spool)
  try {
    const receipt = await fill(partial, spool, options)
    options.signal.throwIfAborted()
    await publish(partial.path, path, { ifAbsent: options.ifAbsent, key: target.key })
    await makeDurable(target, options.ifAbsent)
    return receipt
  } catch (error) {
    await discard(target.real, partial.path)
    throw error
  } finally {
    await partial.handle.close()
  }
}

interface Partial {
  path: string
  handle: FileHandle
  /** It is the spool's own file under a second name: nothing is left to copy. */
  isLink: boolean
}

/** A folder that somebody prunes as empty between its making and our first file in it is made again. */
async function openPartial(target: PutTarget, spool: Spool): Promise<Partial> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  for (let attempt = 1; ; attempt++) {
    try {
      const path = join(await makeFolders(target.real, target.key), partialName(target.clock))
      if (await linked(spool, path)) return { path, handle: await open(path, 'r'), isLink: true }
      return { path, handle: await open(path, flags, 0o600), isLink: false }
    } catch (error) {
      if (!hasErrno(error, 'ENOENT', 'EEXIST') || attempt === 10) throw error
    }
  }
}

/** On one file system a dump is written once, not twice; also while it still grows. But only one place may have the spool's own
 * bytes: two copies that are one file would be damaged as one. */
async function linked({ path }: Spool, partial: string): Promise<boolean> {
  if (path === undefined) return false
  try {
    await link(path, partial)
  } catch {
    return false // another file system, or one without links
  }
  const { nlink } = await lstat(partial)
  if (nlink === 2) return true
  await rm(partial)
  return false
}

async function fill({ handle, isLink }: Partial, spool: Spool, options: PutOptions): Promise<Receipt> {
  const room = Buffer.allocUnsafeSlow(chunkBytes)
  const hash = createHash('sha256')
  const disk = flusher(handle)
  let bytes = 0
  for (;;) {
    const chunk = await spool.read(bytes, room, options.signal)
    if (chunk.length === 0) break
    hash.update(chunk)
    if (!isLink) await writeAll(handle, chunk, bytes)
    bytes += chunk.length
    disk.wrote(chunk.length)
    options.onState?.(bytes)
  }
  await disk.sync()
  const written = await handle.stat()
  if (written.size !== bytes)
    throw new Fault('disk-failed', `${written.size} bytes are on the disk, ${bytes} were written`)
  return { bytes, sha256: hash.digest('hex') }
}

const flushBytes = 32 * 1024 * 1024 // about 0.5 s of a dump

/** Lets the disk write while the dump still grows, so that little is left to wait for at the end. */
function flusher(handle: FileHandle): { wrote(bytes: number): void; sync(): Promise<void> } {
  let waiting = 0
  let flushing: Promise<void> | null = null
  let failure: { error: unknown } | null = null // Linux reports a failed write once only: the last sync would not know of it

  function flush(): void {
    waiting = 0
    flushing = handle
      .datasync()
      .catch((error: unknown) => void (failure ??= { error }))
      .finally(() => void (flushing = null))
  }

  return {
    wrote(bytes) {
      waiting += bytes
      if (waiting >= flushBytes && flushing === null) flush()
    },
    async sync() {
      await flushing
      if (failure) throw failure.error
      await handle.sync()
    },
  }
}

/** Makes the whole file visible at once: a link never replaces what is there, a rename does. */
async function publish(
  partial: string,
  path: string,
  { ifAbsent, key }: { ifAbsent: boolean; key: string },
): Promise<void> {
  if (!ifAbsent) return rename(partial, path)
  try {
    await link(partial, path)
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) throw taken(key)
    if (!hasErrno(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw error
    return publishWithoutLinks(partial, path, key)
  }
  await rm(partial)
}

/** File systems without hard links (FAT, some network shares): a lock beside the object makes look-and-rename one step.
 * A lock left by a crash is swept like any partial file. */
async function publishWithoutLinks(partial: string, path: string, key: string): Promise<void> {
  const lock = join(dirname(path), `${partialPrefix}lock-${key.split('/').at(-1)}`)
  try {
    const held = await open(lock, 'wx', 0o600)
    await held.close()
  } catch (error) {
    throw hasErrno(error, 'EEXIST') ? taken(key) : error
  }
  try {
    if (await orAbsent(lstat(path))) throw taken(key)
    await rename(partial, path)
  } finally {
    await rm(lock, { force: true })
  }
}

/** What could not be made durable is taken back, so that a retry does not meet its own half-kept object. */
async function makeDurable({ real, key }: PutTarget, isNew: boolean): Promise<void> {
  const path = join(real, key)
  try {
    await syncUp(real, dirname(path))
  } catch (error) {
    if (isNew) await rm(path, { force: true })
    throw error
  }
}

/** The first failure is the one to tell: when even removing fails, the sweep finds the file later. */
async function discard(real: string, partial: string): Promise<void> {
  try {
    await rm(partial, { force: true })
    await pruneUp(real, dirname(partial))
  } catch {
    // swept later
  }
}
