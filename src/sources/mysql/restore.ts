import { createHash } from 'node:crypto'
import { asFault, Fault } from '../../core/faults.ts'
import type { Artifact, Manifest, TableRows } from '../../core/model.ts'
import { holds, onlyArtifact, shellWord, withLeftover } from '../restoring.ts'
import type { RawInput, Restored, TargetRequest } from '../source.ts'
import { countRows } from './counts.ts'
import { trustCreators } from './grants.ts'
import { load, type Loading } from './load.ts'
import { markName, quoted } from './names.ts'
import { overwrite } from './overwrite.ts'
import { definersNotThere, refusedCode } from './ownership.ts'
import type { Place } from './place.ts'
import { programFor } from './programs.ts'
import { read, refuseBroken } from './proof.ts'
import type { Scan } from './scanner.ts'
import { withServer, withSession, type Session, type SessionNeeds } from './session.ts'
import { assertUsable, readTarget, resolveTarget, type TargetState } from './target.ts'
import type { Connection } from './url.ts'

export interface RestoreJob {
  backup: Manifest
  request: TargetRequest
  artifact: (artifact: Artifact) => Promise<RawInput>
}

/** The text is read whole before the first byte of it runs: what is cut, or would leave its database, changes nothing. */
export async function restore(place: Place, job: RestoreJob, signal: AbortSignal): Promise<Restored> {
  const { backup, request } = job
  const { connection } = resolveTarget(place, backup, request)
  const needs = { context: place.context, signal }
  const raw = () => job.artifact(onlyArtifact(backup))
  const scan = await scanFor(job, raw)
  return withServer(connection, { ...needs, deadlineMs: restoreMs }, async (server) => {
    await lockTarget(server, connection.database)
    const state = await readTarget(connection, needs)
    assertUsable(connection, state, request)
    assertFits(scan, state)
    const { program } = await programFor('restore', state.version, place.context, signal)
    const missing = await definersNotThere(connection, { definers: scan.definers, state }, needs)
    const withoutDefiners = request.noOwner || missing.length > 0
    const loading = { program, connection, encrypted: state.encrypted, scan, withoutDefiners, raw }
    const warnings = request.noOwner || missing.length === 0 ? [] : [strippedFor(missing)]
    const filling = { ...job, loading, state, server, warnings }
    if (!state.exists || state.empty) return fill(place, filling, signal)
    return overwrite(
      place,
      {
        connection,
        stamp: stampOf(place),
        state,
        keepsTriggers: (request.tables?.length ?? 0) > 0,
        fill: (work) => fillWork(place, { filling, work }, signal),
      },
      signal,
    )
  })
}

const restoreMs = 24 * 60 * 60_000 // of one statement of ours; the lock is held by this session for the whole restore

async function scanFor({ backup, request }: RestoreJob, raw: () => Promise<RawInput>): Promise<Scan> {
  const only = request.tables?.length ? new Set(request.tables) : null
  const { scan } = await read(await raw(), only)
  refuseBroken(scan, backup.format, 'restore-failed')
  if (scan.leaves !== null)
    throw new Fault('restore-failed', `the dump leaves its database: ${scan.leaves}`, {
      hint: 'nothing was changed; only a dump of one database, made without --databases, is restored',
    })
  const missing = [...(only ?? [])].find((name) => !scan.tables.some((table) => table.name === name))
  if (missing !== undefined) throw new Fault('target-invalid', `the backup holds no table "${missing}"`)
  return scan
}

/** @throws Fault target-invalid */
function assertFits(scan: Scan, state: TargetState): void {
  const refused = refusedCode(scan, state)
  if (refused !== null) throw new Fault('target-invalid', refused, { hint: trustCreators })
  const [{ longestStatement }, { maxAllowedPacket }] = [scan, state]
  if (longestStatement < maxAllowedPacket) return
  throw new Fault(
    'target-invalid',
    `the dump has a statement of ${longestStatement} bytes, and the target’s server takes ${maxAllowedPacket} (max_allowed_packet)`,
    {
      hint: `SET GLOBAL max_allowed_packet = ${Math.min(2 ** 30, 2 ** Math.ceil(Math.log2(longestStatement + 1024)))};`,
    },
  )
}

