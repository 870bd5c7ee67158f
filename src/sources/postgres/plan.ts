import { asFault, Fault } from '../../core/faults.ts'
import type { Manifest } from '../../core/model.ts'
import type { TargetPlan, TargetRequest } from '../source.ts'
import { quoted } from './names.ts'
import type { Place } from './place.ts'
import { forDump, installed, majorOf } from './programs.ts'
import { readTarget, resolveTarget, type TargetState } from './target.ts'
import { endpointOf, type Connection } from './url.ts'

export async function plan(
  place: Place,
  { backup, request }: { backup: Manifest; request: TargetRequest },
  signal: AbortSignal,
): Promise<TargetPlan> {
  const { mode, connection } = resolveTarget(place, backup, request)
  const state = await readTarget(connection, { context: place.context, signal })
  const toolBlocker = await missingTool(place, backup, signal)
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
    missingRoles: [],
    warnings: warnings(backup, state),
    blockers: [...toolBlocker, ...blockers(connection, state)],
  }
}

async function missingTool(place: Place, backup: Manifest, signal: AbortSignal): Promise<string[]> {
  try {
    const programs = await installed('pg_restore', place.folders, place.context, signal)
    forDump(programs, majorOf(backup.engine.toolVersion))
    return []
  } catch (error) {
    signal.throwIfAborted()
    const { message, hint } = asFault(error)
    return [hint ? `${message}: ${hint}` : message]
  }
}

function blockers(connection: Connection, state: TargetState): string[] {
  if (state.exists)
    return state.empty ? [] : [`database "${connection.database}" is not empty: choose another name`]
  return state.mayCreate ? [] : [noRight(connection)]
}

/** The right to create databases is missing; says what to type. */
export function noRight({ user }: Connection): string {
  return `user "${user}" may not create databases: run ALTER ROLE ${quoted(user)} CREATEDB; or give restore.database_url of a user who may`
}

/** @throws Fault target-exists · target-invalid */
export function assertUsable(connection: Connection, state: TargetState): void {
  if (state.exists && !state.empty)
    throw new Fault('target-exists', `database "${connection.database}" is not empty`, {
      hint: 'choose another name, or an empty database',
    })
  if (!state.exists && !state.mayCreate) throw new Fault('target-invalid', noRight(connection))
}

function warnings(backup: Manifest, state: TargetState): string[] {
  const from = majorOf(backup.engine.serverVersion)
  if (from !== null && state.serverMajor < from)
    return [`the target is PostgreSQL ${state.serverMajor}, older than the source (${from}): this may fail`]
  const sessions = state.exists && state.sessions ? [`${state.sessions} sessions are open in the target`] : []
  return sessions
}
