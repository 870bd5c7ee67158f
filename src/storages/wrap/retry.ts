import type { StorageContext } from '../storage.ts'

/** How one call to a server is tried. */
export interface Trying extends StorageContext {
  /** In words: `storing shop/1/dump`. */
  what: string
  tries: number
  signal: AbortSignal
  /** Whether the same call may succeed a moment later. */
  canPass(error: unknown): boolean
  /** A failed call in our words. */
  explain(error: unknown): unknown
  /** Told before each further try. */
  onRetry?: ((error: unknown) => void) | undefined
}

const firstPauseMs = 250
const longestPauseMs = 10_000

/** A call, tried again with growing pauses where that can help.
 * @throws Fault · the signal's reason */
export async function tryCall<Answer>(trying: Trying, send: () => Promise<Answer>): Promise<Answer> {
  const { clock, log, signal, what } = trying
  for (let tried = 1; ; tried++) {
    signal.throwIfAborted()
    try {
      return await send()
    } catch (error) {
      signal.throwIfAborted()
      if (tried >= trying.tries || !trying.canPass(error)) throw trying.explain(error)
      trying.onRetry?.(error)
      log.debug('a call to a storage is tried again', { doing: what, tried, error: String(error) })
      await clock.sleep(pauseAfter(tried, clock.random()), signal)
    }
  }
}

/** Grows by doubling; half of it is chance, so that many callers do not come back at once. */
function pauseAfter(tried: number, chance: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** (tried - 1)) * (0.5 + chance / 2)
}
