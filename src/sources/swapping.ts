/** The live database gives its name to a restored one, and stays under another. Which is which is told by identity: a name
 * may have become somebody else's. */
export interface Swapping {
  /** Works while no other restore into `name` can, from any machine. @throws Fault busy · and those of `work` */
  alone<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>

  /** What bears these names now. Reads only. @throws Fault target-invalid when one of the two is not there */
  identify(names: SwapNames, signal: AbortSignal): Promise<Swap>

  /** Exchanges the names in one step: whatever dies on the way, `name` is the old one or the new one, never none, and takes
   * connections. Not stopped once it began; it takes seconds.
   * @param how.force  ends live sessions; without it they are a fault
   * @param how.carry  gives the new one first what belongs to the database and is in no dump: owner, settings, grants, comment
   * @throws Fault database-locked (sessions in the way) · stale (other databases than identified) · restore-failed; nothing was changed then.
   * When the connection was lost meanwhile, only `standing` knows */
  exchange(swap: Swap, how: { force: boolean; carry: boolean }, signal: AbortSignal): Promise<Swapped>

  /** Which of the two bears the name now. @throws Fault database-… when it cannot be asked */
  standing(swap: Swap, signal: AbortSignal): Promise<'old' | 'new' | 'neither'>

  /** Removes a database that a restore made or replaced, and no other that bears its name now.
   * @param left.id  null: an unfinished restore, known by the mark that `restore` left on it */
  remove(
    left: { name: string; id: string | null },
    signal: AbortSignal,
  ): Promise<'removed' | 'absent' | 'foreign'>
}

export interface SwapNames {
  /** By which applications know it. */
  name: string
  /** Where the new one waits. */
  beside: string
  /** How the old one will be called. */
  kept: string
}

/** Plain JSON, written down before the exchange. Identities are the driver's own and survive renames. */
export interface Swap extends SwapNames {
  oldId: string
  newId: string
}

export interface Swapped {
  /** How many were ended. */
  sessions: number
  /** How long nobody could connect. */
  downMs: number
}
