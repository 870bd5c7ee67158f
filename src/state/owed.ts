import type { Read, Write } from './database.ts'

/** A copy of a backup that a place did not take and should have. */
export interface Debt {
  backup: string
  storage: string
  since: number
  tries: number
  retryAt: number
  why: string
}

export async function oweCopy(tx: Write, debt: Debt): Promise<void> {
  const { retryAt, ...same } = debt
  const row = { ...same, retry_at: retryAt }
  await tx
    .insertInto('owed')
    .values(row)
    .onConflict((conflict) => conflict.columns(['backup', 'storage']).doUpdateSet(row))
    .execute()
}

/** The place has it now, or is let off. @returns false when nothing was owed */
export async function settleDebt(tx: Write, backup: string, storage: string): Promise<boolean> {
  const result = await tx
    .deleteFrom('owed')
    .where('backup', '=', backup)
    .where('storage', '=', storage)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

/** Newest backup first: it is worth most. */
export async function listDebts(
  db: Read,
  filter: { backups?: readonly string[]; storage?: string } = {},
): Promise<Debt[]> {
  let query = db.selectFrom('owed').selectAll().orderBy('since', 'desc').orderBy('backup', 'desc')
  if (filter.backups) query = query.where('backup', 'in', filter.backups)
  if (filter.storage) query = query.where('storage', '=', filter.storage)
  return (await query.execute()).map(({ retry_at: retryAt, ...same }) => ({ ...same, retryAt }))
}

/** A place that does not answer is asked again later, whichever backup it is for. */
export async function postponeDebts(tx: Write, storage: string, until: number): Promise<void> {
  await tx
    .updateTable('owed')
    .set({ retry_at: until })
    .where('storage', '=', storage)
    .where('retry_at', '<', until)
    .execute()
}
