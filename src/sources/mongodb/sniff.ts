import type { Sniffed } from '../source.ts'
import { readFront } from './archive.ts'

/** An archive of mongodump: its first four bytes, and what its header says. */
export function sniff(head: Buffer): Sniffed | null {
  const front = readFront(head)
  return front && { format: 'archive', vague: false, createdAt: null, ...front }
}
