import { asFault, Fault } from '../../core/faults.ts'
import type { Artifact, Manifest } from '../../core/model.ts'
import { serverFolder } from '../../sys/strays.ts'
import type { RawInput, Restored, Scratch, Scratches, ScratchPlace } from '../source.ts'
import type { DumpInput } from './directory/folder.ts'
import { withToc } from './directory/toc.ts'
import { databaseArgument, programEnvironment } from './environment.ts'
import { toolFault } from './faults.ts'
import { nameBeside, quoted } from './names.ts'
import type { Place } from './place.ts'
import { forDump, forServer, installed, majorOf } from './programs.ts'
import { restore } from './restore.ts'
import { schemaReader, readSchema, type DumpedSchema } from './schema.ts'
import { inconclusive, removeServer, startServer, type ScratchServer } from './scratch-server.ts'
import { withSession, type SessionNeeds } from './session.ts'
import { dropMs } from './target-database.ts'
import { withServer } from './target.ts'
import { connectionTo, endpointOf, type Connection } from './url.ts'

const emptyBytes = 100 * 1024 ** 2 // a new server with its first logs: 38 MiB, and the database and logs of a small restore
const usualRatio = 5 // of raw to compressed, where nobody counted
const growth = 3 // tables and indexes are larger than their dump, and the log holds much of them once more

export function scratches(
  place: Place,
  works: (at: Connection, signal: AbortSignal) => Promise<boolean>,
): Scratches {
  return {
    room: ({ storedBytes, rawBytes }) => emptyBytes + (rawBytes ?? storedBytes * usualRatio) * growth,
    async open(backup, at, signal) {
      const server = at.url === null ? await startServer(place, majorsOf(backup), signal) : null
      try {
        const found = server ?? (await givenServer(place, at.url!, signal))
        const connection = { ...found.connection, database: nameOf(backup, at) }
        return scratchOf({ ...found, place, backup, at, server, connection }, works)
      } catch (error) {
        await server?.close()
        throw error
      }
    },
    async sweep(backup, at, signal) {
      const { context } = place
      await removeServer(context, serverFolder(context.folder, context.runId))
      if (at.url === null) return
      await dropOurs({ ...connectionTo(at.url), database: nameOf(backup, at) }, { context, signal }, backup)
    },
  }
}

function nameOf({ database }: Manifest, { stamp }: ScratchPlace): string {
  return nameBeside(database, 'drill', stamp)
}

function majorsOf({ engine }: Manifest): { server: number; tool: number } {
  const server = majorOf(engine.serverVersion) ?? 0
  return { server, tool: majorOf(engine.toolVersion) ?? server }
}

async function givenServer(
  { context }: Place,
  url: string,
  signal: AbortSignal,
): Promise<{ connection: Connection; major: number; version: string }> {
  const connection = connectionTo(url)
  return withServer(connection, { context, signal }, async ({ serverMajor, serverVersion }) => ({
    connection,
    major: serverMajor,
    version: serverVersion,
  }))
}

interface Opened {
  place: Place
  backup: Manifest
  at: ScratchPlace
  /** null: a given one. */
  server: ScratchServer | null
  /** To the database of the drill. */
  connection: Connection
  major: number
  version: string
}

function scratchOf(
  opened: Opened,
  works: (at: Connection, signal: AbortSignal) => Promise<boolean>,
): Scratch {
  const { connection, server, version, backup } = opened
  const { context } = opened.place
  return {
    server: server ? `a scratch PostgreSQL ${version}` : `PostgreSQL ${version} at ${endpointOf(connection)}`,
    restore: (artifact, signal) => restoreInto(opened, artifact, signal),
    objectsOf: async (raw, signal) => (await dumpedSchema(opened, raw, signal)).objects,
    objects: (signal) => restoredObjects(opened, signal),
    ask: (sql, signal) =>
      ask(connection, sql, { context, signal }).catch((error: unknown) => {
        throw ofOtherMajor(opened, asFault(error))
      }),
    works: (signal) => works(connection, signal),
    async close() {
      if (server) return server.close()
      try {
        await dropOurs(connection, { context, signal: null }, backup)
        return null
      } catch (error) {
        return `database "${connection.database}" at ${endpointOf(connection)} (${asFault(error).message}): drop it by hand`
      }
    },
  }
}

