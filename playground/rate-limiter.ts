import { rates } from './limits.ts'
import type { PlaygroundClock } from './model.ts'

interface Bucket {
  tokens: number
  at: number
}

/** Counts calls per method, and per channel where Slack does. */
export class RateLimiter {
  enabled: boolean
  readonly #clock: PlaygroundClock
  readonly #buckets = new Map<string, Bucket>()

  constructor(clock: PlaygroundClock, enabled: boolean) {
    this.#clock = clock
    this.enabled = enabled
  }

  /** @returns null when the call is granted, else the seconds after which it may be tried again (`Retry-After`) */
  take(method: string, channel: unknown): number | null {
    const rate = rates[method]
    if (!this.enabled || rate === undefined) return null
    const key = rate.per === 'channel' ? `${method} ${String(channel)}` : method
    const now = this.#clock.now()
    const bucket = this.#buckets.get(key) ?? { tokens: rate.burst, at: now }
    const perMs = rate.perMinute / 60_000
    const tokens = Math.min(rate.burst, bucket.tokens + Math.max(0, now - bucket.at) * perMs)
    if (tokens < 1) {
      this.#buckets.set(key, { tokens, at: now })
      return Math.max(1, Math.ceil((1 - tokens) / perMs / 1000))
    }
    this.#buckets.set(key, { tokens: tokens - 1, at: now })
    return null
  }
}
