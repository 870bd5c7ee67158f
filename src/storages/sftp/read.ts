import type { Readable } from 'node:stream'
import type { Stats } from 'ssh2'
import { Fault } from '../../core/faults.ts'
import { passedThrough } from '../../sys/memory.ts'
import { orAborted } from '../../core/or-aborted.ts'
import { readerOf } from '../wrap/reader.ts'
import { symlinkFault } from '../wrap/folders.ts'
import { explained, orAbsent, statusOf } from './faults.ts'
import { closeFile, type OpenFile } from './files.ts'
import { locate, lookAt, requireRoot } from './place.ts'
import type { Pool } from './pool.ts'

export const requestBytes = 32 * 1024 // what every server takes (draft-ietf-secsh-filexfer-02, section 3)
/** What the library makes of a byte on its way: encrypted, as a packet, as itself. */
export const copies = 3
export const requestsAtOnce = 32 // one megabyte on its way: 100 MB/s at 10 ms there and back

export interface Wanted {
  range?: { start: number; end: number } | undefined
  signal: AbortSignal
}

/** An object's bytes. A connection that is lost is taken up again where it was, as long as the object is the same one.
 * @throws Fault object-missing · storage-missing */
export async function readObject(pool: Pool, key: string, { range, signal }: Wanted): Promise<Readable> {
  const closing = new AbortController()
  const reading: Reading = {
    pool,
    key,
    at: range?.start ?? 0,
    end: range ? range.end + 1 : Infinity,
    same: null,
    signal: AbortSignal.any([signal, closing.signal]),
  }
  const first = await opened(reading)
  const bytes = follow(reading, first)
  return readerOf(bytes, (why) => {
    closing.abort(why)
    first.close() // also when nobody began to read
  })
}

interface Reading {
  pool: Pool
  key: string
  at: number
  end: number
  /** What the file was when it was opened first. */
  same: { size: number; mtime: number } | null
  signal: AbortSignal
}

interface Opened extends OpenFile {
  close(): void
}

async function* follow(reading: Reading, first: Opened): AsyncGenerator<Buffer> {
  const { pool, key, signal } = reading
  let file = first
  try {
    for (let failures = 0; ;) {
      try {
        for await (const chunk of readAhead(file, reading)) {
          reading.at += chunk.length
          failures = 0
          yield chunk
        }
        return
      } catch (error) {
        await pool.pauseAfter(await explained(error, `reading ${key}`, file.session), ++failures, signal)
        file.close()
        file = await opened(reading)
      }
    }
  } finally {
    file.close()
  }
}

/** The answers in order, while further requests are on their way. */
export async function* readAhead(
  file: OpenFile,
  { at, end, signal }: { at: number; end: number; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const flying: Promise<Buffer>[] = []
  let next = at
  function send(): void {
    const length = Math.min(requestBytes, end - next)
    if (length <= 0) return
    const part = readFully(file, next, length)
    part.catch(() => {}) // told when its turn comes
    flying.push(part)
    next += length
  }
  for (let i = 0; i < requestsAtOnce; i++) send()
  for (let part = flying.shift(); part; part = flying.shift()) {
    const bytes = await orAborted(part, signal)
    passedThrough(bytes.length * copies)
    if (bytes.length > 0) yield bytes
    if (bytes.length < requestBytes) return // the end of the file, or of what was asked for
    send()
  }
}

/** A server may answer with less than was asked for: that is not the end, an empty answer is. */
export async function readFully(
  { session, handle }: OpenFile,
  position: number,
  length: number,
): Promise<Buffer> {
  const room = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const wanted = { from: filled, at: position + filled }
    const got = await session
      .ask<number>((sftp, done) =>
        sftp.read(handle, room, wanted.from, length - wanted.from, wanted.at, done as never),
      )
      .catch((error: unknown) => {
        if (statusOf(error) === 'end') return 0
        throw error
      })
    if (got === 0) break
    filled += got
  }
  return room.subarray(0, filled)
}

async function opened(reading: Reading): Promise<Opened> {
  const { pool, signal } = reading
  for (let tried = 1; ; tried++) {
    try {
      return await openOnce(reading)
    } catch (error) {
      await pool.pauseAfter(error, tried, signal)
    }
  }
}

async function openOnce(reading: Reading): Promise<Opened> {
  const { pool, key, signal } = reading
  const { session, giveBack } = await pool.borrow(signal)
  try {
    const path = await locate(session, key)
    const found = path === null ? null : await lookAt(session, path)
    if (found?.isSymbolicLink()) throw symlinkFault(key)
    const handle = found?.isFile()
      ? await orAbsent(session.ask<Buffer>((sftp, done) => sftp.open(path!, 'r', done)))
      : null
    if (!found || !handle) {
      await requireRoot(session)
      throw new Fault('object-missing', `${key} is not stored in ${pool.settings.location}`)
    }
    refuseAnother(reading, found)
    return { session, handle, close: closing({ session, handle }, giveBack) }
  } catch (error) {
    giveBack()
    throw await explained(error, `reading ${key}`, session)
  }
}

function refuseAnother(reading: Reading, { size, mtime }: Stats): void {
  const { same, key } = reading
  if (same && (same.size !== size || same.mtime !== mtime))
    throw new Fault('object-corrupt', `${key} was replaced while it was read`)
  reading.same = { size, mtime }
  reading.end = Math.min(reading.end, size)
}

function closing(file: OpenFile, giveBack: () => void): () => void {
  let closed = false
  return () => {
    if (closed) return
    closed = true
    closeFile(file)
      .catch(() => {}) // its connection was lost
      .finally(giveBack)
  }
}
