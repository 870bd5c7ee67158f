import type { Sniffed } from '../source.ts'
import { sqlTextOf } from '../sql-text.ts'

const magic = Buffer.from('SQLite format 3\0') // https://www.sqlite.org/fileformat2.html#magic_header_string

export function sniff(head: Buffer): Sniffed | null {
  const unknown = { database: null, serverVersion: null, toolVersion: null, createdAt: null }
  if (head.subarray(0, magic.length).equals(magic)) return { format: 'sqlite', vague: false, ...unknown }
  const dialect = sqlTextOf(head)
  if (dialect !== 'sqlite' && dialect !== 'any') return null
  return { format: 'sql', vague: dialect === 'any', ...unknown }
}
