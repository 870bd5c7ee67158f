import { asFault } from '../../core/faults.ts'
import type { Manifest } from '../../core/model.ts'
import type { RawInput, TargetPlan, TargetRequest } from '../source.ts'
import { noRight, trustCreators } from './grants.ts'
import { nameBeside } from './names.ts'
import { definersNotThere, refusedCode } from './ownership.ts'
import type { Place } from './place.ts'
import { programFor } from './programs.ts'
import { read } from './proof.ts'
import { brokenReference, wayOut } from './references.ts'
import { withServer, type SessionNeeds } from './session.ts'
import { readTarget, resolveTarget, type TargetState } from './target.ts'
import { endpointOf, type Connection } from './url.ts'

interface Asked {
  backup: Manifest
  request: TargetRequest
  front: RawInput | null
}

export async function plan(place: Place, asked: Asked, signal: AbortSignal): Promise<TargetPlan> {
  const { backup, request } = asked
  const { mode, connection } = request.inPlace
    ? ({ mode: 'in-place', connection: place.live } as const)
    : resolveTarget(place, backup, request)
  const state = await readTarget(connection, { context: place.context, signal })
  const tool = await programFor('restore', state.version, place.context, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    return asFault(error)
  })
  const references = await brokenBy(asked, { connection, state }, { context: place.context, signal })
  const missingTool = 'program' in tool ? [] : [tool.hint ? `${tool.message}: ${tool.hint}` : tool.message]
  const code = await codeOf(place, { ...asked, connection, state }, signal)
  return {
    mode,
    name: connection.database,
    endpoint: endpointOf(connection),
    fingerprint: state.fingerprint,
    exists: state.exists,
    empty: state.empty,
    sizeBytes: state.sizeBytes,
    sessions: state.sessions,
    serverVersion: state.version.text,
    missingRoles: code.missing,
    warnings: [...warnings(asked, state), ...code.warnings],
    blockers: [
      ...missingTool,
      ...(request.inPlace
        ? [noSwap(connection.database, request.stamp)]
        : [...blockers(connection, state, asked), ...references]),
      ...namesLost(backup, state),
      ...code.blockers,
    ],
  }
}

/** Neither server can rename a database, and moving its tables one by one leaves views, routines and triggers behind for a moment. */
function noSwap(name: string, stamp: string): string {
  return `MySQL and MariaDB have no way to rename a database, so nothing can take the place of "${name}" in one step: restore beside (as ${nameBeside(name, 'restore', stamp)}), or, after a backup, into it with --target-db ${name} --clean`
}

function blockers(connection: Connection, state: TargetState, { backup, request }: Asked): string[] {
  const found: string[] = []
  const { user, database } = connection
  const isSql = backup.format === 'sql'
  if (isSql && request.tables?.length) found.push('plain SQL cannot be restored table by table')
  if (!state.exists) return state.mayCreate ? found : [...found, noRight(user, database)]
  if (state.empty) return found
  if (!request.clean) return [...found, `database "${database}" is not empty: choose another name`]
  if (isSql) found.push('plain SQL is restored into a new or empty database only')
  return found
}

/** As far as the tables of now tell: those of the backup are asked once they are restored. */
async function brokenBy(
  { backup, request }: Asked,
  { connection, state }: { connection: Connection; state: TargetState },
  needs: SessionNeeds,
): Promise<string[]> {
  const isReplaced = !request.inPlace && request.clean && state.exists && !state.empty
  if (!isReplaced || backup.tables === null) return []
  const names = request.tables?.length ? request.tables : backup.tables.map(({ name }) => name)
  const broken = await withServer(connection, needs, (server) =>
    brokenReference(server, connection.database, names),
  )
  return broken === null ? [] : [`${broken}: ${wayOut}`]
}

/** A server that keeps names in lower case cannot hold the tables as they were called. */
function namesLost({ tables }: Manifest, { lowerCaseNames }: TargetState): string[] {
  const lost =
    lowerCaseNames === 1 ? (tables ?? []).find(({ name }) => name !== name.toLowerCase()) : undefined
  return lost
    ? [
        `the target’s server keeps names in lower case (lower_case_table_names=1), and the backup has "${lost.name}"`,
      ]
    : []
}

function warnings({ backup, request }: Asked, { version, exists, sessions }: TargetState): string[] {
  const found: string[] = []
  const { name, serverVersion } = backup.engine
  const [major = 0, minor = 0] = serverVersion.split('.').map(Number)
  if (name !== version.flavour)
    found.push(
      `the backup is of ${name} ${serverVersion}, the target is ${version.flavour} ${version.text}: what only one of them knows will fail`,
    )
  else if (version.number < major * 100 + minor)
    found.push(
      `the target is ${name} ${version.text}, older than the source (${serverVersion}): this may fail`,
    )
  if ((request.jobs ?? 1) > 1) found.push('--jobs has no meaning here: the dump is loaded in one go')
  if (request.clean && request.tables?.length)
    found.push('the triggers that the chosen tables have now stay, whatever the backup’s were')
  if (exists && sessions) found.push(`${sessions} sessions are open in the target`)
  return found
}

/** Accounts that views, triggers and routines run as, and whether they can be made, of what is known of the dump. */
async function codeOf(
  { context }: Place,
  { backup, request, front, connection, state }: Asked & { connection: Connection; state: TargetState },
  signal: AbortSignal,
): Promise<{ missing: string[]; warnings: string[]; blockers: string[] }> {
  if (!front) return { missing: [], warnings: [], blockers: [] }
  const only = request.tables?.length ? new Set(request.tables) : null
  const { scan } = await read(front, only).catch((error: unknown) => {
    signal.throwIfAborted()
    throw error
  })
  const refused = refusedCode(scan, state)
  const blockers = refused === null ? [] : [`${refused}: ${trustCreators}`]
  if (request.noOwner || backup.format === 'sql') return { missing: [], warnings: [], blockers }
  const missing = await definersNotThere(connection, { definers: scan.definers, state }, { context, signal })
  const isAll = scan.isWhole && scan.hasTrailer
  return {
    missing,
    blockers,
    warnings: isAll
      ? []
      : ['as whom its views, triggers and routines run is unknown before all of the dump was fetched'],
  }
}
