import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import type { Subject } from './round-trip.ts'

export function sqliteSubject(file: string): Subject {
  return {
    settings: { database_url: `sqlite://${file.split('/').map(encodeURIComponent).join('/')}` },
    target: file,
    content: async () => contentOf(file),
    wipe: async () => {
      for (const end of ['', '-wal', '-shm', '-journal']) await rm(file + end, { force: true })
    },
  }
}

const settings = ['user_version', 'application_id', 'encoding', 'page_size', 'auto_vacuum']

/** Every object as it was written, and every row; values with their type, because 1, 1.0 and '1' are three values. */
function contentOf(file: string): Record<string, string> {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const found: Record<string, string> = {}
    for (const { type, name, tbl_name, sql } of database.prepare('SELECT * FROM sqlite_schema').all())
      found[`${String(type)} ${String(name)}`] = `${String(tbl_name)}: ${String(sql)}`
    const tables = database
      .prepare(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')`)
      .all()
    for (const { name } of tables) found[`rows of ${String(name)}`] = digest(database, String(name))
    for (const setting of settings)
      found[setting] = JSON.stringify(database.prepare(`PRAGMA ${setting}`).get())
    return found
  } finally {
    database.close()
  }
}

function digest(database: DatabaseSync, table: string): string {
  const quoted = `"${table.replaceAll('"', '""')}"`
  const columns = database
    .prepare(`SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1`)
    .all(table)
    .map(({ name }) => `"${String(name).replaceAll('"', '""')}"`)
  const rows: string[] = []
  for (const part of chunked(columns, 400)) {
    const values = part.map((column) => `typeof(${column}), ${column}`).join(', ')
    const query = database.prepare(`SELECT ${values} FROM ${quoted} AS "the row"`)
    query.setReadBigInts(true)
    query.setReturnArrays(true)
    for (const row of query.iterate() as Iterable<unknown>) rows.push(hashOf(row as unknown[]))
  }
  const all = createHash('sha256')
  for (const row of rows.sort()) all.update(row)
  return `${rows.length} ${all.digest('hex')}`
}

/** A row of a result has at most 2,000 values (sqlite.org/limits.html). */
function chunked<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  )
}

function hashOf(row: readonly unknown[]): string {
  const hash = createHash('sha256')
  for (const value of row) {
    const bytes =
      value instanceof Uint8Array ? value : Buffer.from(Object.is(value, -0) ? '-0' : String(value))
    hash.update(`${bytes.length}:`).update(bytes)
  }
  return hash.digest('hex')
}
