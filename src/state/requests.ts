import type { Selectable } from 'kysely'
import type { FaultFacts } from '../core/faults.ts'
import type { Actor, RequestState, RequestView, RestorePlan } from '../core/model.ts'
import type { Read, Write } from './database.ts'
import type { RequestsTable } from './tables.ts'

/** A request with what only the engine needs: the exact ask, and the configuration it was planned under. */
export interface StoredRequest<Ask = unknown> {
  view: RequestView
  ask: Ask
  configHash: string
}

export async function insertRequest(tx: Write, request: StoredRequest): Promise<void> {
  const { view } = request
  await tx
    .insertInto('requests')
    .values({
      id: view.id,
      kind: 'restore',
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

export async function findRequest<Ask>(db: Read, id: string): Promise<StoredRequest<Ask> | null> {
  const row = await db.selectFrom('requests').selectAll().where('id', '=', id).executeTakeFirst()
  return row ? fromRow<Ask>(row) : null
}

export async function requestsIn(db: Read, state: RequestState): Promise<StoredRequest[]> {
  return (await db.selectFrom('requests').selectAll().where('state', '=', state).execute()).map((row) =>
    fromRow(row),
  )
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

function fromRow<Ask>(row: Selectable<RequestsTable>): StoredRequest<Ask> {
  const parse = <T>(json: string | null): T | null => (json === null ? null : (JSON.parse(json) as T))
  const view: RequestView = {
    id: row.id,
    version: row.version,
    state: row.state as RequestState,
    requester: JSON.parse(row.requester) as Actor,
    reason: row.reason,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    plan: JSON.parse(row.plan) as RestorePlan,
    decidedBy: parse(row.decided_by),
    decidedAt: row.decided_at,
    run: row.run,
    fault: parse(row.fault),
  }
  return { view, ask: JSON.parse(row.ask) as Ask, configHash: row.config_hash }
}
