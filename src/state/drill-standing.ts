import { sql } from 'kysely'
import type { DrillResult, DrillVerdict } from '../core/drill.ts'
import type { Drilled } from '../core/drill-standing.ts'
import type { Read } from './database.ts'
import { endedDrills, type EndedDrill } from './drills.ts'

/** What faces show of drills, beside their verdicts. */

/** The newest that came to a verdict; null: none did. */
export async function lastDrill(db: Read, strategy: string): Promise<Drilled | null> {
  const [newest] = await endedDrills(db, { strategy, limit: 1 })
  return newest ? drilledOf(newest) : null
}

/** The newest of each backup. @param strategies  whose backups they are */
export async function drillsOf(
  db: Read,
  { backups, strategies }: { backups: readonly string[]; strategies: readonly string[] },
): Promise<Map<string, Drilled>> {
  const found = new Map<string, Drilled>()
  if (backups.length === 0) return found
  const rows = await db
    .selectFrom('runs')
    .select(['id', 'ended_at', sql<string>`json_extract(result, '$.drill')`.as('drill')])
    .where('strategy', 'in', strategies)
    .where('kind', '=', 'drill')
    .where(sql<string>`json_extract(result, '$.drill.backup')`, 'in', backups)
    .orderBy('seq')
    .execute()
  for (const { id, ended_at: at, drill } of rows) {
    const result = JSON.parse(drill) as DrillResult
    found.set(result.backup, drilledOf({ run: id, at: at ?? 0, result }))
  }
  return found
}

function drilledOf({ run, at, result }: Omit<EndedDrill, 'series'>): Drilled {
  const { backup, verdict, why, server, restoreMs, previousMs } = result
  return { run, at, backup, verdict, why, server, restoreMs, previousMs }
}

/** How many drills of a strategy failed since the last one that passed. */
export async function drillsFailedInARow(db: Read, strategy: string): Promise<number> {
  const all = db.selectFrom('runs').where('strategy', '=', strategy).where('kind', '=', 'drill')
  const passed = all.select((e) => e.fn.max('seq').as('seq')).where(sql<string>`+state`, '=', 'succeeded')
  const failed = await all
    .select((e) => e.fn.countAll<number>().as('count'))
    .where(sql<string>`+state`, '=', 'failed')
    .where('seq', '>', (await passed.executeTakeFirst())?.seq ?? 0)
    .executeTakeFirstOrThrow()
  return failed.count
}

/** Drills that ended from `since` up to, not including, `until`: how many came to each verdict. */
export async function drillsEnded(
  db: Read,
  strategies: readonly string[],
  { since, until }: { since: number; until: number },
): Promise<Record<DrillVerdict, number>> {
  const verdict = sql<DrillVerdict>`json_extract(result, '$.drill.verdict')`
  const rows = await db
    .selectFrom('runs')
    .select((e) => [verdict.as('verdict'), e.fn.countAll<number>().as('count')])
    .where('strategy', 'in', strategies)
    .where('kind', '=', 'drill')
    .where('ended_at', '>=', since)
    .where('ended_at', '<', until)
    .where(verdict, 'is not', null)
    .groupBy('verdict')
    .execute()
  const counted = (wanted: DrillVerdict): number => rows.find((row) => row.verdict === wanted)?.count ?? 0
  return { pass: counted('pass'), fail: counted('fail'), inconclusive: counted('inconclusive') }
}