async function restoreInto(
  opened: Opened,
  artifact: (artifact: Artifact) => Promise<RawInput>,
  signal: AbortSignal,
): Promise<Restored> {
  const { place, backup, at, connection } = opened
  const { context } = place
  const raw = await artifact(backup.artifacts[0]!)
  const schema = await dumpedSchema(opened, raw, signal)
  await withServer(connection, { context, signal }, async ({ rows }) => {
    const known = await rows<{ name: string }>('SELECT name FROM pg_available_extensions')
    refuseMissing(schema, new Set(known.map(({ name }) => name)))
    if (opened.server) await makeRoles(schema, rows)
  })
  const request = { database: connection.database, url: null, stamp: at.stamp, noOwner: true, bare: true }
  const there = { ...place, restorer: connection, live: connection }
  return restore(there, { backup, request, artifact }, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    throw judged(opened, asFault(error))
  })
}

function refuseMissing({ extensions }: DumpedSchema, known: ReadonlySet<string>): void {
  const missing = [...extensions].filter((name) => !known.has(name))
  if (missing.length === 0) return
  throw new Fault(
    'drill-inconclusive',
    `the backup needs what is not installed here: the extension ${missing.join(', ')}`,
    {
      hint: 'install the package that brings it for the drill’s server, or name a server that has it with drill.database_url',
    },
  )
}

/** Policies name roles even where owners and grants are left out; on a server of our own they cost nothing. */
async function makeRoles(
  { owners, grantees }: DumpedSchema,
  rows: <Row>(sql: string) => Promise<Row[]>,
): Promise<void> {
  const known = new Set(
    (await rows<{ name: string }>('SELECT rolname AS name FROM pg_roles')).map(({ name }) => name),
  )
  for (const name of owners.union(grantees))
    if (!known.has(name) && !name.startsWith('pg_')) await rows(`CREATE ROLE ${quoted(name)}`)
}

/** What says something about this server and nothing about the backup. */
const ofTheServer =
  /role ".*" does not exist|tablespace ".*" does not exist|permission denied|must be (?:owner|superuser|member)|shared_preload_libraries|could not access file|could not load library|could not open extension control file|unrecognized configuration parameter|no space left on device|out of (?:shared )?memory|collation ".*" for encoding|could not create locale|canceling statement|disk full/i

function judged(opened: Opened, fault: Fault): Fault {
  const isServers = fault.code === 'restore-failed' && ofTheServer.test(fault.message)
  const isTargets = ['target-exists', 'target-invalid', 'busy', 'database-refused'].includes(fault.code)
  if (isServers || isTargets) return inconclusive(fault.message, fault)
  return fault.code === 'restore-failed' ? ofOtherMajor(opened, fault) : fault
}

/** A statement that the major of the dump takes and another one does not says nothing about the backup. */
function ofOtherMajor({ backup: { engine }, major, version }: Opened, fault: Fault): Fault {
  const own = majorOf(engine.serverVersion)
  if (own === major || !['restore-failed', 'restore-incomplete'].includes(fault.code)) return fault
  const text = `${fault.message}; PostgreSQL ${version} may not take what ${engine.serverVersion} takes, where the backup is from`
  const hint = `install postgresql-${own} (Debian, Ubuntu) or postgresql${own} (Alpine), or name a server of that version with drill.database_url`
  return new Fault('drill-inconclusive', text, { hint, cause: fault })
}

