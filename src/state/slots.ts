import type { Read, Write } from './database.ts'

/** Marks a slot as run or skipped. @returns false when it was taken before (promise 8: at most once) */
export async function takeSlot(
  tx: Write,
  slot: { strategy: string; at: number; run: string | null; skipped: string | null },
): Promise<boolean> {
  const row = { strategy: slot.strategy, slot_at: slot.at, run: slot.run, skipped: slot.skipped }
  const result = await tx
    .insertInto('slots')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** The newest slot not later than `now`: a clock that was ahead for a while does not hide what is due now. */
export async function lastSlot(db: Read, strategy: string, now: number): Promise<number | null> {
  const row = await db
    .selectFrom('slots')
    .select('slot_at')
    .where('strategy', '=', strategy)
    .where('slot_at', '<=', now)
    .orderBy('slot_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.slot_at ?? null
}

export async function slotsOf(
  db: Read,
  strategy: string,
): Promise<{ slot_at: number; run: string | null; skipped: string | null }[]> {
  return db
    .selectFrom('slots')
    .select(['slot_at', 'run', 'skipped'])
    .where('strategy', '=', strategy)
    .orderBy('slot_at')
    .execute()
}
