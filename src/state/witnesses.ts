import { sql } from 'kysely'
import type { Read } from './database.ts'
import type { SeriesRef } from './series.ts'

/** When the other series of a strategy were backed up well: the newest of all, and the newest that was not the last of its own series.
 * From the history of runs, which no retention thins. Epoch ms; null: never. */
export async function othersBackedUp(
  db: Read,
  { strategy, series }: SeriesRef,
): Promise<{ newestAt: number | null; earlierAt: number | null }> {
  const ranked = sql<{ started_at: number; rank: number }>`
    SELECT started_at, row_number() OVER (PARTITION BY series ORDER BY seq DESC) AS rank FROM runs
    WHERE strategy = ${strategy} AND kind = 'backup' AND series NOT IN ('', ${series})
      AND state IN ('succeeded', 'degraded') AND started_at IS NOT NULL`
  const { rows } = await sql<{ newestAt: number | null; earlierAt: number | null }>`
    SELECT max(CASE WHEN rank = 1 THEN started_at END) AS newestAt, max(CASE WHEN rank = 2 THEN started_at END) AS earlierAt
    FROM (${ranked})`.execute(db)
  return rows[0]!
}
