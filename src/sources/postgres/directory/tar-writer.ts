import { open, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { Fault } from '../../../core/faults.ts'
import { passedThrough } from '../../../sys/memory.ts'
import { archiveEnd, blockBytes, memberHeader, padding, type Stamp } from './tar.ts'

const chunkBytes = 256 * 1024

/** A tar archive of finished files, each removed once it was read: beside the archive there is never a second whole copy.
 * @param names  of files in the folder, as they become complete
 * @param inside the folder's name in the archive */
export function tarOf(
  folder: string,
  names: AsyncIterable<string>,
  { inside, stamp }: { inside: string; stamp: Stamp },
): Readable {
  async function* chunks(): AsyncGenerator<Buffer> {
    for await (const name of names) yield* member(join(folder, name), { inside, stamp })
    yield archiveEnd
  }
  return Readable.from(chunks(), { objectMode: false, highWaterMark: chunkBytes })
}

async function* member(
  path: string,
  { inside, stamp }: { inside: string; stamp: Stamp },
): AsyncGenerator<Buffer> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    yield memberHeader({ name: `${inside}/${basename(path)}`, size }, stamp)
    for (let done = 0; done < size;) {
      const room = Buffer.allocUnsafeSlow(Math.min(chunkBytes, size - done))
      const { bytesRead } = await file.read(room, 0, room.length, done)
      if (bytesRead === 0) throw new Fault('internal', `${basename(path)} became shorter while it was read`)
      passedThrough(bytesRead)
      yield room.subarray(0, bytesRead)
      done += bytesRead
    }
    if (size % blockBytes > 0) yield padding(size)
  } finally {
    await file.close()
  }
  await unlink(path)
}
