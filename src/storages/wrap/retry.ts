import type { StorageContext } from '../storage.ts'

/** What a call is for. */
export interface Doing {
  /** In words: `storing shop/1/dump`. */
  what: string
  /** The right that it needs, as the place spells it. */
  right: string
}

export interface Calling extends Doing {
  signal: AbortSignal
  /** Told before each further try. */
  onRetry?: ((error: unknown) => void) | undefined
}

/** A place and how calls to it are tried. */
export interface Trying<Settings> extends StorageContext {
  settings: Settings
  limits: { tries: number }
  /** Whether the same call may succeed a moment later. */
  canPass(error: unknown): boolean
  /** A failed call in our words. */
  explain(error: unknown, doing: Doing, settings: Settings): unknown
}

/** A call, tried again with growing pauses where that can help.
 * @throws Fault · the signal's reason */
export async function tryCall<Settings, Answer>(
  { clock, log, settings, limits, canPass, explain }: Trying<Settings>,
  calling: Calling,
  send: () => Promise<Answer>,
): Promise<Answer> {
  const { what, signal, onRetry } = calling
  for (let tried = 1; ; tried++) {
    signal.throwIfAborted()
    try {
      return await send()
    } catch (error) {
      signal.throwIfAborted()
      if (tried >= limits.tries || !canPass(error)) throw explain(error, calling, settings)
      onRetry?.(error)
      log.debug('a call to a storage is tried again', { doing: what, tried, error: String(error) })
      await clock.sleep(pauseMs(tried, clock.random()), signal)
    }
  }
}

const firstPauseMs = 250
const longestPauseMs = 10_000

/** Grows by doubling; half of it is chance, so that many callers do not come back at once. @param tried 1 for the first pause */
export function pauseMs(tried: number, chance: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** (tried - 1)) * (0.5 + chance / 2)
}
