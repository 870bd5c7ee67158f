import { blockBytes, paxSize, readHeader, type Header } from './tar.ts'

/** Takes what a member holds, chunk by chunk; a chunk's bytes are gone when `take` returns. */
export interface MemberReader {
  take: (chunk: Buffer) => void
  end: () => void
}

export interface TarReader {
  /** Chunks cut anywhere. Never throws: what is wrong is said by `end`. */
  take: (chunk: Buffer) => void
  /** @throws Error when it is no whole archive, or a member's reader threw */
  end: () => void
}

const longestPax = 64 * 1024 // some hundred bytes in practice

/** Reads a tar archive as it passes by.
 * @param open  called for each file; null: nobody wants it */
export function createTarReader(open: (member: Header) => MemberReader | null): TarReader {
  let failure: unknown = null
  let block: Buffer = Buffer.alloc(0)
  let zeroBlocks = 0
  /** Bytes of the current member that are still to come, and of its padding. */
  let left = 0
  let pad = 0
  let reader: MemberReader | null = null
  let nextSize: number | null = null

  function take(chunk: Buffer): void {
    if (failure !== null) return
    try {
      for (let at = 0; at < chunk.length;) at = step(chunk, at)
    } catch (error) {
      failure = error
    }
  }

  function step(chunk: Buffer, at: number): number {
    if (left > 0) return content(chunk, at)
    if (pad > 0) {
      const skipped = Math.min(pad, chunk.length - at)
      pad -= skipped
      return at + skipped
    }
    const end = Math.min(chunk.length, at + blockBytes - block.length)
    block = Buffer.concat([block, chunk.subarray(at, end)]) // a copy: the chunk is gone when we return
    if (block.length === blockBytes) takeBlock()
    return end
  }

  function content(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + left)
    reader?.take(chunk.subarray(at, end))
    left -= end - at
    if (left === 0) reader?.end()
    return end
  }

  function takeBlock(): void {
    const header = readHeader(block)
    block = Buffer.alloc(0)
    if (header === null) return void zeroBlocks++
    if (zeroBlocks > 0) throw new Error('the tar archive goes on behind its end')
    const size = nextSize ?? header.size
    nextSize = null
    if (size < 0 || !Number.isSafeInteger(size)) throw new Error('a header of the tar archive is damaged')
    left = size
    pad = (blockBytes - (size % blockBytes)) % blockBytes
    reader = readerOf({ ...header, size })
    if (left === 0) reader?.end()
  }

  function readerOf(member: Header): MemberReader | null {
    if (member.type === '0') return open(member)
    if (member.type === 'x' && member.size <= longestPax) return paxReader((size) => void (nextSize = size))
    if (member.type === '5' || member.type === 'g') return null
    throw new Error(`the tar archive holds something else than files (${member.name})`)
  }

  function end(): void {
    if (failure !== null) throw failure
    if (left > 0 || pad > 0 || block.length > 0 || zeroBlocks < 2) throw new Error('the tar archive is cut')
  }

  return { take, end }
}

function paxReader(found: (size: number | null) => void): MemberReader {
  const chunks: Buffer[] = []
  return {
    take: (chunk) => void chunks.push(Buffer.from(chunk)),
    end: () => found(paxSize(Buffer.concat(chunks))),
  }
}
