import type { Selectable, Updateable } from 'kysely'
import type { FaultFacts } from '../core/faults.ts'
import { rungOf } from '../core/ladder.ts'
import type {
  Actor,
  AnyRequestView,
  Needs,
  PruneRequestView,
  RequestKind,
  RequestState,
  RequestView,
} from '../core/model.ts'
import { isOver, mayMove, openStates } from '../core/request-states.ts'
import type { Read, Write } from './database.ts'
import type { RequestsTable } from './tables.ts'

/** A request with what only the engine needs: the exact ask, and the configuration it was planned under. */
export interface StoredRequest<Ask = unknown, View extends AnyRequestView = RequestView> {
  view: View
  ask: Ask
  configHash: string
  /** How often it was said again that it waits. */
  pings: number
}

export async function insertRequest(
  tx: Write,
  request: StoredRequest<unknown, AnyRequestView>,
): Promise<void> {
  const { view } = request
  await tx
    .insertInto('requests')
    .values({
      id: view.id,
      kind: view.kind,
      version: view.version,
      state: view.state,
      requester: JSON.stringify(view.requester),
      reason: view.reason,
      ask: JSON.stringify(request.ask),
      plan: JSON.stringify(view.plan),
      needs: JSON.stringify(view.needs),
      config_hash: request.configHash,
      created_at: view.createdAt,
      expires_at: view.expiresAt,
    })
    .execute()
}

/** A restore's request; null also when it asks for something else. */
export async function findRequest<Ask>(db: Read, id: string): Promise<StoredRequest<Ask> | null> {
  const found = await findAnyRequest(db, id)
  return found?.view.kind === 'restore' ? (found as StoredRequest<Ask>) : null
}

export async function findAnyRequest(
  db: Read,
  id: string,
): Promise<StoredRequest<unknown, AnyRequestView> | null> {
  const row = await db.selectFrom('requests').selectAll().where('id', '=', id).executeTakeFirst()
  return row ? fromRow(row) : null
}

/** Oldest first. */
export async function requestsIn(
  db: Read,
  ...states: RequestState[]
): Promise<StoredRequest<unknown, AnyRequestView>[]> {
  const query = db.selectFrom('requests').selectAll().where('state', 'in', states).orderBy('created_at')
  return (await query.execute()).map((row) => fromRow(row))
}

/** Everything that has no end yet, oldest first. */
export function openRequests(db: Read): Promise<StoredRequest<unknown, AnyRequestView>[]> {
  return requestsIn(db, ...openStates)
}

/** Of one kind, newest first. */
export async function requestsOfKind(db: Read, kind: RequestKind): Promise<AnyRequestView[]> {
  const query = db.selectFrom('requests').selectAll().where('kind', '=', kind)
  return (await query.orderBy('created_at', 'desc').execute()).map((row) => fromRow(row).view)
}

/** The newest question about deleting in each series and place of a strategy. */
export async function pruneQuestions(db: Read, strategy: string): Promise<PruneRequestView[]> {
  const newest = new Map<string, PruneRequestView>()
  for (const view of await requestsOfKind(db, 'prune')) {
    if (view.kind !== 'prune' || view.plan.strategy !== strategy) continue
    const corner = `${view.plan.series}/${view.plan.storage}`
    if (!newest.has(corner)) newest.set(corner, view)
  }
  return [...newest.values()]
}

/** What is asked changed while nobody had decided: who looks at the old list decides nothing any more.
 * @returns false when somebody was faster */
