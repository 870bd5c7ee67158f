import type { Selectable } from 'kysely'
import type { CloneView } from '../core/clone.ts'
import type { Actor } from '../core/model.ts'
import type { RestoreResult } from '../core/results.ts'
import type { Read, Write } from './database.ts'
import type { ClonesTable } from './tables.ts'

/** `making`: under its own name. `naming`: it is as it has to be, and whether it has its name has to be looked at. `open`: it is there.
 * `dropping`: its time is over. */
export type CloneState = 'making' | 'naming' | 'open' | 'dropping' | 'ended'

/** One copy of a backup, from before the first thing that is made until nothing of it is left. */
export interface StoredClone {
  run: string
  strategy: string
  place: string
  endpoint: string
  /** As its source identifies it; null: it was not written down yet when this was made. */
  server: string | null
  name: string
  beside: string
  kept: string
  /** What had the name before, until that is dropped; null: nothing, or it is gone. */
  oldId: string | null
  /** The copy, as its source identifies it; null while it is made. */
  newId: string | null
  state: CloneState
  backup: string
  /** What the run leaves when it turns out, after a crash, that it had done its work. */
  result: RestoreResult | null
  by: Actor
  at: number
  dropAfterMs: number | null
  until: number | null
  /** Looking after it failed: not before this. */
  retryAt: number
}

export async function insertClone(tx: Write, clone: StoredClone): Promise<void> {
  await tx.insertInto('clones').values(toRow(clone)).execute()
}

/** One step, by compare-and-set on the state. @returns false when somebody was faster */
export async function moveClone(
  tx: Write,
  run: string,
  from: CloneState,
  change: Partial<Omit<StoredClone, 'run'>>,
): Promise<boolean> {
  const before = await findClone(tx, run)
  if (before?.state !== from) return false
  const { run: _run, ...row } = toRow({ ...before, ...change })
  await tx.updateTable('clones').set(row).where('run', '=', run).execute()
  return true
}

export async function findClone(db: Read, run: string): Promise<StoredClone | null> {
  const row = await db.selectFrom('clones').selectAll().where('run', '=', run).executeTakeFirst()
  return row ? fromRow(row) : null
}

/** Was this made by a copy, and by nobody else since? */
export async function isCopy(db: Read, { id, name }: { id: string; name: string }): Promise<boolean> {
  const query = db.selectFrom('clones').select('run').where('new_id', '=', id).where('name', '=', name)
  return (await query.where('state', 'in', ['open', 'dropping']).executeTakeFirst()) !== undefined
}

/** Of which something is there, oldest first. */
export async function unendedClones(db: Read, strategy?: string): Promise<StoredClone[]> {
  let query = db.selectFrom('clones').selectAll().where('state', '!=', 'ended').orderBy('at')
  if (strategy !== undefined) query = query.where('strategy', '=', strategy)
  return (await query.execute()).map(fromRow)
}

/** Those that a later copy has taken the name of are no copies any more. */
export async function endReplaced(
  tx: Write,
  by: Pick<StoredClone, 'run' | 'endpoint' | 'name'>,
): Promise<void> {
  await tx
    .updateTable('clones')
    .set({ state: 'ended' })
    .where('endpoint', '=', by.endpoint)
    .where('name', '=', by.name)
    .where('state', 'in', ['open', 'dropping'])
    .where('run', '!=', by.run)
    .where('old_id', 'is', null)
    .execute()
}

/** What faces show of those that have their name. */
export async function listClones(db: Read, strategy: string): Promise<CloneView[]> {
  const found = await unendedClones(db, strategy)
  return found
    .filter(({ state }) => state === 'open' || state === 'dropping')
    .map(({ run, place, name, endpoint, backup, at: madeAt, until }) => ({
      run,
      strategy,
      place,
      name,
      endpoint,
      backup,
      madeAt,
      until,
    }))
}

function toRow({
  oldId,
  newId,
  result,
  by,
  dropAfterMs,
  retryAt,
  ...same
}: StoredClone): Selectable<ClonesTable> {
  return {
    ...same,
    old_id: oldId,
    new_id: newId,
    result: result && JSON.stringify(result),
    by: JSON.stringify(by),
    drop_after_ms: dropAfterMs,
    retry_at: retryAt,
  }
}

function fromRow({
  old_id: oldId,
  new_id: newId,
  drop_after_ms: dropAfterMs,
  retry_at: retryAt,
  result,
  by,
  ...same
}: Selectable<ClonesTable>): StoredClone {
  return {
    ...same,
    state: same.state as CloneState,
    oldId,
    newId,
    dropAfterMs,
    retryAt,
    result: result === null ? null : (JSON.parse(result) as RestoreResult),
    by: JSON.parse(by) as Actor,
  }
}
