import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact, Manifest } from '../../core/model.ts'
import type { Command } from '../../sys/process.ts'
import type { RawInput, TargetRequest } from '../source.ts'
import { listTables } from './chosen-tables.ts'
import type { DumpInput } from './directory/folder.ts'
import { databaseArgument, programEnvironment } from './environment.ts'
import { toolFault } from './faults.ts'
import type { Place } from './place.ts'
import type { Program } from './programs.ts'
import { defuse, psqlFor, readScript, runScripts } from './psql.ts'
import type { Connection } from './url.ts'
import { Fault } from '../../core/faults.ts'

export interface Loading {
  backup: Manifest
  request: TargetRequest
  connection: Connection
  program: Program
  artifact: Artifact
  open: (artifact: Artifact) => Promise<RawInput>
  /** For pg_restore. */
  dump: () => Promise<DumpInput>
  /** How many tables at a time. */
  jobs: number
  /** The target was there before: it gets all or nothing. */
  intoExisting: boolean
  keepOwners: boolean
}

/** Loads a dump and stops at the first error. An existing database gets all or nothing in one transaction; a new one is dropped
 * after a failure, and then the locks of a single transaction would only limit how many tables it may have.
 * Several jobs are several transactions: an existing database that was empty is then labelled partial. */
export async function load(place: Place, loading: Loading, signal: AbortSignal): Promise<void> {
  if (loading.backup.format === 'sql') return loadScript(place, loading, signal)
  const { connection, intoExisting, artifact, jobs } = loading
  const env = await programEnvironment(connection, place.context)
  const argv = [
    loading.program.path,
    '--exit-on-error',
    '--no-password',
    `--dbname=${databaseArgument(connection.database)}`,
    ...(intoExisting && jobs === 1 ? ['--single-transaction'] : []),
    ...(await selection(place, loading)),
  ]
  if (jobs > 1 && loading.backup.format !== 'directory') {
    const raw = await loading.open(artifact)
    return loadParallel(place, { raw, argv, env, jobs, connection }, signal)
  }
  const dump = await loading.dump()
  const parallel = jobs > 1 ? [`--jobs=${jobs}`] : []
  const command = { argv: [...argv, ...parallel], env, ...readsEnough(loading) }
  await dump.intoProgram(command, null).catch((error: unknown) => {
    throw toolFault(error, connection, 'restore-failed')
  })
}

/** Behind the last chosen table pg_restore stops reading. All of the backup was verified before. */
export function readsEnough({ request }: Pick<Loading, 'request'>): Pick<Command, 'readsEnough'> {
  return request.tables?.length ? { readsEnough: true } : {}
}

/** Owners and tables, as arguments of pg_restore. */
export async function selection(place: Place, { keepOwners, request, ...dump }: Loading): Promise<string[]> {
  const { tables = [] } = request
  const raw = await dump.dump()
  const list = tables.length > 0 ? await listTables(place, { program: dump.program, raw, tables }) : null
  return [
    ...(keepOwners ? [] : ['--no-owner', '--no-acl']),
    ...(request.bare ? ['--no-tablespaces', '--no-subscriptions'] : []),
    ...(list === null ? [] : [`--use-list=${list}`]),
  ]
}

interface Parallel {
  raw: RawInput
  argv: string[]
  env: Record<string, string>
  jobs: number
  connection: Connection
}

/** Several at a time have to jump about in the dump: it is needed as a file. */
async function loadParallel(
  { context }: Place,
  { raw, argv, env, jobs, connection }: Parallel,
  signal: AbortSignal,
): Promise<void> {
  const path = join(context.folder, 'raw.dump')
  const { runId, said } = context
  const running = { signal, runId, said: (tool: string, line: string) => said(tool, line) }
  try {
    await raw.intoFile(path)
    const stages = [{ argv: [...argv, `--jobs=${jobs}`, path], env }]
    await context.processes.join({ stages, input: null, output: null }, running)
  } catch (error) {
    throw toolFault(error, connection, 'restore-failed')
  } finally {
    await rm(path, { force: true })
  }
}

/** Plain SQL does what it says. It is read whole first, and psql runs it without any command of its own. */
async function loadScript(place: Place, loading: Loading, signal: AbortSignal): Promise<void> {
  const { connection, intoExisting, artifact } = loading
  const psql = await psqlFor(place, signal)
  const path = join(place.context.folder, 'script.sql')
  try {
    await (await loading.open(artifact)).intoFile(path)
    const facts = await readScript(path)
    if (facts.ownTransactions && intoExisting)
      throw new Fault(
        'target-invalid',
        'the script ends transactions by itself: it cannot be all or nothing',
        {
          hint: 'restore it into a new database, which is dropped when it fails',
        },
      )
    await defuse(path, facts)
    const atomic = !facts.ownTransactions
    await runScripts(place, { psql, connection, paths: [path], atomic, guarded: true, signal })
  } finally {
    await rm(path, { force: true })
  }
}
