/** What the playground remembers, in Slack's own shapes where Slack has one. */
import type { Json } from './validate/rules.ts'

export interface Person {
  id: string
  handle: string
  name: string
  title?: string
  /** Guests see only the channels they are in; owners and admins are what product rules about admins look at. */
  kind: 'owner' | 'admin' | 'member' | 'guest' | 'deactivated' | 'bot'
  tz?: string
}

export interface Channel {
  id: string
  name: string
  topic?: string
  isPrivate?: boolean
  isArchived?: boolean
  members: string[]
  /** Only for direct messages between the app and one person. */
  im?: string
}

export interface Usergroup {
  id: string
  handle: string
  name: string
  members: string[]
  disabled?: boolean
}

export interface Message {
  channel: string
  ts: string
  user: string
  /** Set when the app wrote it. */
  bot: boolean
  text: string
  blocks: Json[]
  threadTs?: string
  broadcast?: boolean
  metadata?: Json
  edited?: string
  deleted?: boolean
  files?: StoredFile[]
  /** Only this person sees it. */
  onlyFor?: string
  /** Slackbot speaks: a failed command, an app that did not answer. */
  from?: 'slackbot'
}

/** A message as `messages()` and the page see it. */
export interface ThreadedMessage extends Message {
  replies: Message[]
}

export interface OpenView {
  id: string
  user: string
  hash: string
  view: Json
  rootId: string
  previousId: string | null
  /** What Slack shows beside inputs, by block id. */
  errors: Record<string, string>
  /** What Slack shows when the app did not answer a submission. */
  trouble?: string
}

export interface StoredFile {
  id: string
  name: string
  title: string
  bytes: Buffer
  uploaded: boolean
  shared: boolean
}

export interface ScheduledMessage {
  id: string
  channel: string
  postAt: number
  createdAt: number
  text: string
  blocks: Json[]
  threadTs?: string
  metadata?: Json
}

export interface Ack {
  /** Envelope type, e.g. `slash_commands`. */
  type: string
  envelopeId: string
  /** What was delivered: command name, action id, callback id or event type. */
  subject: string
  tookMs: number
  late: boolean
  payload: unknown
}

/** One call of the Web API, a response URL or an upload, in order of its end. */
export interface Call {
  method: string
  args: Json
  at: number
  status: number
  response: unknown
  tookMs: number
  /** The misbehaviour that was played, if any. */
  misbehaved?: string
}

export type Change =
  | { kind: 'message'; message: Message }
  | { kind: 'gone'; channel: string; ts: string; onlyFor?: string }
  | { kind: 'views'; user: string; stack: OpenView[] }
  | { kind: 'home'; user: string; view: Json }
  | { kind: 'connection'; connected: boolean }
  | { kind: 'ack'; ack: Ack }
  | { kind: 'call'; call: Call }

export interface PlaygroundClock {
  /** Milliseconds since 1970. */
  now(): number
}
