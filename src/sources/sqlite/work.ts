import { createReadStream, statSync, writeSync } from 'node:fs'
import { backup, constants, DatabaseSync } from 'node:sqlite'
import type { TableRows } from '../../core/model.ts'
import { exchangeFiles, openersOf, type ExchangeTask } from './exchange.ts'
import { comments, createStatements } from './script.ts'

/** What the driver lets a process of its own do: SQLite's calls cannot be interrupted, and a check of a large file takes
 * minutes, in which the service must go on answering and `cancel` must work. The answer is one JSON value on standard output. */
export type Task =
  | { do: 'read-facts'; file: string; lockTimeoutMs: number }
  | { do: 'copy'; file: string; to: string; lockTimeoutMs: number }
  | { do: 'examine'; file: string }
  /** Runs a script into a new file, then examines that. */
  | { do: 'run-script'; file: string; script: string }
  /** Runs a script in a file that is there, as one transaction. @returns how many rows it changed */
  | { do: 'change'; file: string; script: string }
  /** Writes the file anew: nothing of what was deleted is left in it. */
  | { do: 'compact'; file: string }
  /** Who has it open, and what its newest data is. */
  | { do: 'look'; file: string; sql: string | null }
  | ({ do: 'exchange' } & ExchangeTask)

export type Answer = FileFacts | Examination | Look | number | null

export interface Look {
  /** Processes, as people know them. */
  openers: string[]
  newest: string | null
}

export interface FileFacts {
  sqliteVersion: string
  sizeBytes: number
  tables: number
}

export interface Examination {
  /** Empty when the file is sound. */
  damage: string[]
  /** What could not be checked, and broken references. */
  remarks: string[]
  tables: TableRows[]
  /** How many of each kind the schema has. */
  objects: Record<string, number>
}

/** Standard error: `sqlite <extended result code>: <words>`. https://www.sqlite.org/rescode.html */
export const failureLine = /^sqlite (\d+): (.*)$/

const pagesPerStep = 2_000 // 8 MB of usual pages: writers of a file without WAL wait no longer than one step
const patience = 3 // restarts, before writers have to wait for the whole copy
const progressEvery = 0.1

const isNothing = new RegExp(String.raw`^(?:[\s;]|${comments})*$`)
const isQuestion = new RegExp(String.raw`^(?:\s|${comments})*(?:select|with|values|explain)\b`, 'i')

if (import.meta.main) {
  try {
    writeSync(1, JSON.stringify(await perform(JSON.parse(process.argv[2]!) as Task)))
  } catch (error) {
    const { errcode, message } = error as { errcode?: number; message: string }
    writeSync(2, `sqlite ${errcode ?? 1}: ${message}\n`)
    process.exitCode = 1
  }
}

async function perform(task: Task): Promise<Answer> {
  if (task.do === 'look') return { openers: openersOf(task.file), newest: newestData(task.file, task.sql) }
  if (task.do === 'exchange') return (exchangeFiles(task), null)
  if (task.do === 'read-facts') return readFacts(task.file, task.lockTimeoutMs)
  if (task.do === 'change') return changeBy(task.file, task.script)
  if (task.do === 'compact') return (new DatabaseSync(task.file).exec('VACUUM'), null)
  if (task.do === 'copy') await copy(task.file, task)
  if (task.do === 'run-script') await runScript(task.file, task.script)
  return examine(task.do === 'copy' ? task.to : task.file)
}

function newestData(file: string, sql: string | null): string | null {
  if (sql === null) return null
  const database = new DatabaseSync(file, { readOnly: true })
  denyOtherFiles(database)
  const question = database.prepare(sql)
  const rest = sql.slice(sql.indexOf(question.sourceSQL) + question.sourceSQL.length)
  if (!isNothing.test(rest)) throw new Error('it is more than one statement')
  if (!isQuestion.test(sql))
    throw new Error('it is no question: it must begin with SELECT, WITH, VALUES or EXPLAIN')
  question.setReadBigInts(true) // numbers beyond 2^53 are ordinary ids
  const [value] = Object.values(question.get() ?? {})
  return value == null ? null : String(value)
}

/** What somebody else wrote touches the file that it is given and no other, by ATTACH or by VACUUM INTO, which attaches. */
function denyOtherFiles(database: DatabaseSync): void {
  database.setAuthorizer((action) =>
    action === constants.SQLITE_ATTACH ? constants.SQLITE_DENY : constants.SQLITE_OK,
  )
}

function readFacts(file: string, timeout: number): FileFacts {
  const database = new DatabaseSync(file, { readOnly: true, timeout })
  const pages = scalar(database, 'PRAGMA page_count')
  return {
    sqliteVersion: process.versions.sqlite!,
    sizeBytes: pages * scalar(database, 'PRAGMA page_size'),
    tables: tableNames(database).length,
  }
}

/** Every commit of another process makes the online backup start again. In a file with a write-ahead log an open read
 * transaction prevents that and disturbs nobody. Without one it keeps writers waiting, so that is the last resort. */
async function copy(
  file: string,
  { to, lockTimeoutMs }: { to: string; lockTimeoutMs: number },
): Promise<void> {
  const source = new DatabaseSync(file, { readOnly: true, timeout: lockTimeoutMs })
  const journal = source.prepare('PRAGMA journal_mode').get()!.journal_mode
  if (journal === 'wal' || !(await copyWhileQuiet(source, to))) {
    source.exec('BEGIN; SELECT count(*) FROM sqlite_schema')
    await backup(source, to, { rate: pagesPerStep, progress: tell() })
  }
  source.close()
  const copied = new DatabaseSync(to)
  copied.exec('PRAGMA journal_mode = DELETE') // the copy of a file with a log would want a log, too
  if (scalar(copied, 'PRAGMA page_count') === 0) copied.exec('VACUUM') // a database that was never written to has no bytes
  copied.close()
}

