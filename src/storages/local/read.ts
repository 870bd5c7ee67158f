import { Readable } from 'node:stream'
import type { FileHandle } from 'node:fs/promises'
import { Fault } from '../../core/faults.ts'
import { openObject } from './place.ts'

const chunkBytes = 256 * 1024

export interface ReadOptions {
  range?: { start: number; end: number } | undefined
  signal: AbortSignal
  /** Puts a failed read into our words. */
  explain: (error: unknown) => unknown
}

/** An object's bytes; the file is closed when the stream ends or is destroyed.
 * @throws Fault object-missing */
export async function readObject(real: string, key: string, options: ReadOptions): Promise<Readable> {
  options.signal.throwIfAborted()
  const handle = await openObject(real, key)
  const found = await handle?.stat()
  if (handle && found?.isFile()) return streamOf(handle, options)
  await handle?.close()
  throw new Fault('object-missing', `${key} is not stored here`)
}

function streamOf(handle: FileHandle, { range, signal, explain }: ReadOptions): Readable {
  let position = range?.start ?? 0
  const end = range ? range.end + 1 : Infinity
  async function next(): Promise<Buffer | null> {
    signal.throwIfAborted()
    const length = Math.min(chunkBytes, end - position)
    if (length <= 0) return null
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, position)
    position += bytesRead
    return bytesRead === 0 ? null : buffer.subarray(0, bytesRead)
  }
  return new Readable({
    highWaterMark: chunkBytes,
    read() {
      next().then(
        (chunk) => this.push(chunk),
        (error: unknown) => this.destroy(explain(error) as Error),
      )
    },
    destroy(error, done) {
      handle.close().then(
        () => done(error),
        (closing: Error) => done(error ?? closing),
      )
    },
  })
}
