import { Fault } from '../../core/faults.ts'
import { plainName } from '../plain-name.ts'
import type { Inspection, Sink } from '../source.ts'
import { collectionsOf, databasesOf, withRows } from './catalogue.ts'
import { toolFault } from './faults.ts'
import { dumpArguments, isFiltered } from './options.ts'
import type { Place } from './place.ts'
import { installed, type Program } from './programs.ts'
import { toolConfig, withSession, type Session } from './session.ts'
import { endpointOf, type Connection } from './url.ts'

export async function inspect(
  { origin, context, options }: Place,
  signal: AbortSignal,
): Promise<Inspection & { program: Program }> {
  const facts = await withSession(origin, { context, signal }, (session) => readFacts(session, origin))
  const program = await installed('mongodump', context, signal)
  return {
    engine: {
      kind: 'mongodb',
      name: 'MongoDB',
      serverVersion: facts.serverVersion,
      toolVersion: program.version,
    },
    method: 'mongodump',
    format: 'archive',
    database: origin.database,
    endpoint: endpointOf(origin),
    hasTables: facts.rowed > 0 && !isFiltered(options),
    sizeBytes: facts.sizeBytes,
    warnings: facts.warnings,
    program,
  }
}

/** The name of a database is no secret; the rest of the connection is in a private file. */
export async function dump(place: Place, program: Program, sink: Sink, signal: AbortSignal): Promise<void> {
  const { origin, context, options } = place
  const config = await toolConfig(origin, { context, signal })
  const fixed = [`--config=${config}`, `--db=${origin.database}`, '--archive'] // not --gzip: the filters compress
  const argv = [program.path, ...fixed, ...dumpArguments(options)]
  try {
    await sink.file(`${plainName(origin.database)}.archive`).fromProgram({ argv })
  } catch (error) {
    throw toolFault(error, origin, 'dump-failed')
  }
}

interface Facts {
  serverVersion: string
  sizeBytes: number
  /** Collections with documents of their own. */
  rowed: number
  warnings: string[]
}

/** @throws Fault database-missing */
async function readFacts(session: Session, origin: Connection): Promise<Facts> {
  const { db, hello, serverVersion } = session
  await assertExists(session, origin)
  const { storageSize = 0, indexSize = 0 } = await db.stats()
  const rowed = withRows(await collectionsOf(db)).length
  const warnings = rowed === 0 ? [] : [notOneMoment]
  if (hello.msg === 'isdbgrid')
    warnings.push('this is a router of a sharded cluster: stop the balancer while it is dumped')
  return { serverVersion, sizeBytes: storageSize + indexSize, rowed, warnings }
}

export const notOneMoment =
  'not of one moment: mongodump reads one collection after another, and what is written meanwhile may be in one and missing in another'

/** A database is there as soon as it holds a collection. */
export async function assertExists(session: Session, connection: Connection): Promise<void> {
  const found = await databasesOf(session)
  if (found.some(({ name }) => name === connection.database)) return
  throw new Fault(
    'database-missing',
    `there is no database "${connection.database}" on ${endpointOf(connection)}`,
    {
      hint: 'check the name after the last / in database_url; a database without any collection does not exist',
    },
  )
}
