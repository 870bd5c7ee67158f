/** How the stored copies of a strategy's backups stand. Instants are epoch ms. */
export interface RereadStanding {
  /** In all places. */
  copies: number
  /** Found corrupted. */
  broken: number
  /** Every good copy was written or read again since then; null: there is no good one. */
  allSince: number | null
  /** The last time one was read again; null: none ever was. */
  lastAt: number | null
}

/** A copy that was read or written so long ago is read again. */
export const rereadEveryMs = 7 * 24 * 3600_000

/** How long a place is left alone after so many bytes of it were read, so that a day's budget lasts for a day. However large a copy
 * is, it is read at once, and the pause is as long. @param budget  bytes a day */
export function pauseAfter(bytes: number, budget: number): number {
  return Math.ceil((bytes / budget) * 24 * 3600_000)
}