/** @returns false when writers kept interrupting it */
async function copyWhileQuiet(source: DatabaseSync, to: string): Promise<boolean> {
  const interrupted = new Error('interrupted by writers')
  const report = tell()
  let restarts = 0
  let least = Infinity
  try {
    await backup(source, to, {
      rate: pagesPerStep,
      progress(step) {
        if (step.remainingPages > least && ++restarts > patience) throw interrupted
        least = step.remainingPages
        report(step)
      },
    })
    return true
  } catch (error) {
    if (error === interrupted) return false
    throw error
  }
}

/** Lines on standard error are also the sign of life of a long copy. */
function tell(): (step: { remainingPages: number; totalPages: number }) => void {
  let told = 0
  return ({ remainingPages, totalPages }) => {
    const share = 1 - remainingPages / totalPages
    if (share < told + progressEvery) return
    told = share
    writeSync(2, `copied ${Math.floor(share * 100)} %\n`)
  }
}

/** A script may only fill the file that it is run into. */
async function runScript(file: string, script: string): Promise<void> {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA synchronous = OFF') // a file that is thrown away when anything fails
  denyOtherFiles(database)
  const rest = await runAll(database, script)
  if (rest !== '' || database.isTransaction)
    throw new Error('the script stops in the middle of a statement or transaction')
  if (tableNames(database).length === 0) throw new Error('the script makes no table')
  database.close()
}

/** @returns what follows the last whole statement */
async function runAll(database: DatabaseSync, script: string): Promise<string> {
  const statements = createStatements()
  for await (const text of createReadStream(script, { encoding: 'utf8', highWaterMark: 1024 * 1024 }))
    for (const statement of statements.take(text as string)) database.exec(statement)
  return statements.rest()
}

/** People leave out the last semicolon. */
async function changeBy(file: string, script: string): Promise<number> {
  const database = new DatabaseSync(file)
  denyOtherFiles(database)
  database.exec('BEGIN')
  const rest = await runAll(database, script)
  if (rest !== '') database.exec(rest)
  if (!database.isTransaction) throw new Error('the script ends the transaction that it is run in')
  database.exec('COMMIT')
  const rows = scalar(database, 'SELECT total_changes()')
  database.close()
  return rows
}

/** Reads every page: structure, indexes against tables, references, and how many rows there are. */
function examine(file: string): Examination {
  const database = new DatabaseSync(file, { readOnly: true })
  const { damage, remarks } = wrongSize(database, file) ?? integrity(database)
  if (damage.length > 0) return { damage, remarks, tables: [], objects: {} }
  const orphans = references(database)
  const tables = tableNames(database).map((name) => ({
    name,
    rows: scalar(database, `SELECT count(*) FROM ${quoted(name)}`),
  }))
  return { damage, remarks: [...remarks, ...orphans], tables, objects: objectsOf(database) }
}

/** What SQLite makes by itself comes with what it is made for. */
function objectsOf(database: DatabaseSync): Record<string, number> {
  const kinds = database.prepare(
    `SELECT type, count(*) AS count FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' GROUP BY type ORDER BY type`,
  )
  return Object.fromEntries(kinds.all().map(({ type, count }) => [String(type), Number(count)]))
}

/** SQLite takes a file of no bytes for an empty database, and does not look behind the pages that are in use. */
function wrongSize(database: DatabaseSync, file: string): { damage: string[]; remarks: string[] } | null {
  const expected = scalar(database, 'PRAGMA page_count') * scalar(database, 'PRAGMA page_size')
  const { size } = statSync(file)
  if (size === expected && size > 0) return null
  return { damage: [`it has ${size} bytes where its header says ${expected}`], remarks: [] }
}

/** A file may use modules and collations that only its application has; then what can be read without them is checked. */
function integrity(database: DatabaseSync): { damage: string[]; remarks: string[] } {
  try {
    return { damage: findings(database, 'PRAGMA integrity_check(20)'), remarks: [] }
  } catch (error) {
    const { message } = error as Error
    if (!/no such (module|collation|function)/.test(message)) throw error
    const remark = `indexes were not compared with their tables: ${message}`
    return { damage: findings(database, 'PRAGMA quick_check(20)'), remarks: [remark] }
  }
}

function findings(database: DatabaseSync, pragma: string): string[] {
  const lines = database
    .prepare(pragma)
    .all()
    .map((row) => String(Object.values(row)[0]))
  return lines.length === 1 && lines[0] === 'ok' ? [] : lines
}

/** Rows that refer to missing ones are in the data itself, often since foreign keys were off: no damage of the file. */
function references(database: DatabaseSync): string[] {
  try {
    const tables = new Set<unknown>()
    let count = 0
    for (const { table } of database.prepare('PRAGMA foreign_key_check').iterate()) {
      tables.add(table)
      count++
    }
    return count > 0 ? [`${count} rows refer to missing ones, in ${[...tables].join(', ')}`] : []
  } catch (error) {
    return [`foreign keys were not checked: ${(error as Error).message}`]
  }
}

/** Virtual tables keep their rows in ordinary ones, and may need a module that is not here. */
function tableNames(database: DatabaseSync): string[] {
  const tables = database.prepare(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`,
  )
  return tables.all().map(({ name }) => String(name))
}

function scalar(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get()!)[0])
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
