import { rates } from './limits.ts'
import type { PlaygroundClock } from './model.ts'

interface Bucket {
  tokens: number
  at: number
  /** When calls were granted, of the last minute. */
  granted: number[]
}

const minuteMs = 60_000

/** Counts calls per method, and per channel where Slack does: never more in any minute than Slack names, and of those that come
 * at once no more than a burst. */
export class RateLimiter {
  enabled: boolean
  readonly #clock: PlaygroundClock
  readonly #buckets = new Map<string, Bucket>()
  readonly #busiest = new Map<string, number>()

  constructor(clock: PlaygroundClock, enabled: boolean) {
    this.#clock = clock
    this.enabled = enabled
  }

  /** @returns null when the call is granted, else the seconds after which it may be tried again (`Retry-After`) */
  take(method: string, channel: unknown): number | null {
    const rate = rates[method]
    if (rate === undefined) return null
    const key = rate.per === 'channel' ? `${method} ${String(channel)}` : method
    const now = this.#clock.now()
    const perMs = rate.perMinute / minuteMs
    const known = this.#buckets.get(key) ?? { tokens: rate.burst, at: now, granted: [] }
    const tokens = Math.min(rate.burst, known.tokens + Math.max(0, now - known.at) * perMs)
    const granted = known.granted.filter((at) => at > now - minuteMs)
    const bucket = { tokens, at: now, granted }
    this.#buckets.set(key, bucket)
    if (this.enabled && tokens < 1) return seconds((1 - tokens) / perMs)
    if (this.enabled && granted.length >= Math.max(rate.perMinute, rate.burst))
      return seconds(granted[0]! + minuteMs - now)
    bucket.tokens = Math.max(0, tokens - 1)
    granted.push(now)
    this.#busiest.set(method, Math.max(this.#busiest.get(method) ?? 0, granted.length))
    return null
  }

  /** The most calls that were granted in any minute; where channels count for themselves, in one of them. */
  busiestMinute(method: string): number {
    return this.#busiest.get(method) ?? 0
  }
}

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000))
}
