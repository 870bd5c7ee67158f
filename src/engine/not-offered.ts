import { formatAge } from '../core/duration.ts'
import { newestGood, type Copy } from '../state/catalogue.ts'
import type { Read } from '../state/database.ts'
import { isOneOfMany } from './series-scope.ts'

/** What it means that no copy of a backup is good any more, for who has to restore today: "it is not offered for restore any more;
 * the newest good one is shop-20261119T060000Z-k3f9, 1 d ago". */
export async function notOffered(
  db: Read,
  { id, strategy, series, createdAt, manifest }: Omit<Copy, 'storage'>,
  now: number,
): Promise<string> {
  const gone = 'it is not offered for restore any more'
  const of = isOneOfMany(manifest) ? { strategy, series } : strategy
  const newest = await newestGood(db, of, id)
  if (!newest)
    return `${gone}, and no good backup of ${typeof of === 'string' ? strategy : `${strategy}/${series}`} is left: run one now`
  const older = await newestGood(db, of, id, createdAt)
  const named = (copy: Copy): string => `${copy.id}, ${formatAge(now - copy.createdAt)}`
  if (!older) return `${gone}; no older one is good, the newest good one is ${named(newest)}`
  if (older.id === newest.id) return `${gone}; the newest good one is ${named(newest)}`
  return `${gone}; the next older good one is ${named(older)}, the newest ${named(newest)}`
}
