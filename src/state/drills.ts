import { sql } from 'kysely'
import type { DrillResult } from '../core/drill.ts'
import type { Read } from './database.ts'

/** A drill that came to a verdict. */
export interface EndedDrill {
  run: string
  series: string
  /** When it ended, epoch ms. */
  at: number
  result: DrillResult
}

/** Drills of a strategy that came to a verdict, newest first. @param filter.verdict  only these */
export async function endedDrills(
  db: Read,
  filter: { strategy: string; series?: string; verdict?: DrillResult['verdict']; limit: number },
): Promise<EndedDrill[]> {
  let query = db
    .selectFrom('runs')
    .select(['id', 'series', 'ended_at', sql<string>`json_extract(result, '$.drill')`.as('drill')])
    .where('strategy', '=', filter.strategy)
    .where('kind', '=', 'drill')
    .where(sql<boolean>`json_extract(result, '$.drill') IS NOT NULL`)
    .orderBy('seq', 'desc')
    .limit(filter.limit)
  if (filter.series !== undefined) query = query.where('series', '=', filter.series)
  if (filter.verdict)
    query = query.where(sql<string>`json_extract(result, '$.drill.verdict')`, '=', filter.verdict)
  return (await query.execute()).map(({ id, series, ended_at: at, drill }) => ({
    run: id,
    series,
    at: at!,
    result: JSON.parse(drill) as DrillResult,
  }))
}

/** The newest that passed: when the series was last proven by a drill, and how long its restore took. */
export async function newestPass(db: Read, strategy: string, series: string): Promise<EndedDrill | null> {
  return (await endedDrills(db, { strategy, series, verdict: 'pass', limit: 1 }))[0] ?? null
}
