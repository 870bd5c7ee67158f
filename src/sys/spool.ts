import { open, type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { passedThrough } from './memory.ts'
import type { Clock } from '../core/clock.ts'
import type { Chunks } from './feed.ts'
import { writeAll } from './files.ts'

/** Bytes that may still be growing, readable again at any offset: byte for byte the object to be stored. */
export interface Spool {
  /** The file that holds it, when there is one. */
  readonly path?: string
  /** Bytes so far; final once `ended`. */
  size(): Promise<number>
  ended(): boolean
  /** Waits until `length` bytes from `offset` are there, or the spool has ended: shorter only at the end.
   * @param length  or a buffer to fill, which is then the reader's to use again
   * @throws what the producer failed with · the signal's reason */
  read(offset: number, length: number | Buffer, signal: AbortSignal): Promise<Buffer>
}

/** A spool in a file that a program or stream writes to through `fd`. */
export interface FileSpool extends Spool {
  readonly path: string
  /** For the writer. */
  readonly fd: number
  /** Writes a stream from the start: the last step of a `pipeline`. The descriptor stays open whatever happens. */
  readonly fill: (chunks: AsyncIterable<Buffer>) => Promise<void>
  /** The producer is done: readers get the end. */
  finish(): Promise<void>
  /** The producer failed: readers get this error. */
  fail(error: unknown): void
  close(): Promise<void>
}

const pollMs = 20 // how soon a follower sees new bytes; a dump writes every few milliseconds

export async function createFileSpool(path: string, clock: Clock): Promise<FileSpool> {
  return fileSpool(await open(path, 'wx+', 0o600), path, { clock, finalSize: null })
}

/** A spool that is complete since an earlier process or run. */
export async function openFileSpool(path: string, clock: Clock): Promise<FileSpool> {
  const handle = await open(path, 'r')
  return fileSpool(handle, path, { clock, finalSize: (await handle.stat()).size })
}

function fileSpool(
  handle: FileHandle,
  path: string,
  { clock, finalSize: knownSize }: { clock: Clock; finalSize: number | null },
): FileSpool {
  let finalSize = knownSize
  let failure: { error: unknown } | null = null

  const size = async (): Promise<number> => finalSize ?? (await handle.stat()).size

  /** Asks the file only when what was seen of it is not enough: a spool never shrinks, and each reader comes many times. */
  let seen = 0
  async function sizeFor(end: number): Promise<number> {
    if (finalSize === null && seen < end) seen = (await handle.stat()).size
    return finalSize ?? seen
  }

  async function read(offset: number, length: number | Buffer, signal: AbortSignal): Promise<Buffer> {
    for (;;) {
      signal.throwIfAborted()
      if (failure) throw failure.error
      const complete = finalSize !== null
      const wanted = typeof length === 'number' ? length : length.length
      const available = (await sizeFor(offset + wanted)) - offset
      if (available >= wanted || complete)
        return readAt(handle, offset, roomFor(length, Math.max(0, Math.min(wanted, available))))
      await clock.sleep(pollMs, signal)
    }
  }

  return {
    path,
    fd: handle.fd,
    size,
    fill: (chunks) => fillFile(handle, chunks),
    ended: () => finalSize !== null,
    read,
    finish: async () => {
      const { size: written } = await handle.stat()
      finalSize = written
    },
    fail: (error) => void (failure = { error }),
    close: () => handle.close(),
  }
}

/** Writes a stream into a file from its start: the last step of a `pipeline`. The file stays open whatever happens. */
export async function fillFile(handle: FileHandle, chunks: AsyncIterable<Buffer>): Promise<void> {
  let position = 0
  for await (const chunk of chunks) {
    await writeAll(handle, chunk, position)
    position += chunk.length
  }
}

/** Something small and already complete, such as a manifest. */
export function bytesSpool(bytes: Buffer): Spool {
  return {
    size: async () => bytes.length,
    ended: () => true,
    read: async (offset, length) =>
      bytes.subarray(offset, offset + (typeof length === 'number' ? length : length.length)),
  }
}

const chunkBytes = 256 * 1024

/** The spool from its start to its end, while it grows, through one buffer. */
export function spoolChunks(spool: Spool, signal: AbortSignal): Chunks {
  return async function* (closed) {
    const either = AbortSignal.any([signal, closed])
    const room = Buffer.allocUnsafeSlow(chunkBytes)
    for (let offset = 0; ;) {
      const chunk = await spool.read(offset, room, either)
      if (chunk.length === 0) return
      yield chunk
      offset += chunk.length
    }
  }
}

/** The spool as a stream, from its start to its end, while it grows. */
export function followSpool(spool: Spool, signal: AbortSignal, onBytes?: (chunk: Buffer) => void): Readable {
  return Readable.from(chunks(spool, signal, onBytes), { objectMode: false, highWaterMark: chunkBytes })
}

async function* chunks(
  spool: Spool,
  signal: AbortSignal,
  onBytes?: (chunk: Buffer) => void,
): AsyncGenerator<Buffer> {
  for (let offset = 0; ;) {
    const chunk = await spool.read(offset, chunkBytes, signal)
    if (chunk.length === 0) return
    onBytes?.(chunk)
    yield chunk
    offset += chunk.length
  }
}

function roomFor(length: number | Buffer, bytes: number): Buffer {
  if (typeof length !== 'number') return length.subarray(0, bytes)
  passedThrough(bytes)
  return Buffer.allocUnsafe(bytes)
}

async function readAt(handle: FileHandle, offset: number, buffer: Buffer): Promise<Buffer> {
  const { length } = buffer
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
