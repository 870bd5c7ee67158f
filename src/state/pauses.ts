import type { Actor } from '../core/model.ts'
import type { Read, Write } from './database.ts'

/** A strategy that does nothing by itself for a while, because a person wanted it so. */
export interface Pause {
  strategy: string
  /** Epoch ms; null = until somebody resumes it. */
  until: number | null
  by: Actor
  at: number
}

/** Pauses anew, or changes the end of a pause; its slots count as paused from the first beginning on. */
export async function savePause(tx: Write, { strategy, until, by, at }: Pause): Promise<void> {
  const changed = { until, by: JSON.stringify(by) }
  await tx
    .insertInto('pauses')
    .values({ strategy, at, ...changed })
    .onConflict((conflict) => conflict.column('strategy').doUpdateSet(changed))
    .execute()
}

export async function endPause(tx: Write, strategy: string): Promise<void> {
  await tx.deleteFrom('pauses').where('strategy', '=', strategy).execute()
}

/** One that has ended and was not yet closed is still here. */
export async function findPause(db: Read, strategy: string): Promise<Pause | null> {
  const row = await db.selectFrom('pauses').selectAll().where('strategy', '=', strategy).executeTakeFirst()
  return row ? { ...row, by: JSON.parse(row.by) as Actor } : null
}

/** Those whose end has come. */
export async function endedPauses(db: Read, now: number): Promise<Pause[]> {
  const rows = await db.selectFrom('pauses').selectAll().where('until', '<=', now).execute()
  return rows.map((row) => ({ ...row, by: JSON.parse(row.by) as Actor }))
}

/** Does it hold at this instant? */
export function isPaused(pause: Pause | null, now: number): pause is Pause {
  return pause !== null && (pause.until === null || now < pause.until)
}
