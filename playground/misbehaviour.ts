/** What a test or the demo asked Slack to do wrong, next. */

export interface Misbehaviour {
  /** A Web API method, `response_url`, `upload`, an envelope type (`slash_commands`, `interactive`, `events_api`), or `*`. */
  method: string
  /** On calls: `429` = `ratelimited` · `500` and `503` (nothing was done) · `error` (answers `error`) · `malformed` (not JSON; it was done) · `html` (not JSON; nothing was done) ·
   * `timeout-before` and `timeout-after` (never answered; after: it was done) · `drop-socket` and `drop-after` (connection cut before or after it was done).
   * `400` = what a response URL answers to blocks it does not take.
   * On envelopes: `duplicate-envelopes` (sent twice) · `late-delivery` (by `delayMs`) · `drop-socket` (cut right after sending) ·
   * `drop-after-ack` (cut when it was acknowledged) · `redeliver` (cut before it can be acknowledged, and sent again to the next connection) · `lose` (never sent). */
  kind:
    | '429'
    | 'ratelimited'
    | '400'
    | '500'
    | '503'
    | 'error'
    | 'malformed'
    | 'html'
    | 'timeout-before'
    | 'timeout-after'
    | 'drop-socket'
    | 'drop-after'
    | 'drop-after-ack'
    | 'redeliver'
    | 'duplicate-envelopes'
    | 'late-delivery'
    | 'lose'
  /** How often; 1 when left out. */
  times?: number
  /** Seconds, for `429`; 1 when left out. */
  retryAfter?: number
  delayMs?: number
  /** For `error`; `internal_error` when left out. */
  error?: string
}

const onEnvelopes = new Set(['slash_commands', 'interactive', 'events_api'])

export class Misbehaviours {
  #waiting: Array<Misbehaviour & { left: number }> = []

  add(one: Misbehaviour): void {
    this.#waiting.push({ ...one, left: one.times ?? 1 })
  }

  clear(): void {
    this.#waiting = []
  }

  /** The next misbehaviour for this method or envelope type; counted as played. */
  next(method: string): Misbehaviour | undefined {
    const matches = (one: Misbehaviour): boolean =>
      one.method === method || (one.method === '*' && !onEnvelopes.has(method))
    const found = this.#waiting.find((one) => one.left > 0 && matches(one))
    if (found !== undefined) found.left -= 1
    return found
  }
}
