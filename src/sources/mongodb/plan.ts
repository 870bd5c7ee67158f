import { asFault, Fault } from '../../core/faults.ts'
import type { Manifest } from '../../core/model.ts'
import type { TargetPlan, TargetRequest } from '../source.ts'
import type { Place } from './place.ts'
import { installed } from './programs.ts'
import { readTarget, resolveTarget, type TargetState } from './target.ts'
import { endpointOf, type Connection } from './url.ts'

export async function plan(
  place: Place,
  { backup, request }: { backup: Manifest; request: TargetRequest },
  signal: AbortSignal,
): Promise<TargetPlan> {
  const { context } = place
  const { mode, connection } = resolveTarget(place, backup, request)
  const state = await readTarget(connection, { context, signal })
  const missing = await installed('mongorestore', context, signal).then(
    () => [],
    (error: unknown) => {
      signal.throwIfAborted()
      const { message, hint } = asFault(error)
      return [`${message}: ${hint}`]
    },
  )
  return {
    mode,
    name: connection.database,
    endpoint: endpointOf(connection),
    fingerprint: state.fingerprint,
    exists: state.exists,
    empty: state.empty,
    sizeBytes: state.sizeBytes,
    sessions: null,
    serverVersion: state.serverVersion,
    missingRoles: [],
    warnings: warnings(backup, state, request),
    blockers: [...missing, ...blockers(connection, state, request)],
  }
}

/** Databases have no other name to be given, and collections move one by one: nothing there is all or nothing. */
const noExchange =
  'MongoDB cannot rename a database, so nothing can take its place in one step: restore beside it, look at the copy, and point the application at it'

function blockers({ database }: Connection, state: TargetState, { clean, inPlace }: TargetRequest): string[] {
  if (inPlace) return [noExchange]
  if (state.clash !== null)
    return [
      `the server has a database "${state.clash}", which differs in capitals alone: choose another name`,
    ]
  if (state.empty) return []
  return [clean ? noExchange : `database "${database}" is not empty: choose another name`]
}

function warnings({ engine }: Manifest, { serverVersion }: TargetState, { jobs }: TargetRequest): string[] {
  const major = (version: string): number => Number.parseInt(version, 10)
  const older = major(serverVersion) < major(engine.serverVersion)
  return [
    ...(older
      ? [
          `the target is MongoDB ${serverVersion}, older than the source (${engine.serverVersion}): this may fail`,
        ]
      : []),
    ...((jobs ?? 1) > 1 ? ['an archive is restored with as many jobs as it was dumped with'] : []),
  ]
}

/** @throws Fault target-exists · target-invalid */
export function assertUsable(connection: Connection, state: TargetState, { clean }: TargetRequest): void {
  if (state.clash !== null)
    throw new Fault('target-invalid', `the server has a database "${state.clash}"`, {
      hint: 'names that differ in capitals alone exclude each other: choose another',
    })
  if (state.empty) return
  if (clean) throw new Fault('target-invalid', noExchange)
  throw new Fault('target-exists', `database "${connection.database}" is not empty`, {
    hint: 'choose another name',
  })
}