async function dumpedSchema(
  { place, backup, connection }: Opened,
  raw: RawInput,
  signal: AbortSignal,
): Promise<DumpedSchema> {
  const programs = await installed('pg_restore', place.folders, place.context, signal)
  const program = forDump(programs, majorOf(backup.engine.toolVersion))
  const read = (dump: DumpInput): Promise<DumpedSchema> => readSchema(program, { raw: dump, database: null })
  const reading = backup.format === 'directory' ? withToc(place, raw, signal, read) : read(raw)
  return reading.catch((error: unknown) => {
    throw toolFault(error, connection, 'restore-failed')
  })
}

/** Asked of pg_dump, by the same names as a dump has them. */
async function restoredObjects(
  { place, connection, backup, major }: Opened,
  signal: AbortSignal,
): ReturnType<Scratch['objects']> {
  const { context, folders } = place
  const program = forServer(await installed('pg_dump', folders, context, signal), major)
  const { schema, take } = schemaReader()
  const env = await programEnvironment(connection, context)
  const how = ['--schema-only', '--no-owner', '--no-acl', '--no-password']
  const argv = [program.path, ...how, `--dbname=${databaseArgument(connection.database)}`]
  const { runId, said } = context
  await context.processes
    .join(
      { stages: [{ argv, env }], input: null, output: { scan: take } },
      { signal, runId, said: (tool, line) => said(tool, line) },
    )
    .catch((error: unknown) => {
      throw toolFault(error, connection, 'tool-failed')
    })
  const alike =
    program.major === majorOf(backup.engine.toolVersion) && major === majorOf(backup.engine.serverVersion)
  return { counted: schema.objects, alike }
}

const answerMs = 5 * 60_000 // a question to all rows of a large table

/** SQLSTATE of what a question itself answers; anything else is trouble of the server, the connection or what they have to give.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html */
const answered = /^(?:0A|0L|0P|20|21|22|23|25|2F|34|38|39|3F|42|44|P0)(?!501$)/ // 42501: a right is missing

async function ask(
  connection: Connection,
  sql: string,
  needs: Pick<SessionNeeds, 'context' | 'signal'>,
): Promise<string | null> {
  try {
    const [row] = await withSession(connection, { ...needs, deadlineMs: answerMs }, async ({ rows, one }) => {
      await rows('BEGIN READ ONLY')
      await one(`DECLARE question NO SCROLL CURSOR FOR ${sql.replace(/;\s*$/, '')}`)
      return rows<Record<string, unknown>>('FETCH FIRST FROM question')
    })
    const [value] = Object.values(row ?? {})
    return value == null ? null : textOf(value)
  } catch (error) {
    needs.signal?.throwIfAborted()
    const { message, cause } = asFault(error)
    if (/statement timeout|query read timeout/i.test(message))
      throw new Fault('timed-out', 'it was not answered within five minutes', { cause: error, retry: false })
    const { code = '' } = (cause ?? {}) as { code?: string }
    throw answered.test(code)
      ? new Fault('restore-incomplete', message, { cause: error })
      : inconclusive(message, error)
  }
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The database of this drill and no other of its name: a restore marks what it makes from the first moment on; who dies right
 * before that leaves one without a mark. */
async function dropOurs(
  connection: Connection,
  needs: Pick<SessionNeeds, 'context' | 'signal'>,
  { id }: Manifest,
): Promise<void> {
  await withServer(connection, { ...needs, deadlineMs: dropMs }, async ({ rows, serverMajor }) => {
    const [row] = await rows<{ comment: string | null; own: boolean }>(
      `SELECT shobj_description(oid, 'pg_database') AS comment, datdba = current_user::regrole AS own
       FROM pg_database WHERE datname = $1`,
      [connection.database],
    )
    const isOurs =
      row &&
      (row.comment === null ? row.own : row.comment.startsWith('easy-backup: ') && row.comment.includes(id))
    if (isOurs)
      await rows(`DROP DATABASE ${quoted(connection.database)}${serverMajor >= 13 ? ' WITH (FORCE)' : ''}`)
  })
}
