import { Fault } from '../../core/faults.ts'
import { plainName } from '../plain-name.ts'
import type { Inspection, Sink } from '../source.ts'
import { optionFile, programEnvironment } from './environment.ts'
import { toolFault } from './faults.ts'
import { readFacts, type Facts } from './facts.ts'
import type { Version } from './flavour.ts'
import { markName } from './names.ts'
import { chosen, isFiltered, type Choice } from './options.ts'
import type { Place } from './place.ts'
import { programFor, type Program } from './programs.ts'
import { refuseUnreadable } from './readable.ts'
import { withSession } from './session.ts'
import { endpointOf } from './url.ts'

const physicalFromBytes = 100 * 2 ** 30 // above it a physical backup is the better tool, and we say so

export async function inspect(place: Place, signal: AbortSignal): Promise<Inspection> {
  const { origin, context, options } = place
  const { facts } = await look(place, signal)
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
  const { origin, context } = place
  const { facts, choice } = await look(place, signal)
  const { program } = await programFor('dump', facts.version, context, signal)
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
      .file(`${plainName(origin.database)}.sql`)
      .fromProgram({ argv: [...argv, '--', ...names], env: programEnvironment })
  } catch (error) {
    throw toolFault(error, origin, 'dump-failed')
  }
}

/** What there is, and that all that was chosen can be read. @throws Fault database-refused */
function look(
  { origin, options, context }: Place,
  signal: AbortSignal,
): Promise<{ facts: Facts; choice: Choice }> {
  return withSession(origin, { context, signal }, async (session) => {
    const facts = await readFacts(session)
    const names = facts.relations.map(({ name }) => name)
    const choice = chosen(options, names)
    const taken = new Set((choice.only ?? names).filter((name) => !choice.without.includes(name)))
    const relations = facts.relations.filter(({ name }) => taken.has(name))
    await refuseUnreadable(session, { origin, relations, isNamed: choice.only !== null })
    if (BigInt(session.selectLimit) < noLimit) throw limited(session.selectLimit)
    return { facts, choice: facts.hasMark ? { ...choice, without: [...choice.without, markName] } : choice }
  })
}

const noLimit = 2n ** 63n - 1n // the servers' own default is 2^64 - 1

/** The dump programs have no way to take it back in their own session. */
function limited(rows: string): Fault {
  return new Fault(
    'database-refused',
    `the server cuts every answer after ${rows} rows (sql_select_limit), and so would every table be`,
    {
      hint: 'SET GLOBAL sql_select_limit = DEFAULT; (or take it out of init_connect)',
      retry: false,
    },
  )
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

function warningsOf({ outside, windows, sizeBytes, floats, strays }: Facts): string[] {
  const found = [...outside].map(
    ([engine, names]) =>
      `${some(names)}: ${engine} has no transactions, so rows that are written during the dump may not fit the rest; ALTER TABLE … ENGINE=InnoDB mends that`,
  )
  if (windows.length > 0)
    found.push(`${some(windows)}: the rows are of other tables or servers, so they are not in the dump`)
  if (floats.length > 0)
    found.push(
      `${some(floats)}: of FLOAT every dump holds six digits, as the server writes them; ALTER TABLE … MODIFY … DOUBLE keeps all`,
    )
  if (strays.length > 0)
    found.push(
      `${some(strays)}: the text ends with a semicolon, at which the mysql client stumbles in a dump; a restore here leaves it out, one by hand fails until the trigger or event is made without it`,
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
