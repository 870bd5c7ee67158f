/** What is known of a database that its server no longer has, beside its own backups. Instants are epoch ms. */
export interface Gone {
  /** When it was first missed. */
  at: number
  /** Of the other databases of the server: when one was last backed up well, and when that was before the newest round of backups,
   * so that one run under a wrong clock proves no time. null: never. */
  others: { newestAt: number | null; earlierAt: number | null }
}

/** From when on `keep_gone` counts: a clock that was wrong when it was missed makes no backup older than it is. */
export function goneSince({ at }: Gone, newest: number | null): number {
  return Math.max(at, newest ?? at)
}

/** Nothing of a database that is gone is sacred, so the clock must be beyond doubt: the other databases of the server have backups that
 * tell that the time really passed. Null when nothing is odd. */
export function goneFreeze(
  gone: Gone,
  {
    now,
    newest,
    intervalMs,
    keepGoneMs,
  }: { now: number; newest: number | null; intervalMs: number | null; keepGoneMs: number },
): string | null {
  if ((newest ?? now) > now) return 'frozen: the clock is before the newest backup'
  if (gone.at > now) return 'frozen: the clock is before the list that first missed its database'
  const { newestAt, earlierAt } = gone.others
  if (newestAt === null || (intervalMs !== null && now - newestAt > 2 * intervalMs))
    return 'frozen: its database is gone, and no other one of the server has a recent good backup'
  if (earlierAt === null || earlierAt < goneSince(gone, newest) + keepGoneMs / 2)
    return 'frozen: its database is gone, and no earlier backup of another one tells that the clock is right'
  return null
}