function strippedFor(missing: readonly string[]): string {
  const some = `${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ' and others' : ''}`
  return `views, triggers, routines and events run as whoever restored: ${some} cannot be named on this server`
}

/** Two restores into one target exclude each other, from any machine. The lock lives as long as the session. @throws Fault busy */
export async function lockTarget(server: Session, database: string): Promise<void> {
  await server.rows('SET SESSION wait_timeout = 604800') // it says nothing for as long as the restore takes
  const name = `easy-backup ${createHash('sha256').update(database).digest('hex').slice(0, 40)}`
  const [row] = await server.rows<{ locked: number | null }>('SELECT GET_LOCK(?, 0) AS locked', [name])
  if (row?.locked !== 1) throw new Fault('busy', `another restore into "${database}" is running`)
}

export interface Filling extends RestoreJob {
  loading: Loading
  state: TargetState
  server: Session
  warnings: string[]
}

/** From here on something exists that is not whole: it carries a mark from its first moment, so that it stays recognisable even when
 * nobody is left to remove it. */
async function fill(place: Place, job: Filling, signal: AbortSignal): Promise<Restored> {
  const { backup, state, server, loading, warnings } = job
  const { connection, scan } = loading
  const collation = await collationFor(place, backup, signal)
  if (!state.exists) warnings.push(...(await createTarget(server, connection, collation)))
  try {
    await mark(connection, `partial restore of ${backup.id}: do not use`, { context: place.context, signal })
    await load(place, loading, signal)
    const tables = await countRows(connection, scan.tables, { context: place.context, signal })
    // whoever asked compares, and fails the restore when they differ: then the mark has to stay
    if (holds(tables, chosen(backup.tables ?? scan.tables, job.request)))
      await unmark(connection, job.request.bare ?? false, { context: place.context, signal })
    return { tables, warnings: [...warnings, ...leftOut(job)], open: openCommand(connection) }
  } catch (error) {
    const left = await undo(place, job)
    signal.throwIfAborted()
    throw left === null ? error : withLeftover(asFault(error), connection, left)
  }
}

/** Of this run alone: who is killed leaves databases of these names. */
function stampOf({ context }: Place): string {
  return new Date(context.clock.now()).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_')
}

/** The new data beside what it will replace; nobody needs to compare it later. */
async function fillWork(
  place: Place,
  { filling, work }: { filling: Filling; work: Connection },
  signal: AbortSignal,
): Promise<Restored> {
  const { backup, request, loading } = filling
  const state = { ...filling.state, exists: false, empty: true }
  const restored = await fill(place, { ...filling, state, loading: { ...loading, connection: work } }, signal)
  if (holds(restored.tables, chosen(backup.tables ?? loading.scan.tables, request)))
    return { ...restored, open: openCommand(loading.connection) }
  await undo(place, { ...filling, state, loading: { ...loading, connection: work } })
  throw new Fault('restore-failed', 'the restored tables have other rows than the backup', {
    hint: 'nothing was overwritten',
  })
}

/** What new tables and routines sort by; in no dump of a single database. */
async function collationFor(
  { live, origin, context }: Place,
  backup: Manifest,
  signal: AbortSignal,
): Promise<string | null> {
  if (backup.engine.collation !== undefined) return backup.engine.collation
  for (const connection of [live, origin]) {
    const [row] = await withServer(connection, { context, signal }, (server) =>
      server.rows<{ collation: string }>(
        'SELECT DEFAULT_COLLATION_NAME AS collation FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?',
        [backup.database],
      ),
    ).catch(() => [])
    if (row) return row.collation
  }
  signal.throwIfAborted()
  return null
}

