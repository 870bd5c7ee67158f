/** What a copy for people needs beyond a restore and an exchange of names. Names are those of `SwapNames`. */
export interface Cloning {
  /** What bears this name now, as `Swap` identifies it; null = nothing does. */
  identify(name: string, signal: AbortSignal): Promise<string | null>

  /** How what has this identity is called now; null = it is not on this server any more (of files: not in its folder).
   * @param name  how it was called */
  called(id: string, name: string, signal: AbortSignal): Promise<string | null>

  /** The server, by whatever address; by its address where it tells nothing of itself. */
  server(signal: AbortSignal): Promise<string>

  /** Runs files of SQL in a restored database that nobody else uses: each as one transaction, in order, until the first error. Commands
   * of a client program in them are refused. Afterwards nothing of what they changed is left behind in the database's own statistics
   * and free pages.
   * @param paths  absolute, readable by us
   * @returns for each file how many rows its statements changed; null: nobody counted
   * @throws Fault sanitize-failed */
  sanitize(name: string, paths: readonly string[], signal: AbortSignal): Promise<(number | null)[]>

  /** Gives a restored database a name that is free, in one step. Not stopped once it began.
   * @throws Fault target-exists · stale (another database than identified) · restore-failed; nothing was changed then */
  name(from: { name: string; id: string }, to: string, signal: AbortSignal): Promise<void>
}
