/** Time and randomness, handed in so that no test waits for either. `sys/clock.ts` is the real one. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch; it may jump either way. */
  now(): number
  /** Milliseconds that only grow; for measuring how long something took. */
  monotonic(): number
  /** Resolves after `ms`, or rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Uniform in [0, 1). */
  random(): number
}