const [unknownCollation, databaseExists, accessDenied] = [1273, 1007, 1044]

async function createTarget(
  server: Session,
  { database, user }: Connection,
  collation: string | null,
): Promise<string[]> {
  const create = `CREATE DATABASE ${quoted(database)}`
  const usual = 'it sorts as the server does by default'
  try {
    await server.rows(collation && /^\w+$/.test(collation) ? `${create} COLLATE ${collation}` : create)
    return collation === null ? [`the collation of the database is unknown: ${usual}`] : []
  } catch (error) {
    if (numberOf(error) !== unknownCollation) throw creationFault(error, database, user)
  }
  await server.rows(create)
  return [`the server lacks the collation ${collation}: ${usual}`]
}

function creationFault(error: unknown, database: string, user: string): unknown {
  if (numberOf(error) === databaseExists)
    return new Fault('target-exists', `database "${database}" was created by somebody else just now`, {
      cause: error,
    })
  if (numberOf(error) === accessDenied)
    return new Fault('target-invalid', `user "${user}" may not create database "${database}"`, {
      cause: error,
    })
  return error
}

function numberOf(error: unknown): number | undefined {
  return (error as { errno?: number }).errno
}

/** A table with a comment: what people see when they look whether it is whole. */
async function mark(connection: Connection, text: string, needs: SessionNeeds): Promise<void> {
  await withSession(connection, needs, (session) =>
    session.rows(`CREATE TABLE IF NOT EXISTS ${quoted(markName)} (note INT) COMMENT = ?`, [
      `easy-backup: ${text}`,
    ]),
  )
}

/** @param stays  of a drill: it is found by the mark when nobody is left to remove it */
async function unmark(connection: Connection, stays: boolean, needs: SessionNeeds): Promise<void> {
  if (!stays)
    await withSession(connection, needs, (session) => session.rows(`DROP TABLE ${quoted(markName)}`))
}

function chosen(expected: readonly TableRows[], { tables }: TargetRequest): readonly TableRows[] {
  return tables?.length ? expected.filter(({ name }) => tables.includes(name)) : expected
}

/** Also after an abort. What was there before and empty is emptied again. @returns why not, or null */
async function undo({ context }: Place, { state, loading }: Filling): Promise<Fault | null> {
  const { database } = loading.connection
  try {
    await withServer(loading.connection, { context, signal: null, deadlineMs: dropMs }, async (server) => {
      const [was] = await server.rows<{ collation: string }>(
        'SELECT DEFAULT_COLLATION_NAME AS collation FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?',
        [database],
      )
      await endLoader(server, context.runId)
      await server.rows(`DROP DATABASE IF EXISTS ${quoted(database)}`)
      if (state.exists && was)
        await server.rows(`CREATE DATABASE ${quoted(database)} COLLATE ${was.collation}`)
    })
    return null
  } catch (error) {
    return asFault(error)
  }
}

const dropMs = 5 * 60_000 // removing the files of a large database

/** The client is gone; what the server still does for it would bring tables back. */
export async function endLoader(server: Session, runId: string): Promise<number> {
  const [row] = await server.rows<{ id: number | null }>('SELECT IS_USED_LOCK(?) AS id', [
    `easy-backup ${runId}`,
  ])
  if (row?.id == null) return 0
  await server.rows(`KILL ${Number(row.id)}`).catch(() => {}) // it has just ended by itself
  return 1
}

function leftOut({ request }: Filling): string[] {
  return request.tables?.length
    ? [
        'triggers of the chosen tables, and all views and routines of the backup, are left out; triggers that the target’s tables have stay',
      ]
    : []
}

function openCommand({ host, port, socket, user, database }: Connection): string {
  const where = socket === null ? `-h ${shellWord(host)} -P ${port}` : `-S ${shellWord(socket)}`
  return `mysql ${where} -u ${shellWord(user)} -p --database=${shellWord(database)}`
}
