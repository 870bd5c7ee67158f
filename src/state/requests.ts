import type { Selectable } from 'kysely'
import type { FaultFacts } from '../core/faults.ts'
import type { Actor, AnyRequestView, PruneRequestView, RequestState, RequestView } from '../core/model.ts'
import type { Read, Write } from './database.ts'
import type { RequestsTable } from './tables.ts'

/** A request with what only the engine needs: the exact ask, and the configuration it was planned under. */
export interface StoredRequest<Ask = unknown, View extends AnyRequestView = RequestView> {
  view: View
  ask: Ask
  configHash: string
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

export async function requestsIn(
  db: Read,
  state: RequestState,
): Promise<StoredRequest<unknown, AnyRequestView>[]> {
  return (await db.selectFrom('requests').selectAll().where('state', '=', state).execute()).map((row) =>
    fromRow(row),
  )
}

/** The newest question about deleting in each series and place of a strategy. */
export async function pruneQuestions(db: Read, strategy: string): Promise<PruneRequestView[]> {
  const rows = await db
    .selectFrom('requests')
    .selectAll()
    .where('kind', '=', 'prune')
    .orderBy('created_at', 'desc')
    .execute()
  const newest = new Map<string, PruneRequestView>()
  for (const { view } of rows.map(fromRow)) {
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
  now: { plan: PruneRequestView['plan']; expiresAt: number },
): Promise<boolean> {
  const result = await tx
    .updateTable('requests')
    .set((e) => ({
      plan: JSON.stringify(now.plan),
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
  by: Actor | null
  at: number
  run?: string
  fault?: FaultFacts
}

/** One step of the state machine, by compare-and-set (promise 11). A finished request forgets a target URL it was given.
 * @returns false when somebody was faster */
export async function moveRequest(tx: Write, id: string, move: Move): Promise<boolean> {
  const ended = move.to !== 'executing'
  const decided = move.by === null ? {} : { decided_by: JSON.stringify(move.by), decided_at: move.at }
  const result = await tx
    .updateTable('requests')
    .set((e) => ({
      state: move.to,
      version: e('version', '+', 1),
      ...decided,
      ...(move.run === undefined ? {} : { run: move.run }),
      ...(move.fault === undefined ? {} : { fault: JSON.stringify(move.fault) }),
      ...(ended ? { ask: '{}' } : {}),
    }))
    .where('id', '=', id)
    .where('state', '=', move.from)
    .where('version', '=', move.version)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

function fromRow(row: Selectable<RequestsTable>): StoredRequest<unknown, AnyRequestView> {
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
    decidedBy: parse<Actor>(row.decided_by),
    decidedAt: row.decided_at,
    run: row.run,
    fault: parse<FaultFacts>(row.fault),
  } as AnyRequestView
  return { view, ask: JSON.parse(row.ask) as unknown, configHash: row.config_hash }
}
