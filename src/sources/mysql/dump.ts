import { Fault } from '../../core/faults.ts'
import type { Inspection, Sink } from '../source.ts'
import { optionFile, programEnvironment } from './environment.ts'
import { toolFault } from './faults.ts'
import type { Version } from './flavour.ts'
import { chosen, isFiltered, type Choice } from './options.ts'
import type { Place } from './place.ts'
import { programFor, type Program } from './programs.ts'
import { withSession, type Session } from './session.ts'
import { endpointOf } from './url.ts'

const physicalFromBytes = 100 * 2 ** 30 // above it a physical backup is the better tool, and we say so

export async function inspect(place: Place, signal: AbortSignal): Promise<Inspection> {
  const { origin, context, options } = place
  const facts = await withSession(origin, { context, signal }, readFacts)
  const { program, warnings } = await programFor('dump', facts.version, context, signal)
  refuseUnable(program, options)
  return {
    engine: {
      kind: 'mysql',
      name: facts.version.flavour,
      serverVersion: facts.version.text,
      toolVersion: program.text,
      collation: facts.collation,
    },
    method: program.flavour === 'MariaDB' ? 'mariadb-dump' : 'mysqldump',
    format: 'mysqldump',
    database: origin.database,
    endpoint: endpointOf(origin),
    hasTables: facts.hasTables && !isFiltered(options),
    sizeBytes: facts.sizeBytes,
    warnings: [...warnings, ...warningsOf(facts)],
  }
}

