import { formatDuration } from '../../core/duration.ts'
import { plainName } from '../plain-name.ts'
import type { Inspection, Sink } from '../source.ts'
import { dumpDirectory } from './directory/dump.ts'
import { programEnvironment } from './environment.ts'
import { toolFault } from './faults.ts'
import { dumpArguments, isFiltered, jobsOf } from './options.ts'
import type { Place } from './place.ts'
import { forServer, installed, type Program } from './programs.ts'
import { settled, withSession, type Session } from './session.ts'
import { endpointOf } from './url.ts'

const lagWorthTellingMs = 60_000 // replicas are behind by seconds all the time
const physicalFromBytes = 100 * 2 ** 30 // above it a physical backup is the better tool, and we say so

export async function inspect(place: Place, signal: AbortSignal): Promise<Inspection & { client: Program }> {
  const { context, folders, options } = place
  place.origin = await settled(place.origin, { context, signal }) // the dump is then of the server that was looked at
  const { origin } = place
  const facts = await withSession(origin, { context, signal }, readFacts)
  const client = forServer(await installed('pg_dump', folders, context, signal), facts.serverMajor)
  return {
    engine: {
      kind: 'postgres',
      name: 'PostgreSQL',
      serverVersion: facts.serverVersion,
      toolVersion: client.version,
    },
    method: 'pg_dump',
    format: jobsOf(options) > 1 ? 'directory' : 'custom',
    database: origin.database,
    endpoint: endpointOf(origin),
    hasTables: facts.hasTables && !isFiltered(options),
    sizeBytes: facts.sizeBytes,
    warnings: warnings(facts, client),
    client,
  }
}

/** The name goes through the environment, where libpq takes it literally: as an argument `host=evil dbname=x` would connect to `evil`. */
export async function dump(
  place: Place,
  { client, sink }: { client: Program; sink: Sink },
  signal: AbortSignal,
): Promise<void> {
  const { origin, context, options } = place
  const name = plainName(origin.database)
  if (jobsOf(options) > 1) return dumpDirectory(place, { client, name, sink }, signal)
  const env = { ...(await programEnvironment(origin, context)), PGDATABASE: origin.database }
  const fixed = ['--format=custom', '--compress=0', '--no-password'] // the filters compress, on all cores
  const argv = [client.path, ...fixed, ...dumpArguments(options)]
  try {
    await sink.file(`${name}.dump`).fromProgram({ argv, env })
  } catch (error) {
    throw toolFault(error, origin, 'dump-failed')
  }
}

interface Facts {
  serverMajor: number
  serverVersion: string
  sizeBytes: number
  hasTables: boolean
  /** Of a replica; null: of none, or nobody tells. */
  lag: Lag | null
}

interface Lag {
  paused: boolean
  /** Since the newest change that it replayed, while there are others that it has not; else 0. */
  behindMs: number
}

async function readFacts(session: Session): Promise<Facts> {
  const [row] = await session.rows<{ size: string; has_tables: boolean }>(
    `SELECT pg_database_size(current_database()) AS size, EXISTS (${relationsOf(['r'])}) AS has_tables`,
  )
  const { serverMajor, serverVersion } = session
  const sizeBytes = Number(row!.size)
  return { serverMajor, serverVersion, sizeBytes, hasTables: row!.has_tables, lag: await readLag(session) }
}

/** Some hosted platforms do not tell. */
async function readLag({ rows }: Session): Promise<Lag | null> {
  const [row] = await rows<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby')
  if (!row!.standby) return null
  const [lag] = await rows<{ paused: boolean; behind: number | null }>(
    `SELECT pg_is_wal_replay_paused() AS paused, CASE WHEN pg_last_wal_receive_lsn() <> pg_last_wal_replay_lsn()
       THEN (extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8 END AS behind`,
  ).catch(() => [])
  return lag ? { paused: lag.paused, behindMs: Math.max(0, Math.round(lag.behind ?? 0)) } : null
}

/** Table, partitioned table (which has no rows of its own), sequence. */
export type RelationKind = 'r' | 'p' | 'S'

/** What people made, as a query: what belongs to an extension is not dumped. */
export function relationsOf(kinds: readonly RelationKind[]): string {
  return `
  SELECT c.oid, n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN (${kinds.map((kind) => `'${kind}'`).join(', ')}) AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`
}

function warnings(facts: Facts, client: Program): string[] {
  const found: string[] = []
  if (client.major > facts.serverMajor)
    found.push(
      `pg_dump ${client.major} dumps a server of PostgreSQL ${facts.serverMajor}: its dumps may need PostgreSQL ${client.major} to restore; install postgresql-client-${facts.serverMajor}`,
    )
  const { paused = false, behindMs = 0 } = facts.lag ?? {}
  const behind = behindMs > 0 ? `${formatDuration(behindMs)} behind its primary` : null
  if (paused) found.push(`the replica is paused${behind ? `, and ${behind}` : ''}: this backup is of then`)
  else if (behind && behindMs > lagWorthTellingMs) found.push(`the replica is ${behind}`)
  if (facts.sizeBytes > physicalFromBytes)
    found.push(
      'the database is larger than 100 GiB: a physical backup (pgBackRest, WAL-G) is the better tool',
    )
  return found
}
