import type { WebClient } from '@slack/web-api'
import type { Ask } from '../commands/ask.ts'
import type { Gate } from '../commands/command.ts'
import type { MessageBody } from '../core/messages.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Homes } from './home.ts'
import type { Groups } from './groups.ts'
import type { Identify } from './identity.ts'
import type { RoutingTable } from './routing.ts'
import type { Style } from './style.ts'

/** What one of our messages shows, by its place or by the run whose card it is; null when it is none of ours, or forgotten. */
export type MessageAt = (
  which: { channel: string; ts: string } | { run: string },
) => Promise<MessageBody | null>

/** What every handler of a command, click or dialog works with. */
export interface Desk {
  ask: Ask
  gate: Gate
  identify: Identify
  groups: Pick<Groups, 'forget'>
  /** False for an envelope that came before: Slack may deliver anything twice. */
  firstTime: (key: string) => Promise<boolean>
  /** For people who wait. */
  client: WebClient
  routing: RoutingTable
  style: Style
  homes: Homes
  messageAt: MessageAt
  clock: Clock
  log: Log
}
