import type { Proof, RawInput } from '../source.ts'
import { createArchiveReader } from './archive.ts'

/** Reads the archive to its last byte: each collection has its end, and the CRC of its documents is right. mongorestore proves
 * nothing without a server. @throws Fault proof-failed */
export async function prove(raw: RawInput): Promise<Proof> {
  const reader = createArchiveReader()
  await raw.intoReader(reader.take)
  return reader.end()
}
