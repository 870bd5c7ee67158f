import type { Selectable } from 'kysely'
import type { Actor } from '../core/model.ts'
import type { RestoreResult, SwapView } from '../core/results.ts'
import type { Read, Write } from './database.ts'
import type { SwapsTable } from './tables.ts'

/** `restoring`: the new one is being made. `exchanging`: both are known, and which one is in place has to be looked at.
 * `open`: it can be undone. `removing`: the one that was replaced goes. */
export type SwapState = 'restoring' | 'exchanging' | 'open' | 'removing' | 'ended'

/** One restore in place, from before the first thing it makes until nothing of it is left. */
export interface StoredSwap {
  /** The restore's run. */
  run: string
  request: string | null
  strategy: string
  endpoint: string
  name: string
  beside: string
  kept: string
  /** Identities as the source tells them; null while it restores. */
  oldId: string | null
  newId: string | null
  state: SwapState
  /** While it is `open`: which of the two has the name. */
  inPlace: 'old' | 'new'
  /** Grows with every exchange; whoever undoes names the one that was seen. */
  version: number
  /** The run that works on it now. */
  workedOnBy: string
  /** The backup that was made right before. */
  safety: string | null
  /** What the run leaves when it turns out, after a crash, that it had done its work. */
  result: RestoreResult | null
  by: Actor
  at: number
  until: number | null
  /** Removing failed: not before this. */
  retryAt: number
}

export async function insertSwap(tx: Write, swap: StoredSwap): Promise<void> {
  await tx.insertInto('swaps').values(toRow(swap)).execute()
}

/** One step, by compare-and-set on the state. @returns false when somebody was faster */
export async function moveSwap(
  tx: Write,
  run: string,
  from: SwapState,
  change: Partial<Omit<StoredSwap, 'run'>>,
): Promise<boolean> {
  const before = await findSwap(tx, run)
  if (before?.state !== from) return false
  const { run: _run, ...row } = toRow({ ...before, ...change })
  await tx.updateTable('swaps').set(row).where('run', '=', run).execute()
  return true
}

/** @param id of the restore's run, of its request, or of a run that undid it */
export async function findSwap(db: Read, id: string): Promise<StoredSwap | null> {
  const row = await db
    .selectFrom('swaps')
    .selectAll()
    .where((e) => e.or([e('run', '=', id), e('request', '=', id), e('worked_on_by', '=', id)]))
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? fromRow(row) : null
}

/** Of which something is left, oldest first. */
export async function unendedSwaps(db: Read, strategy?: string): Promise<StoredSwap[]> {
  let query = db.selectFrom('swaps').selectAll().where('state', '!=', 'ended').orderBy('at')
  if (strategy !== undefined) query = query.where('strategy', '=', strategy)
  return (await query.execute()).map(fromRow)
}

/** What faces show of those. */
export async function listSwaps(db: Read, strategy: string): Promise<SwapView[]> {
  return (await unendedSwaps(db, strategy)).map(viewOfSwap)
}

export function viewOfSwap(swap: StoredSwap): SwapView {
  const { run, strategy, endpoint, name, inPlace, version, safety, state } = swap
  const until = state === 'open' ? swap.until : null
  return { run, strategy, endpoint, name, inPlace, kept: otherName(swap), until, version, safety }
}

/** The name of the one that is not in place. */
export function otherName({ inPlace, kept, beside }: StoredSwap): string {
  return inPlace === 'new' ? kept : beside
}

export function otherId({ inPlace, oldId, newId }: StoredSwap): string | null {
  return inPlace === 'new' ? oldId : newId
}

function toRow({
  oldId,
  newId,
  inPlace,
  workedOnBy,
  result,
  by,
  retryAt,
  ...same
}: StoredSwap): Selectable<SwapsTable> {
  return {
    ...same,
    old_id: oldId,
    new_id: newId,
    in_place: inPlace,
    worked_on_by: workedOnBy,
    result: result && JSON.stringify(result),
    by: JSON.stringify(by),
    retry_at: retryAt,
  }
}

function fromRow({
  old_id: oldId,
  new_id: newId,
  in_place: inPlace,
  worked_on_by: workedOnBy,
  retry_at: retryAt,
  result,
  by,
  ...same
}: Selectable<SwapsTable>): StoredSwap {
  return {
    ...same,
    state: same.state as SwapState,
    oldId,
    newId,
    inPlace: inPlace as StoredSwap['inPlace'],
    workedOnBy,
    result: result === null ? null : (JSON.parse(result) as RestoreResult),
    by: JSON.parse(by) as Actor,
    retryAt,
  }
}
