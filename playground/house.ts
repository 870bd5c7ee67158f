import type { Gateway } from './gateway.ts'
import type { Misbehaviours } from './misbehaviour.ts'
import type { RateLimiter } from './rate-limiter.ts'
import type { SocketMode } from './socket-mode.ts'
import type { Tickets } from './tickets.ts'
import type { Workspace } from './workspace.ts'

export interface SlashCommand {
  name: string
  description: string
  usage: string
}

export interface Shortcut {
  name: string
  callbackId: string
  on: 'global' | 'message'
}

export interface Settings {
  tokens: { bot: string; app: string; signingSecret: string }
  scopes: string[]
  commands: SlashCommand[]
  shortcuts: Shortcut[]
  /** How long the app may take to acknowledge, in real milliseconds. */
  ackMs: number
}

/** The parts of a running playground, handed to everything that answers. */
export interface House {
  url: string
  settings: Settings
  workspace: Workspace
  tickets: Tickets
  limiter: RateLimiter
  misbehaviours: Misbehaviours
  socket: SocketMode
  gateway: Gateway
}
