import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, SqliteDialect, type Transaction } from 'kysely'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/faults.ts'
import { migrations } from './migrations.ts'
import type { Tables } from './tables.ts'

export type Read = Kysely<Tables>
export type Write = Transaction<Tables>

/** What this machine remembers: one SQLite file. Losing it loses history and unsent words, never a backup. */
export interface Database {
  readonly read: Read
  /** One short transaction holding the write lock; waits for other processes without blocking the event loop.
   * It may run again after a lock conflict: only database work belongs in it. */
  write<T>(work: (tx: Write) => Promise<T>): Promise<T>
  /** Holds this state folder for the life of the process, against other containers too, where process ids say nothing.
   * @returns null when somebody else holds it */
  hold(): { release: () => void } | null
  close(): Promise<void>
}

const busyTimeoutMs = 20 // a foreign lock blocks our event loop for this long; then we wait asynchronously
const lockPatienceMs = 15_000

/** @throws Fault state-corrupt */
export async function openDatabase(stateDir: string, clock: Clock): Promise<Database> {
  const sqlite = openFile(stateDir)
  const read = new Kysely<Tables>({ dialect: new SqliteDialect({ database: adapt(sqlite) }) })

  async function write<T>(work: (tx: Write) => Promise<T>): Promise<T> {
    for (const begun = clock.monotonic(); ; await clock.sleep(10 + clock.random() * 20)) {
      try {
        return await read.transaction().execute(work)
      } catch (error) {
        if (!isBusy(error) || clock.monotonic() - begun > lockPatienceMs) throw error
      }
    }
  }

  async function close(): Promise<void> {
    await read.destroy()
    if (sqlite.isOpen) sqlite.close() // nothing was ever asked, then the query layer does not close it
  }
  return { read, write, hold: () => holdLock(stateDir), close }
}

function openFile(stateDir: string): DatabaseSync {
  const path = join(stateDir, 'state.db')
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    const sqlite = new DatabaseSync(path, { timeout: busyTimeoutMs })
    chmodSync(path, 0o600)
    migrate(sqlite)
    return sqlite
  } catch (error) {
    throw openFault(error, path)
  }
}

function migrate(sqlite: DatabaseSync): void {
  sqlite.exec(
    `PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
     PRAGMA secure_delete = ON`, // a URL that was typed for one restore must not stay in a free page
  )
  sqlite.exec('BEGIN IMMEDIATE')
  const { user_version: version } = sqlite.prepare('PRAGMA user_version').get() as { user_version: number }
  if (version > migrations.length)
    throw new Fault('state-corrupt', 'the state folder was written by a newer easy-backup', {
      hint: 'start the newer version, or use another state_dir',
    })
  for (const statements of migrations.slice(version)) sqlite.exec(statements)
  sqlite.exec(`PRAGMA user_version = ${migrations.length}; COMMIT; PRAGMA busy_timeout = ${busyTimeoutMs}`)
}

function openFault(error: unknown, path: string): Fault {
  if (error instanceof Fault) return error
  const text = error instanceof Error ? error.message : String(error)
  const hint = `move ${path} away and run 'easy-backup catalog sync': backups are found again, only history is lost`
  if (/malformed|not a database|corrupt/i.test(text))
    return new Fault('state-corrupt', `the state database is damaged: ${text}`, { hint, cause: error })
  return new Fault('state-corrupt', `the state database cannot be opened: ${text}`, {
    hint: `check that ${path} can be read and written by this user`,
    cause: error,
  })
}

/** node:sqlite in the shape that kysely's dialect expects; transactions take the write lock at once. */
function adapt(sqlite: DatabaseSync): ConstructorParameters<typeof SqliteDialect>[0]['database'] & object {
  return {
    close: () => sqlite.close(),
    prepare(sql: string) {
      const statement = sqlite.prepare(sql === 'begin' ? 'begin immediate' : sql)
      return {
        reader: statement.columns().length > 0,
        all: (parameters: readonly unknown[]) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters: readonly unknown[]) => statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters: readonly unknown[]) => statement.iterate(...(parameters as SQLInputValue[])),
      }
    },
  } as never
}

/** SQLite's own locking is the portable one at hand: it is released by the system when the holder dies. */
function holdLock(stateDir: string): { release: () => void } | null {
  const lock = new DatabaseSync(join(stateDir, 'leader.lock'), { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    return { release: () => lock.close() }
  } catch (error) {
    lock.close()
    if (isBusy(error)) return null
    throw error
  }
}

const sqliteBusy = 5 // SQLITE_BUSY, https://sqlite.org/rescode.html#busy

function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === sqliteBusy
}
