import type { WebClient } from '@slack/web-api'
import type { Ask } from '../commands/ask.ts'
import type { Gate } from '../commands/command.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Identify } from './identity.ts'
import type { RoutingTable } from './routing.ts'
import type { Style } from './style.ts'

/** What every handler of a command, click or dialog works with. */
export interface Desk {
  ask: Ask
  gate: Gate
  identify: Identify
  /** False for an envelope that came before: Slack may deliver anything twice. */
  firstTime: (key: string) => Promise<boolean>
  /** For people who wait. */
  client: WebClient
  routing: RoutingTable
  style: Style
  clock: Clock
  log: Log
}