/** One transaction that sees one moment. The name is given behind `--`, where nothing is an option any more. */
export async function dump(place: Place, sink: Sink, signal: AbortSignal): Promise<void> {
  const { origin, context, options } = place
  const facts = await withSession(origin, { context, signal }, readFacts)
  const { program } = await programFor('dump', facts.version, context, signal)
  const choice = chosen(options, facts.relations)
  if (choice.only?.length === 0) throw nothingChosen()
  if (facts.endlessEvent !== null) throw endless(facts.endlessEvent)
  if (facts.hasEvents && /['"\\\0\n\r]/.test(origin.database)) throw eventsOutOfReach(origin.database)
  const { flavour } = program
  const file = await optionFile(origin, { context, flavour, encrypted: facts.encrypted })
  const argv = [
    program.path,
    `--defaults-file=${file}`,
    ...dumpArguments(program, facts),
    ...choiceArguments(choice, origin.database),
  ]
  const names = [origin.database, ...(choice.only ?? [])]
  try {
    await sink
      .file(artifactName(origin.database))
      .fromProgram({ argv: [...argv, '--', ...names], env: programEnvironment })
  } catch (error) {
    throw toolFault(error, origin, 'dump-failed')
  }
}

const historySince = 1011 // MariaDB 10.11: --dump-history

/** Every row in hexadecimal where it is binary, so that the whole text is UTF-8. Without a date the same data gives the same bytes. */
function dumpArguments(program: Program, { version, isVersioned }: Facts): string[] {
  const ofMysql =
    program.flavour === 'MySQL'
      ? ['--set-gtid-purged=OFF', ...(program.number >= 800 ? ['--column-statistics=0'] : [])]
      : []
  const hasHistory =
    program.flavour === 'MariaDB' && program.number >= historySince && version.number >= historySince
  return [
    '--default-character-set=utf8mb4',
    '--single-transaction',
    '--quick',
    '--routines',
    '--triggers',
    '--events',
    '--hex-blob',
    '--no-tablespaces', // they would need the right PROCESS
    '--skip-add-locks', // a restore then needs no right to lock
    '--no-autocommit',
    '--skip-dump-date',
    '--max-allowed-packet=1G',
    ...(isVersioned && hasHistory ? ['--dump-history'] : []),
    ...ofMysql,
  ]
}

function choiceArguments({ without, withoutRows }: Choice, database: string): string[] {
  return [
    ...without.map((name) => `--ignore-table=${database}.${name}`),
    ...withoutRows.map((name) => `--ignore-table-data=${database}.${name}`),
  ]
}

function refuseUnable({ flavour }: Version, options: Record<string, unknown>): void {
  if (flavour === 'MySQL' && options.exclude_table_data !== undefined)
    throw new Fault('tool-too-old', 'mysqldump cannot leave out the rows of single tables', {
      hint: 'install mariadb-client, or use exclude_tables',
    })
}

function nothingChosen(): Fault {
  return new Fault('dump-failed', 'options.tables fits no table of the database', {
    hint: 'check the patterns',
    retry: false,
  })
}

/** The dump programs look for the events of such a database under its escaped name, and find no database.
 * https://github.com/MariaDB/server/blob/mariadb-10.11.8/client/mysqldump.c (dump_events_for_db) */
function eventsOutOfReach(database: string): Fault {
  return new Fault(
    'dump-failed',
    `the dump program cannot read the events of a database that is called "${database}"`,
    {
      hint: 'drop its events, or move its tables into a database whose name holds no quote and no backslash',
      retry: false,
    },
  )
}

/** The dump program looks for a delimiter that the event does not hold, and never finds one (seen with mariadb-dump 10.11). */
function endless(event: string): Fault {
  return new Fault('dump-failed', `the dump program would never end: event "${event}" holds ;;`, {
    hint: 'write the event without two semicolons in a row',
    retry: false,
  })
}

/** A plain file name, whatever the database is called. */
function artifactName(database: string): string {
  const plain = database
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[._-]+/, '')
    .slice(0, 63)
  return `${plain || 'database'}.sql`
}

interface Facts {
  version: Version
  encrypted: boolean
  collation: string
  sizeBytes: number
  hasTables: boolean
  /** Tables and views. */
  relations: string[]
  isVersioned: boolean
  hasEvents: boolean
  /** One with two semicolons in a row; null: none. */
  endlessEvent: string | null
  /** Columns whose values the server itself writes with six digits. */
  floats: string[]
  /** Of engines that take no part in transactions, by engine. */
  outside: Map<string, string[]>
}

interface Relation {
  name: string
  type: string
  engine: string | null
  transactions: string | null
  size: string | number | null
}

async function readFacts(session: Session): Promise<Facts> {
  const relations = await session.rows<Relation>(
    `SELECT t.TABLE_NAME AS name, t.TABLE_TYPE AS type, t.ENGINE AS engine, e.TRANSACTIONS AS transactions,
       t.DATA_LENGTH + t.INDEX_LENGTH AS size
     FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
     WHERE t.TABLE_SCHEMA = DATABASE() ORDER BY t.TABLE_NAME`,
  )
  const [schema] = await session.rows<{ collation: string }>(
    'SELECT DEFAULT_COLLATION_NAME AS collation FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()',
  )
  const events = await session.rows<{ name: string; endless: number }>(
    `SELECT EVENT_NAME AS name, CONCAT(EVENT_NAME, EVENT_DEFINITION, EVENT_COMMENT) LIKE '%;;%' AS endless
     FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()`,
  )
  const floats = await session.rows<{ name: string }>(
    `SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS name FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = DATABASE() AND DATA_TYPE = 'float' ORDER BY 1`,
  )
  const tables = relations.filter(({ type }) => isTable(type))
  const outside = Map.groupBy(
    tables.filter(({ engine, transactions }) => engine !== null && transactions !== 'YES'),
    ({ engine }) => engine!,
  )
  return {
    version: session.version,
    encrypted: session.encrypted,
    collation: schema!.collation,
    sizeBytes: relations.reduce((sum, { size }) => sum + Number(size ?? 0), 0),
    hasTables: tables.length > 0,
    relations: relations.map(({ name }) => name),
    isVersioned: relations.some(({ type }) => type === 'SYSTEM VERSIONED'),
    hasEvents: events.length > 0,
    endlessEvent: events.find(({ endless: isEndless }) => Number(isEndless) === 1)?.name ?? null,
    floats: floats.map(({ name }) => name),
    outside: new Map([...outside].map(([engine, of]) => [engine, of.map(({ name }) => name)])),
  }
}

/** Views and sequences are in the same list. */
export function isTable(type: string): boolean {
  return type === 'BASE TABLE' || type === 'SYSTEM VERSIONED'
}

function warningsOf({ outside, sizeBytes, floats }: Facts): string[] {
  const found = [...outside].map(
    ([engine, names]) =>
      `${some(names)}: ${engine} has no transactions, so rows that are written during the dump may not fit the rest; ALTER TABLE … ENGINE=InnoDB mends that`,
  )
  if (floats.length > 0)
    found.push(
      `${some(floats)}: of FLOAT every dump holds six digits, as the server writes them; ALTER TABLE … MODIFY … DOUBLE keeps all`,
    )
  if (sizeBytes > physicalFromBytes)
    found.push(
      'the database is larger than 100 GiB: a physical backup (mariadb-backup, XtraBackup) is the better tool',
    )
  return found
}

function some(names: readonly string[]): string {
  return `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`
}
