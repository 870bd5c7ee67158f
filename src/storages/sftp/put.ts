import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { Fault } from '../../core/faults.ts'
import { orAborted } from '../../core/or-aborted.ts'
import type { Spool } from '../../sys/spool.ts'
import type { PutOptions, Receipt } from '../storage.ts'
import { sha256Of } from '../wrap/digests.ts'
import { taken } from '../wrap/faults.ts'
import { partialName, partialPrefix } from '../wrap/folders.ts'
import { explained } from './faults.ts'
import { removeFile, withFile } from './files.ts'
import { giveLockBack } from './lock.ts'
import { locate, lookAt, pathOf } from './place.ts'
import type { Borrowed, Pool } from './pool.ts'
import { publish } from './publish.ts'
import { readAhead } from './read.ts'
import type { Session } from './session.ts'
import { writeRest, type Written } from './write.ts'

/** One object on its way. */
interface Putting {
  pool: Pool
  key: string
  /** Name of its partial file. */
  partial: string
  spool: Spool
  options: PutOptions
  written: Written
  /** SHA-256, once the whole file is on the server's disk and was read back. */
  proved: string | null
  /** The server was asked to give it its name; it may have done so although no answer came. */
  published: boolean
}

/** Partial file, fsync, read back, then its name (promise 2). The partial file is named to the caller before it is made: nobody
 * dies without somebody knowing what to remove (promise 7). */
export async function putObject(
  pool: Pool,
  key: string,
  { spool, options }: { spool: Spool; options: PutOptions },
): Promise<Receipt> {
  options.signal.throwIfAborted()
  const partial = partialName(pool.clock)
  const written = { confirmed: 0, hashed: 0, hash: createHash('sha256') }
  const putting: Putting = { pool, key, partial, spool, options, written, proved: null, published: false }
  await prepare(putting)
  await options.onUpload?.(partial)
  try {
    await keepTrying(putting)
  } catch (error) {
    await discard(putting)
    throw error
  }
  await options.onUpload?.(null)
  return { bytes: written.confirmed, sha256: putting.proved! }
}

/** Ends an upload, such as one that a dead process left: its partial file, and the lock that it may hold. */
export async function removePartial(
  pool: Pool,
  { key, partial }: { key: string; partial: string },
  signal: AbortSignal,
): Promise<void> {
  if (!partial.startsWith(partialPrefix) || partial.includes('/'))
    throw new Fault('usage', `not an upload: ${JSON.stringify(partial.slice(0, 100))}`)
  await pool.repeat(signal, async (session) => {
    await removeFile(session, posix.join(session.root, partial))
    await giveLockBack(session, { key, partial })
  })
}

/** A taken name is better known before the bytes are sent. */
async function prepare({ pool, key, options }: Putting): Promise<void> {
  await pool.repeat(options.signal, async (session) => {
    const path = await locate(session, key)
    if (options.ifAbsent && path && (await lookAt(session, path))) throw taken(key)
  })
}

/** A lost connection is taken up again where the server last confirmed a write: the spool can be read again. */
async function keepTrying(putting: Putting): Promise<void> {
  const { pool, key, options, written } = putting
  for (let failures = 0; ;) {
    const before = written.confirmed
    let borrowed: Borrowed | null = null
    try {
      borrowed = await pool.borrow(options.signal)
      return await bring(borrowed.session, putting)
    } catch (error) {
      const fault = borrowed ? await explained(error, `storing ${key}`, borrowed.session) : error
      if (written.confirmed > before) failures = 0
      await pool.pauseAfter(fault, ++failures, options.signal)
    } finally {
      borrowed?.giveBack()
    }
  }
}

async function bring(session: Session, putting: Putting): Promise<void> {
  const { pool, key, partial, options } = putting
  putting.proved ??= await fill(session, putting)
  if (putting.published && (await isThere(session, putting))) return
  options.signal.throwIfAborted()
  putting.published = true
  await publish(session, { pool, key, partial, ifAbsent: options.ifAbsent, signal: options.signal })
}

/** All of the spool, on the server's disk and read back. @returns its SHA-256 */
async function fill(session: Session, { key, partial, spool, options, written }: Putting): Promise<string> {
  const path = posix.join(session.root, partial)
  const flags = written.confirmed === 0 ? 'w' : 'r+' // what was swept meanwhile is not begun again
  await withFile(session, { path, flags }, async (file) => {
    await writeRest(file, { spool, written, options })
    if (session.offers('fsync@openssh.com'))
      await orAborted(
        session.ask((sftp, done) => sftp.ext_openssh_fsync(file.handle, done as never)),
        options.signal,
      )
  })
  const sha256 = written.hash.copy().digest('hex')
  if ((await readBack(session, path, options.signal)) === sha256) return sha256
  throw new Fault('object-corrupt', `the server holds other bytes of ${key} than were sent`, { retry: true })
}

/** Servers offer no digest: the bytes themselves come back. */
function readBack(session: Session, path: string, signal: AbortSignal): Promise<string> {
  return withFile(session, { path, flags: 'r' }, (file) =>
    sha256Of(readAhead(file, { at: 0, end: Infinity, signal })),
  )
}

/** The name may have been given although the answer was lost: then our bytes are behind it. */
async function isThere(session: Session, { key, partial, proved, options }: Putting): Promise<boolean> {
  const path = pathOf(session, key)
  if (!(await lookAt(session, path)) || (await readBack(session, path, options.signal)) !== proved)
    return false
  await removeFile(session, posix.join(session.root, partial))
  await giveLockBack(session, { key, partial })
  return true
}

/** The first failure is the one to tell: when even removing fails, recovery or the sweep finds the file later. */
async function discard({ pool, partial, key, options }: Putting): Promise<void> {
  try {
    await removePartial(pool, { key, partial }, AbortSignal.timeout(pool.limits.endMs))
    await options.onUpload?.(null)
  } catch (error) {
    pool.log.warn('a partial file could not be removed', { key, error: String(error) })
  }
}
