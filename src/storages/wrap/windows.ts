import { Readable } from 'node:stream'
import { passedThrough } from '../../sys/memory.ts'

/** Some bytes of an object. */
export interface Window {
  bytes: Buffer
  /** Size of the whole object. */
  total: number
  /** Names this content of the object: it has to stay the same. */
  version: string
}

export interface Windowed {
  range?: { start: number; end: number } | undefined
  signal: AbortSignal
  /** One call with its own deadline and tries.
   * @param end last byte, included; what is behind the object's end is cut
   * @param version of the first window, null for it
   * @returns null when nothing of the object is in there */
  fetch(start: number, end: number, version: string | null): Promise<Window | null>
}

const windowBytes = 4 * 1024 * 1024

/** An object read window by window, the next one while this one is used: each call is short enough for a deadline, a lost
 * connection costs one window, and no more than two are in memory. */
export async function readInWindows(wanted: Windowed): Promise<Readable> {
  wanted.signal.throwIfAborted()
  const start = wanted.range?.start ?? 0
  const first = await wanted.fetch(start, lastOf(start, wanted), null)
  const bytes = first === null ? Readable.from([]) : follow(wanted, { start, first })
  const source = bytes[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  return new Readable({
    highWaterMark: 256 * 1024,
    read() {
      source.next().then(
        ({ value, done }) => this.push(done === true ? null : value),
        (error: unknown) => this.destroy(error as Error),
      )
    },
  })
}

function lastOf(start: number, { range }: Windowed): number {
  return Math.min(start + windowBytes - 1, range?.end ?? Infinity)
}

async function* follow(
  wanted: Windowed,
  { start, first }: { start: number; first: Window },
): AsyncGenerator<Buffer> {
  const end = Math.min(wanted.range?.end ?? Infinity, first.total - 1)
  let window: Window | null = first
  for (let at = start; window !== null;) {
    at += window.bytes.length
    const next: Promise<Window | null> | null =
      at <= end ? wanted.fetch(at, Math.min(end, lastOf(at, wanted)), first.version) : null
    next?.catch(() => {}) // told when its turn comes
    passedThrough(window.bytes.length)
    yield window.bytes
    wanted.signal.throwIfAborted()
    window = next && (await next)
  }
}
