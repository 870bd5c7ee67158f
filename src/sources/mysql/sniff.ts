import type { Sniffed } from '../source.ts'
import { sqlTextOf } from '../sql-text.ts'

/** The dump programs say at the front who they are, and of what server. */
export function sniff(head: Buffer): Sniffed | null {
  const dialect = sqlTextOf(head)
  const unknown = { database: null, serverVersion: null, toolVersion: null, createdAt: null }
  if (dialect === 'any') return { format: 'sql', vague: true, ...unknown }
  if (dialect !== 'mysql') return null
  const text = head.toString('utf8')
  const [, toolVersion = null] =
    /^-- (?:MySQL|MariaDB) dump .*?(?:Distrib |from )?(\d+\.\d+\.\d+)/m.exec(text) ?? []
  const [, database = null] = /^-- Host: .*?\s+Database: (.+)$/m.exec(text) ?? []
  const [, serverVersion = null] = /^-- Server version\s+(\S+)/m.exec(text) ?? []
  return { format: 'mysqldump', vague: false, ...unknown, database, serverVersion, toolVersion }
}
