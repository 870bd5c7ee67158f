import type { Clock } from '../core/clock.ts'

/** What Slack's clock says, from the `Date` header of its answers, carried on by our monotonic clock: the wall clock of this host
 * may be wrong, or jump. */
export interface SlackTime {
  /** Epoch ms; this host's own time while no answer was seen. */
  now(): number
  /** @param header  `Date` of an answer that came just now */
  heard(header: string | null): void
}

export function createSlackTime(clock: Clock): SlackTime {
  let ahead: number | null = null // of the monotonic clock
  return {
    now: () => (ahead === null ? clock.now() : clock.monotonic() + ahead),
    heard(header) {
      const at = Date.parse(header ?? '')
      if (!Number.isNaN(at)) ahead = at - clock.monotonic()
    },
  }
}
