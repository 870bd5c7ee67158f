import { Fault, asFault } from '../../core/faults.ts'
import type { Artifact, Manifest, TableRows } from '../../core/model.ts'
import type { RawInput, Restored, TargetRequest } from '../source.ts'
import { leftOut } from './chosen-tables.ts'
import { countRows } from './counts.ts'
import { withFolder, type DumpInput } from './directory/folder.ts'
import { databaseArgument } from './environment.ts'
import { toolFault } from './faults.ts'
import { chooseOwnership, type Ownership } from './ownership.ts'
import { load, type Loading } from './load.ts'
import { jobsOf } from './options.ts'
import { overwrite } from './overwrite.ts'
import type { Place } from './place.ts'
import { assertUsable } from './plan.ts'
import { forDump, installed, majorOf, type Program } from './programs.ts'
import { noSchema, readSchema, type DumpedSchema } from './schema.ts'
import { gatherStatistics } from './statistics.ts'
import { createTarget, dropTarget, label, lockTarget } from './target-database.ts'
import { readTarget, resolveTarget, withServer, type TargetState } from './target.ts'
import type { Connection } from './url.ts'

export interface RestoreJob {
  backup: Manifest
  request: TargetRequest
  artifact: (artifact: Artifact) => Promise<RawInput>
}

export async function restore(place: Place, job: RestoreJob, signal: AbortSignal): Promise<Restored> {
  const artifact = onlyArtifact(job.backup)
  const open = (): Promise<RawInput> => job.artifact(artifact)
  if (job.backup.format !== 'directory') return restoreFrom(place, { ...job, dump: open }, signal)
  return withFolder(place, { artifact, raw: await open() }, signal, (folder) =>
    restoreFrom(place, { ...job, dump: async () => folder }, signal),
  )
}

interface ReadyJob extends RestoreJob {
  dump: () => Promise<DumpInput>
}

async function restoreFrom(place: Place, job: ReadyJob, signal: AbortSignal): Promise<Restored> {
  const { connection } = resolveTarget(place, job.backup, job.request)
  const { program, schema } = await readDump(place, { job, connection }, signal)
  const needs = { context: place.context, signal }
  return withServer(connection, needs, async (server) => {
    await lockTarget(server, connection.database)
    const state = await readTarget(connection, needs)
    assertUsable(connection, state, job.request)
    const ownership = await chooseOwnership(server, schema, job.request.noOwner)
    const filling: Filling = {
      ...job,
      open: job.artifact,
      artifact: onlyArtifact(job.backup),
      connection,
      program,
      schema,
      state,
      ownership,
      jobs: jobsFor(place, job, state),
      intoExisting: state.exists,
      keepOwners: ownership.keep,
    }
    return state.exists && !state.empty ? replace(place, filling, signal) : fill(place, filling, signal)
  })
}

/** As many as were asked for. Who did not ask gets what is there all or nothing, and something new as it was dumped. */
function jobsFor({ options }: Place, { backup, request }: RestoreJob, { exists }: TargetState): number {
  return request.jobs ?? (backup.format === 'directory' && !exists ? jobsOf(options) : 1)
}

/** The program that reads the dump, and what the dump demands of the server. Plain SQL demands what it says when it is run. */
async function readDump(
  { context, folders }: Place,
  { job, connection }: { job: ReadyJob; connection: Connection },
  signal: AbortSignal,
): Promise<{ program: Program; schema: DumpedSchema }> {
  const programs = await installed('pg_restore', folders, context, signal)
  const program = forDump(programs, majorOf(job.backup.engine.toolVersion))
  if (job.backup.format === 'sql') return { program, schema: noSchema() }
  const raw = await job.dump()
  const schema = await readSchema(program, { raw, database: job.backup.database }).catch((error: unknown) => {
    throw toolFault(error, connection, 'restore-failed')
  })
  return { program, schema }
}

interface Filling extends Loading {
  schema: DumpedSchema
  state: TargetState
  ownership: Ownership
}

/** What is there is overwritten: the database keeps its name, comment and rights, and its old data until the very end. */
async function replace(place: Place, job: Filling, signal: AbortSignal): Promise<Restored> {
  await overwrite(place, job, signal)
  const { connection, backup } = job
  const analyzed = await gatherStatistics(connection, { context: place.context, signal, jobs: job.jobs })
  // counted before the transaction ended: now applications write again
  const counted =
    backup.tables ?? (await countRows(connection, null, { context: place.context, signal })).tables
  return {
    tables: counted,
    warnings: [...job.ownership.warnings, ...analyzed, ...leftOut(job.request)],
    open: openCommand(connection),
  }
}

/** From here on something exists that is not whole: it carries a label from its first moment, so that it stays
 * recognisable even when nobody is left to remove it. */
async function fill(place: Place, job: Filling, signal: AbortSignal): Promise<Restored> {
  const { connection, backup, state } = job
  const needs = { context: place.context, signal }
  // whoever asks to stop meanwhile is heard once it is there: the server would go on, and nobody would know whose it is
  const lasting = { ...needs, signal: null }
  const made = job.request.bare ? { ...job.schema, tablespace: null } : job.schema
  const created = state.exists ? [] : await createTarget(connection, made, lasting)
  try {
    signal.throwIfAborted()
    await label(connection, `partial restore of ${backup.id}: do not use`, needs)
    await load(place, job, signal)
    const analyzed = job.request.draft ? [] : await gatherStatistics(connection, { ...needs, jobs: job.jobs })
    const { tables, warnings } = await countRows(connection, backup.tables, needs)
    // whoever asked compares, and fails the restore when they differ: then the label "partial" has to stay
    if (holds(tables, backup.tables)) await label(connection, `restored from ${backup.id}`, needs)
    return {
      tables,
      warnings: [...created, ...job.ownership.warnings, ...analyzed, ...warnings, ...leftOut(job.request)],
      open: openCommand(connection),
    }
  } catch (error) {
    const left = state.exists ? null : await dropTarget(connection, place.context)
    signal.throwIfAborted()
    throw left === null ? error : withLeftover(asFault(error), connection, left)
  }
}

function holds(found: readonly TableRows[], expected: readonly TableRows[] | null): boolean {
  const rows = new Map(found.map((table) => [table.name, table.rows]))
  return expected === null || expected.every((table) => rows.get(table.name) === table.rows)
}

function onlyArtifact({ artifacts }: Manifest): Artifact {
  const [artifact] = artifacts
  if (!artifact || artifacts.length > 1)
    throw new Fault('target-invalid', `a PostgreSQL backup has one file, this one has ${artifacts.length}`)
  return artifact
}

function withLeftover(fault: Fault, { database }: Connection, why: Fault): Fault {
  const hint = `database "${database}" is incomplete and could not be dropped (${why.message}): drop it by hand`
  return new Fault(fault.code, fault.message, { hint, cause: fault })
}

function openCommand({ host, port, user, database }: Connection): string {
  return `psql -h ${shellWord(host)} -p ${port} -U ${shellWord(user)} -d ${shellWord(databaseName(database))}`
}

/** psql, too, reads a name that holds `=` or looks like a URL as connection parameters. */
function databaseName(database: string): string {
  return /=|^postgres(ql)?:\/\//.test(database) ? databaseArgument(database) : database
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9_.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
