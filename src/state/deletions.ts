import type { ReportedDeletions } from '../core/report.ts'
import type { Read, Write } from './database.ts'

/** What retention let go: the catalogue does not know it any more. */
export async function noteDeletion(
  tx: Write,
  deleted: { id: string; storage: string; strategy: string; reason: string; at: number },
): Promise<void> {
  const { id: backup, storage, strategy, reason, at } = deleted
  await tx.insertInto('deletions').values({ backup, storage, strategy, reason, at }).execute()
}

/** How many went in a period, by place and reason; the oldest first. */
export function deletionsIn(
  db: Read,
  { since, until }: { since: number; until: number },
  strategies: readonly string[] | null,
): Promise<ReportedDeletions[]> {
  let query = db.selectFrom('deletions').where('at', '>=', since).where('at', '<', until)
  if (strategies !== null) query = query.where('strategy', 'in', strategies)
  return query
    .select((e) => [
      'strategy',
      'storage',
      'reason',
      e.fn.countAll<number>().as('backups'),
      e.fn.min('at').as('firstAt'),
      e.fn.max('at').as('lastAt'),
    ])
    .groupBy(['strategy', 'storage', 'reason'])
    .orderBy('firstAt')
    .orderBy('strategy')
    .orderBy('storage')
    .orderBy('reason')
    .execute()
}

/** Lets go of what is older than the history of runs. */
export async function forgetDeletions(tx: Write, before: number): Promise<void> {
  await tx.deleteFrom('deletions').where('at', '<', before).execute()
}
