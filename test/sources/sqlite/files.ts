import { pathToFileURL } from 'node:url'
import { DatabaseSync } from 'node:sqlite'

export function fileUrl(path: string): string {
  return pathToFileURL(path).href.replace('file:', 'sqlite:')
}

/** Every definition and row, as text that is equal for equal content. */
export function rowsOf(file: string): string {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const schema = database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all()
    const rows = schema
      .filter(({ type }) => type === 'table')
      .map(({ name }) => {
        const all = database.prepare(`SELECT * FROM "${String(name).replaceAll('"', '""')}"`).all()
        return [name, all.map((row) => Object.values(row).map(shown))]
      })
    return JSON.stringify({ schema, rows })
  } finally {
    database.close()
  }
}

function shown(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}
