import type { SlackConnection } from '../core/config.ts'
import type { Log } from '../core/log.ts'

/** Which blocks are drawn: the configured ones, until Slack refuses the newest. Then the older ones until the next start, so that
 * nothing is sent twice for ever; that is said once. */
export interface Style {
  now(): SlackConnection['blocks']
  /** Slack refused rich blocks and took the same in basic ones. */
  refused(): void
}

export function createStyle(configured: SlackConnection['blocks'], log: Log): Style {
  let style = configured
  return {
    now: () => style,
    refused() {
      if (style === 'basic') return
      style = 'basic'
      log.warn('slack refuses the newest blocks; older ones are used until the next start', {
        hint: 'set slack.blocks to basic',
      })
    },
  }
}
