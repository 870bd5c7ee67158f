import { asFault, Fault } from '../../core/faults.ts'
import type { Manifest } from '../../core/model.ts'
import type { RawInput, TargetPlan, TargetRequest } from '../source.ts'
import { leftOut } from './chosen-tables.ts'
import { unpacker, type DumpInput } from './directory/folder.ts'
import { withToc } from './directory/toc.ts'
import { quoted } from './names.ts'
import { chooseOwnership } from './ownership.ts'
import type { Place } from './place.ts'
import { forDump, installed, majorOf, type Program } from './programs.ts'
import { psqlFor } from './psql.ts'
import { readSchema, type DumpedSchema } from './schema.ts'
import { planSwap } from './swap-plan.ts'
import { readTarget, resolveTarget, withServer, type TargetState } from './target.ts'
import { endpointOf, type Connection } from './url.ts'

export async function plan(
  place: Place,
  asked: { backup: Manifest; request: TargetRequest; front: RawInput | null },
  signal: AbortSignal,
): Promise<TargetPlan> {
  const { backup, request } = asked
  const { mode, connection } = request.inPlace
    ? ({ mode: 'in-place', connection: place.live } as const)
    : resolveTarget(place, backup, request)
  const state = await readTarget(connection, { context: place.context, signal })
  const swap = request.inPlace ? await planSwap(place, { backup, request, state }, signal) : null
  const tools = await chooseTools(place, asked, signal)
  const roles = await neededRoles(place, { ...asked, program: tools.program, connection }, signal)
  return {
    mode,
    name: connection.database,
    endpoint: endpointOf(connection),
    fingerprint: state.fingerprint,
    exists: state.exists,
    empty: state.empty,
    sizeBytes: state.sizeBytes,
    sessions: state.sessions,
    serverVersion: state.serverVersion,
    missingRoles: roles.missing,
    warnings: [
      ...warnings(backup, state, swap !== null),
      ...leftOut(request),
      ...roles.warnings,
      ...(swap?.warnings ?? []),
    ],
    blockers: [...tools.missing, ...(swap?.blockers ?? blockers(connection, state, asked))],
    ...(swap && { swap: swap.swap, newest: swap.newest }),
  }
}

/** The programs that the restore will need, now: a missing one must not show when the target is half made. */
async function chooseTools(
  place: Place,
  { backup, request }: { backup: Manifest; request: TargetRequest },
  signal: AbortSignal,
): Promise<{ program: Program | null; missing: string[] }> {
  const missing: string[] = []
  const attempt = async <T>(find: () => Promise<T>): Promise<T | null> =>
    find().catch((error: unknown) => {
      signal.throwIfAborted()
      const { message, hint } = asFault(error)
      missing.push(hint ? `${message}: ${hint}` : message)
      return null
    })
  const program = await attempt(async () =>
    forDump(
      await installed('pg_restore', place.folders, place.context, signal),
      majorOf(backup.engine.toolVersion),
    ),
  )
  if (backup.format === 'directory') await attempt(() => unpacker(place, signal))
  if (backup.format === 'sql' || request.clean) await attempt(() => psqlFor(place, signal))
  return { program, missing }
}

/** Roles in the dump's table of contents that the target's server lacks. */
async function neededRoles(
  place: Place,
  asked: {
    backup: Manifest
    request: TargetRequest
    front: RawInput | null
    program: Program | null
    connection: Connection
  },
  signal: AbortSignal,
): Promise<{ missing: string[]; warnings: string[] }> {
  const { backup, request, front, program, connection } = asked
  if (request.noOwner || backup.format === 'sql' || !front || !program) return { missing: [], warnings: [] }
  const read = (raw: DumpInput): Promise<DumpedSchema> =>
    readSchema(program, { raw, database: backup.database })
  const reading = backup.format === 'directory' ? withToc(place, front, signal, read) : read(front)
  const schema = await reading.catch(() => null)
  signal.throwIfAborted()
  if (!schema)
    return { missing: [], warnings: ['which roles the dump needs is unknown before all of it was fetched'] }
  const ownership = await withServer(connection, { context: place.context, signal }, (server) =>
    chooseOwnership(server, schema, false),
  )
  return { missing: ownership.missing, warnings: ownership.warnings.map((text) => `it will be ${text}`) }
}

function blockers(
  connection: Connection,
  state: TargetState,
  { backup, request }: { backup: Manifest; request: TargetRequest },
): string[] {
  const found: string[] = []
  const isSql = backup.format === 'sql'
  if (isSql && request.tables?.length) found.push('plain SQL cannot be restored table by table')
  if (isSql && (request.jobs ?? 1) > 1) found.push('plain SQL cannot be loaded by several jobs')
  if (!state.exists) return state.mayCreate ? found : [...found, noRight(connection)]
  if (state.empty) return found
  if (!request.clean) return [...found, `database "${connection.database}" is not empty: choose another name`]
  if (isSql) found.push('plain SQL is restored into a new or empty database only')
  if ((request.jobs ?? 1) > 1)
    found.push('--clean and --jobs exclude each other: what is there is overwritten in one transaction')
  return found
}

/** The right to create databases is missing; says what to type. */
export function noRight({ user }: Connection): string {
  return `user "${user}" may not create databases: run ALTER ROLE ${quoted(user)} CREATEDB; or give restore.database_url of a user who may`
}

/** @throws Fault target-exists · target-invalid */
export function assertUsable(connection: Connection, state: TargetState, { clean }: TargetRequest): void {
  if (state.exists && !state.empty && !clean)
    throw new Fault('target-exists', `database "${connection.database}" is not empty`, {
      hint: 'choose another name, or an empty database',
    })
  if (!state.exists && !state.mayCreate) throw new Fault('target-invalid', noRight(connection))
}

function warnings(backup: Manifest, state: TargetState, isInPlace: boolean): string[] {
  const from = majorOf(backup.engine.serverVersion)
  if (from !== null && state.serverMajor < from)
    return [`the target is PostgreSQL ${state.serverMajor}, older than the source (${from}): this may fail`]
  // in place, who asks says what becomes of them
  const sessions =
    state.exists && state.sessions && !isInPlace ? [`${state.sessions} sessions are open in the target`] : []
  return sessions
}
