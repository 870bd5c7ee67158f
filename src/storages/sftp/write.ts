import type { Hash } from 'node:crypto'
import { orAborted } from '../../core/or-aborted.ts'
import { passedThrough } from '../../sys/memory.ts'
import type { Spool } from '../../sys/spool.ts'
import type { PutOptions } from '../storage.ts'
import { copies, requestBytes, requestsAtOnce } from './read.ts'
import type { OpenFile } from './files.ts'

/** How far an object has come; it outlives a connection. */
export interface Written {
  /** All bytes before it are written, as the server said. */
  confirmed: number
  /** All bytes before it are in `hash`. */
  hashed: number
  hash: Hash
}

const chunkBytes = 256 * 1024

/** The rest of the spool from where the server has confirmed, while it grows: many small requests are on their way at once. */
export async function writeRest(
  file: OpenFile,
  { spool, written, options }: { spool: Spool; written: Written; options: PutOptions },
): Promise<void> {
  const room = Buffer.allocUnsafeSlow(chunkBytes)
  const flying: { end: number; done: Promise<void> }[] = []

  async function land(): Promise<void> {
    const { end, done } = flying.shift()!
    await orAborted(done, options.signal)
    written.confirmed = end
    options.onState?.(end)
  }

  for (let at = written.confirmed; ;) {
    const chunk = await spool.read(at, room, options.signal)
    if (chunk.length === 0) break
    hashNew(chunk, at, written)
    for (let from = 0; from < chunk.length; from += requestBytes) {
      while (flying.length >= requestsAtOnce) await land()
      const part = chunk.subarray(from, from + requestBytes)
      const done = write(file, part, at + from)
      done.catch(() => {}) // told when its turn comes
      flying.push({ end: at + from + part.length, done })
    }
    at += chunk.length
    passedThrough(chunk.length * copies)
  }
  while (flying.length > 0) await land()
}

/** What is sent a second time after a lost connection is in it already. */
function hashNew(chunk: Buffer, at: number, written: Written): void {
  const end = at + chunk.length
  if (end <= written.hashed) return
  written.hash.update(chunk.subarray(Math.max(0, written.hashed - at)))
  written.hashed = end
}

/** The library copies the bytes before it returns: the room is free again at once. */
function write({ session, handle }: OpenFile, part: Buffer, position: number): Promise<void> {
  return session.ask((sftp, done) => sftp.write(handle, part, 0, part.length, position, done as never))
}
