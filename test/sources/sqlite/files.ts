import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
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

/**
 * Writes all the time from a process of its own, as an application would.
 * @returns what stops it and waits until it is gone: call it before the folder is removed @throws Error when the writer ended by itself
 */
export async function keepWriting(file: string, journalMode: 'wal' | 'delete'): Promise<() => Promise<void>> {
  const writer = spawn(process.execPath, [join(import.meta.dirname, 'writer.ts'), file, journalMode], {
    cwd: dirname(file),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => writer.once('exit', resolve))
  await Promise.race([new Promise((resolve) => writer.stdout.once('data', resolve)), ended])
  return async () => {
    if (writer.exitCode !== null) throw new Error('the writer ended early')
    writer.kill('SIGKILL')
    await ended
  }
}
