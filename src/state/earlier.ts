import { sql } from 'kysely'
import type { BackupResult } from '../core/results.ts'
import type { Read, Write } from './database.ts'
import { runOfBackup, saveResult } from './results.ts'

/** What the newest good backup runs of a series left behind, newest first; also of backups that retention has deleted since. */
export async function earlierResults(
  db: Read,
  { strategy, series, limit }: { strategy: string; series: string; limit: number },
): Promise<BackupResult[]> {
  // one look each, because only with one state the index gives the newest at once
  const found = await Promise.all(
    (['succeeded', 'degraded'] as const).map((state) =>
      db
        .selectFrom('runs')
        .select(['seq', sql<string | null>`json_extract(result, '$.backup')`.as('backup')])
        .where('strategy', '=', strategy)
        .where('kind', '=', 'backup')
        .where('state', '=', state)
        .where('series', '=', series)
        .orderBy('seq', 'desc')
        .limit(limit)
        .execute(),
    ),
  )
  return found
    .flat()
    .toSorted((a, b) => b.seq - a.seq)
    .slice(0, limit)
    .flatMap(({ backup }) => (backup === null ? [] : [JSON.parse(backup) as BackupResult]))
}

/** Somebody looked at what was odd of a backup and found it right. */
export async function saveAccepted(tx: Write, strategy: string, backup: string): Promise<void> {
  const run = await runOfBackup(tx, strategy, backup)
  if (run?.result?.backup)
    await saveResult(tx, run.id, { ...run.result, backup: { ...run.result.backup, accepted: true } })
}
