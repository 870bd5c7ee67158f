/** The state of one Slack workspace and the only place that changes it. Everything that somebody could see
 * is announced as a Change, which is what the page and waiting tests listen to. */
import { randomBytes } from 'node:crypto'
import { app, slackbot } from './people.ts'
import type {
  Ack,
  Call,
  Change,
  Channel,
  Message,
  OpenView,
  Person,
  PlaygroundClock,
  ScheduledMessage,
  StoredFile,
  ThreadedMessage,
  Usergroup,
} from './model.ts'
import type { Json } from './validate/rules.ts'

/** Calls kept for `transcript()`; a demo may run for days. */
const remembered = 20_000

export interface Draft {
  channel: string
  user?: string
  text: string
  blocks?: Json[]
  threadTs?: string
  broadcast?: boolean
  metadata?: Json
  files?: StoredFile[]
  onlyFor?: string
  from?: 'slackbot'
}

export class Workspace {
  readonly people: Person[]
  readonly channels: Channel[]
  readonly groups: Usergroup[]
  readonly messages = new Map<string, Message[]>()
  readonly views = new Map<string, OpenView[]>()
  readonly homes = new Map<string, { view: Json; hash: string; id: string }>()
  readonly files = new Map<string, StoredFile>()
  readonly calls: Call[] = []
  readonly acks: Ack[] = []
  scheduled: ScheduledMessage[] = []
  readonly #clock: PlaygroundClock
  readonly #listeners = new Set<(change: Change) => void>()
  #lastTs = 0
  #hashes = 0

  constructor(start: { people: Person[]; channels: Channel[]; groups: Usergroup[]; clock: PlaygroundClock }) {
    this.people = start.people
    this.channels = start.channels
    this.groups = start.groups
    this.#clock = start.clock
  }

  now(): number {
    return this.#clock.now()
  }

  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  announce(change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }

  person(id: string): Person | undefined {
    return this.people.find((one) => one.id === id)
  }

  channel(id: string): Channel | undefined {
    return this.channels.find((one) => one.id === id)
  }

  /** The direct messages between the app and a person; made when first needed. */
  im(user: string): Channel {
    const known = this.channels.find((one) => one.im === user)
    if (known !== undefined) return known
    const channel: Channel = {
      id: `D${user.slice(1)}`,
      name: app.name,
      members: [user, app.userId],
      im: user,
    }
    this.channels.push(channel)
    return channel
  }

  /** Seconds with six digits, unique in the workspace: also the identity of a message. */
  nextTs(): string {
    const wanted = this.now() * 1000
    this.#lastTs = Math.max(wanted, this.#lastTs + 1)
    return `${Math.floor(this.#lastTs / 1_000_000)}.${String(this.#lastTs % 1_000_000).padStart(6, '0')}`
  }

  /** Changes with every version of a view. */
  nextHash(): string {
    this.#hashes += 1
    return `${Math.floor(this.now() / 1000)}.${this.#hashes.toString(36)}`
  }

  post(draft: Draft): Message {
    const message: Message = {
      channel: draft.channel,
      ts: this.nextTs(),
      user: draft.user ?? app.userId,
      bot: (draft.user ?? app.userId) === app.userId,
      text: draft.text,
      blocks: withIds(draft.blocks ?? []),
      ...(draft.threadTs === undefined ? {} : { threadTs: draft.threadTs }),
      ...(draft.broadcast === true ? { broadcast: true } : {}),
      ...(draft.metadata === undefined ? {} : { metadata: draft.metadata }),
      ...(draft.files === undefined ? {} : { files: draft.files }),
      ...(draft.onlyFor === undefined ? {} : { onlyFor: draft.onlyFor }),
      ...(draft.from === undefined ? {} : { from: draft.from, user: slackbot.id, bot: false }),
    }
    this.list(draft.channel).push(message)
    this.announce({ kind: 'message', message })
    return message
  }

  edit(message: Message, next: { text: string; blocks: Json[]; metadata?: Json; broadcast?: boolean }): void {
    Object.assign(message, { ...next, blocks: withIds(next.blocks), edited: this.nextTs() })
    this.announce({ kind: 'message', message })
  }

  /** A parent that still has replies stays as a tombstone, as in Slack. */
  remove(message: Message): void {
    const hasReplies = this.list(message.channel).some((one) => one.threadTs === message.ts)
    if (hasReplies) {
      Object.assign(message, { deleted: true, text: 'This message was deleted.', blocks: [] })
      return this.announce({ kind: 'message', message })
    }
    const list = this.list(message.channel)
    list.splice(list.indexOf(message), 1)
    const { channel, ts, onlyFor } = message
    this.announce({ kind: 'gone', channel, ts, ...(onlyFor === undefined ? {} : { onlyFor }) })
  }

  list(channel: string): Message[] {
    const known = this.messages.get(channel)
    if (known !== undefined) return known
    const list: Message[] = []
    this.messages.set(channel, list)
    return list
  }

  find(channel: string, ts: string): Message | undefined {
    return this.list(channel).find((one) => one.ts === ts)
  }

  threads(channel: string): ThreadedMessage[] {
    const all = this.list(channel).filter((one) => one.onlyFor === undefined)
    return all
      .filter((one) => one.threadTs === undefined)
      .map((one) => ({ ...one, replies: all.filter((reply) => reply.threadTs === one.ts) }))
  }

  ephemerals(user: string): Message[] {
    return [...this.messages.values()].flat().filter((one) => one.onlyFor === user)
  }

  stack(user: string): OpenView[] {
    return this.views.get(user) ?? []
  }

  setStack(user: string, stack: OpenView[]): void {
    this.views.set(user, stack)
    this.announce({ kind: 'views', user, stack })
  }

  findView(id: string): OpenView | undefined {
    return [...this.views.values()].flat().find((one) => one.id === id || one.view['external_id'] === id)
  }

  record(call: Call): void {
    this.calls.push(call)
    if (this.calls.length > remembered) this.calls.splice(0, remembered / 2)
    this.announce({ kind: 'call', call })
  }
}

export function newId(letter: string): string {
  return letter + randomBytes(6).toString('hex').slice(0, 10).toUpperCase()
}

/** Slack fills in the block and action ids that the app left out. */
export function withIds(blocks: Json[]): Json[] {
  return structuredClone(blocks).map((block) => {
    const filled: Json = { ...block, block_id: block['block_id'] ?? randomBytes(3).toString('base64url') }
    if (Array.isArray(block['elements']) && block['type'] !== 'rich_text')
      filled['elements'] = block['elements'].map(withActionId)
    if (block['accessory'] !== undefined) filled['accessory'] = withActionId(block['accessory'])
    if (block['element'] !== undefined) filled['element'] = withActionId(block['element'])
    return filled
  })
}

const passive = new Set(['image', 'plain_text', 'mrkdwn'])

function withActionId(element: unknown): unknown {
  const one = element as Json
  if (passive.has(String(one['type']))) return one
  return { ...one, action_id: one['action_id'] ?? randomBytes(3).toString('base64url') }
}
