import type { Read, Write } from './database.ts'

export interface Slot {
  strategy: string
  at: number
  run: string | null
  skipped: string | null
}

/** Marks a slot as run or skipped. A skip that was recorded by a clock that was ahead, and is right again, does not count:
 * that slot has not come yet.
 * @returns false when it was taken before (promise 8: at most once) */
export async function takeSlot(tx: Write, slot: Slot, now: number): Promise<boolean> {
  const { strategy, run, skipped } = slot
  const row = { strategy, slot_at: slot.at, run, skipped, recorded_at: now }
  const result = await tx
    .insertInto('slots')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['strategy', 'slot_at'])
        .doUpdateSet(row)
        .where('slots.run', 'is', null)
        .where('slots.recorded_at', '>', now),
    )
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Names the run of a slot that was taken. */
export async function settleSlot(
  tx: Write,
  { strategy, at, run }: { strategy: string; at: number; run: string },
): Promise<void> {
  await tx
    .updateTable('slots')
    .set({ run })
    .where('strategy', '=', strategy)
    .where('slot_at', '=', at)
    .execute()
}

/** The newest settled slot not later than `now`: a clock that was ahead for a while does not hide what is due now. */
export async function lastSlot(db: Read, strategy: string, now: number): Promise<number | null> {
  const row = await db
    .selectFrom('slots')
    .select('slot_at')
    .where('strategy', '=', strategy)
    .where('slot_at', '<=', now)
    .where((e) => e.or([e('run', 'is not', null), e('recorded_at', '<=', now)]))
    .orderBy('slot_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.slot_at ?? null
}

/** Oldest first. */
export async function slotsOf(db: Read, strategy: string): Promise<Slot[]> {
  const rows = await db
    .selectFrom('slots')
    .select(['strategy', 'slot_at as at', 'run', 'skipped'])
    .where('strategy', '=', strategy)
    .orderBy('slot_at')
    .execute()
  return rows
}

/** Slots that were found to be missed since then: how many, and of how many strategies the newest runs now. */
export async function countCaughtUp(
  db: Read,
  { since, reason }: { since: number; reason: string },
): Promise<{ missed: number; caughtUp: number }> {
  const rows = await db
    .selectFrom('slots as s')
    .leftJoin('runs as r', 'r.id', 's.run')
    .select(['s.strategy', 'r.trigger'])
    .where('s.recorded_at', '>=', since)
    .where((e) => e.or([e('s.skipped', '=', reason), e('r.trigger', '=', 'catch-up')]))
    .execute()
  const caughtUp = new Set(rows.filter(({ trigger }) => trigger !== null).map(({ strategy }) => strategy))
  return { missed: rows.length, caughtUp: caughtUp.size }
}
