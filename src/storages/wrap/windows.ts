import type { Readable } from 'node:stream'
import { passedThrough } from '../../sys/memory.ts'
import { readerOf } from './reader.ts'

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
  /** One call with its own deadline and tries. @returns null when nothing of the object is in there */
  fetch(asked: AskedWindow): Promise<Window | null>
}

export interface AskedWindow {
  start: number
  /** Last byte, included; what is behind the object's end is cut. */
  end: number
  /** Of the first window, null for it. */
  version: string | null
  /** Memory for the bytes, used again for later windows. */
  room: Buffer
  /** The reader has left, or waits no longer. */
  signal: AbortSignal
}

const windowBytes = 4 * 1024 * 1024

const pieceBytes = 256 * 1024

/** An object read window by window, the next one while this one is used: each call is short enough for a deadline, a lost
 * connection costs one window, and no more than two are in memory.
 * @throws what the first call throws */
export async function readInWindows(wanted: Windowed): Promise<Readable> {
  wanted.signal.throwIfAborted()
  const closing = new AbortController()
  const signal = AbortSignal.any([wanted.signal, closing.signal])
  const start = wanted.range?.start ?? 0
  const rooms = [Buffer.allocUnsafeSlow(windowBytes), Buffer.allocUnsafeSlow(windowBytes)]
  const ask = (at: number, end: number, version: string | null): Promise<Window | null> => {
    rooms.reverse()
    const last = Math.min(end, at + windowBytes - 1)
    return wanted.fetch({ start: at, end: last, version, room: rooms[0]!, signal })
  }
  const first = await ask(start, wanted.range?.end ?? Infinity, null)
  const source = pieces({ ...wanted, signal }, { start, first, ask })
  return readerOf(source, (why) => closing.abort(why))
}

interface Begun {
  start: number
  first: Window | null
  ask: (at: number, end: number, version: string | null) => Promise<Window | null>
}

async function* pieces({ range, signal }: Windowed, { start, first, ask }: Begun): AsyncGenerator<Buffer> {
  if (first === null) return
  const end = Math.min(range?.end ?? Infinity, first.total - 1)
  let window: Window | null = first
  for (let at = start; window !== null;) {
    at += window.bytes.length
    const next: Promise<Window | null> | null = at <= end ? ask(at, end, first.version) : null
    next?.catch(() => {}) // told when its turn comes
    for (let from = 0; from < window.bytes.length; from += pieceBytes) {
      signal.throwIfAborted()
      const piece = Buffer.from(window.bytes.subarray(from, from + pieceBytes)) // the reader's own: the window is used again
      passedThrough(piece.length)
      yield piece
    }
    window = next && (await next)
  }
}

/** The bytes of an answer, in the window's memory. @throws Error when they are more than fit */
export async function intoRoom(chunks: AsyncIterable<Buffer>, room: Buffer): Promise<Buffer> {
  let filled = 0
  for await (const chunk of chunks) {
    if (filled + chunk.length > room.length) throw new Error('more was sent than was asked for')
    filled += chunk.copy(room, filled)
    passedThrough(chunk.length)
  }
  return room.subarray(0, filled)
}
