import { sql } from 'kysely'
import type { Read, Write } from './database.ts'
import { findRun, type Run, type RunResult } from './runs.ts'
import type { SeriesRef } from './series.ts'

/** What a run left behind may change after its end, its end never does: a place catches up, a kept dump goes. */
export async function saveResult(tx: Write, run: string, result: RunResult | null): Promise<void> {
  await tx
    .updateTable('runs')
    .set({ result: result && JSON.stringify(result) })
    .where('id', '=', run)
    .execute()
}

/** The run that made a backup; null when it is forgotten, or was another machine's. */
export async function runOfBackup(db: Read, strategy: string, backup: string): Promise<Run | null> {
  const rows = await db
    .selectFrom('runs')
    .select('id')
    .where('strategy', '=', strategy)
    .where('kind', '=', 'backup')
    .where('result', 'like', `%${JSON.stringify(backup)}%`)
    .orderBy('seq', 'desc')
    .execute()
  for (const { id } of rows) {
    const run = await findRun(db, id)
    if (run?.result?.backup?.id === backup) return run
  }
  return null
}

/** Runs whose dump is kept, newest first. */
export async function keepingRuns(db: Read, of?: string | SeriesRef): Promise<Run[]> {
  let query = db
    .selectFrom('runs')
    .select('id')
    .where('kind', '=', 'backup')
    .where('state', 'in', ['failed', 'interrupted'])
    .where('result', 'is not', null)
    .orderBy(sql`+seq`, 'desc') // the few that failed are sorted; the index by time would visit every run
  if (of !== undefined) query = query.where('strategy', '=', typeof of === 'string' ? of : of.strategy)
  if (typeof of === 'object') query = query.where('series', '=', of.series)
  const runs = await Promise.all((await query.execute()).map(({ id }) => findRun(db, id)))
  return runs.filter((run) => run?.result?.kept !== undefined) as Run[]
}

/** A run of a dead process whose dump is whole goes on: the next worker that looks takes it again. */
export async function requeueRun(tx: Write, run: string): Promise<boolean> {
  await tx.deleteFrom('leases').where('run', '=', run).execute()
  const result = await tx
    .updateTable('runs')
    .set({ state: 'queued', stage: null, progress: null, holder: null })
    .where('id', '=', run)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}