export async function replan(
  tx: Write,
  { id, version }: PruneRequestView,
  now: { plan: PruneRequestView['plan']; needs: Needs; expiresAt: number },
): Promise<boolean> {
  const result = await tx
    .updateTable('requests')
    .set((e) => ({
      plan: JSON.stringify(now.plan),
      needs: JSON.stringify(now.needs),
      expires_at: now.expiresAt,
      version: e('version', '+', 1),
    }))
    .where('id', '=', id)
    .where('state', '=', 'waiting')
    .where('version', '=', version)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export interface Move {
  from: RequestState
  version: number
  to: RequestState
  /** Who decided; null = nobody did now. */
  by: Actor | null
  at: number
  decision?: string | null
  run?: string
  fault?: FaultFacts
  startBy?: number
  brokeGlass?: boolean
  /** What planning found. */
  planned?: { ask: unknown; plan: AnyRequestView['plan']; needs: Needs }
  /** The configuration it was planned under. */
  configHash?: string
}

/** One step of the state machine, by compare-and-set (promise 11). A finished request forgets a target URL it was given.
 * @returns false when somebody was faster */
export async function moveRequest(tx: Write, id: string, move: Move): Promise<boolean> {
  if (!mayMove(move.from, move.to)) throw new TypeError(`no request goes from ${move.from} to ${move.to}`)
  const result = await tx
    .updateTable('requests')
    .set((e) => ({ version: e('version', '+', 1), ...columnsOf(move) }))
    .where('id', '=', id)
    .where('state', '=', move.from)
    .where('version', '=', move.version)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

function columnsOf(move: Move): Updateable<RequestsTable> {
  const { by, decision, planned } = move
  return {
    state: move.to,
    ...(by !== null && { decided_by: JSON.stringify(by), decided_at: move.at }),
    ...(decision !== undefined && { decision }),
    ...(planned && {
      ask: JSON.stringify(planned.ask),
      plan: JSON.stringify(planned.plan),
      needs: JSON.stringify(planned.needs),
    }),
    ...(move.configHash !== undefined && { config_hash: move.configHash }),
    ...(move.run !== undefined && { run: move.run }),
    ...(move.fault !== undefined && { fault: JSON.stringify(move.fault) }),
    ...(move.startBy !== undefined && { start_by: move.startBy }),
    ...(move.brokeGlass && { broke_glass: 1 }),
    ...(isOver(move.to) && { ask: '{}' }),
  }
}

/** Notes that it was said again. @returns false when another process said it */
export async function notePing(
  tx: Write,
  id: string,
  pings: { were: number; are: number },
): Promise<boolean> {
  const result = await tx
    .updateTable('requests')
    .set({ pings: pings.are })
    .where('id', '=', id)
    .where('pings', '=', pings.were)
    .where('state', '=', 'waiting')
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** @returns false when somebody had looked before */
export async function noteReview(tx: Write, id: string, by: Actor, at: number): Promise<boolean> {
  const result = await tx
    .updateTable('requests')
    .set({ reviewed_by: JSON.stringify(by), reviewed_at: at })
    .where('id', '=', id)
    .where('broke_glass', '=', 1)
    .where('reviewed_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Of requests that were filed before the ladder was kept with them. */
const lowest: Needs = {
  ...rungOf({ kind: 'restore', overwrites: 'nothing', isMass: false, isProtected: false }),
  whom: null,
  self: false,
}

export function fromRow(row: Selectable<RequestsTable>): StoredRequest<unknown, AnyRequestView> {
  const parse = <T>(json: string | null): T | null => (json === null ? null : (JSON.parse(json) as T))
  const view = {
    id: row.id,
    kind: row.kind,
    version: row.version,
    state: row.state as RequestState,
    requester: JSON.parse(row.requester) as Actor,
    reason: row.reason,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    plan: JSON.parse(row.plan) as unknown,
    needs: parse<Needs>(row.needs) ?? lowest,
    decidedBy: parse<Actor>(row.decided_by),
    decidedAt: row.decided_at,
    decision: row.decision,
    startBy: row.start_by,
    brokeGlass: row.broke_glass === 1,
    reviewedBy: parse<Actor>(row.reviewed_by),
    reviewedAt: row.reviewed_at,
    run: row.run,
    fault: parse<FaultFacts>(row.fault),
  } as AnyRequestView
  return { view, ask: JSON.parse(row.ask) as unknown, configHash: row.config_hash, pings: row.pings }
}
