import { createHash } from 'node:crypto'
import type { Receipt } from '../storage.ts'

/** Size and digests of what goes to a place. */
export interface Tally {
  /** In order. */
  take(bytes: Buffer): void
  readonly bytes: number
  md5(): Buffer
  /** Lower-case hex. */
  sha256(): string
  receipt(): Receipt
}

export function createTally(): Tally {
  const sha256 = createHash('sha256')
  const md5 = createHash('md5')
  let bytes = 0
  const tally: Tally = {
    take(part) {
      sha256.update(part)
      md5.update(part)
      bytes += part.length
    },
    get bytes() {
      return bytes
    },
    md5: () => md5.copy().digest(),
    sha256: () => sha256.copy().digest('hex'),
    receipt: () => ({ bytes, sha256: tally.sha256() }),
  }
  return tally
}

/** @returns lower-case hex */
export async function sha256Of(bytes: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of bytes) hash.update(chunk)
  return hash.digest('hex')
}
