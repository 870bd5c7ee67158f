import type { ArgKind } from '../args.ts'
import type { House } from '../house.ts'
import type { Channel, Message } from '../model.ts'
import { app, team } from '../people.ts'
import { Refusal, refusal } from '../refusal.ts'
import { limits } from '../limits.ts'
import { checkBlocks } from '../validate/blocks.ts'
import { isObject } from '../validate/rules.ts'
import type { Json } from '../validate/rules.ts'

export interface Method {
  /** The bot's scope; a list means any of them. */
  scope?: string | string[]
  /** Which token the method takes; `bot` when left out. */
  token?: 'bot' | 'app'
  args: Record<string, ArgKind>
  run(args: Json, house: House): Json
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The channel the app means, when it may know of it. */
export function channelOf(args: Json, house: House): Channel {
  const id = text(args['channel'] ?? args['channel_id'])
  const person = house.workspace.person(id)
  const channel =
    person === undefined || person.kind === 'bot'
      ? house.workspace.channel(id)
      : house.workspace.im(person.id)
  if (channel === undefined) throw new Refusal('channel_not_found')
  const inside = channel.members.includes(app.userId)
  if (channel.isPrivate === true && !inside) throw new Refusal('channel_not_found')
  if (channel.isArchived === true) throw new Refusal('is_archived')
  return channel
}

/** As channelOf, when the app may also write there. */
export function writableChannel(args: Json, house: House): Channel {
  const channel = channelOf(args, house)
  const inside = channel.members.includes(app.userId)
  if (!inside && !house.settings.scopes.includes('chat:write.public')) throw new Refusal('not_in_channel')
  return channel
}

/** Text and blocks as Slack would take them, or its refusal. */
export function content(given: Json): { text: string; blocks: Json[] } {
  const words = text(given['text'])
  if (words.length > limits.message.text) {
    throw refusal('msg_too_long', [
      `[ERROR] must be less than ${limits.message.text + 1} characters [json-pointer:/text]`,
    ])
  }
  if (given['blocks'] === undefined) return { text: words, blocks: [] }
  if (!Array.isArray(given['blocks']))
    throw refusal('invalid_blocks_format', ['[ERROR] must be an array [json-pointer:/blocks]'])
  const report = checkBlocks(given['blocks'], 'message')
  if (report.problems.length > 0) throw refusal('invalid_blocks', report.problems)
  if (report.characters > limits.message.blocksText) {
    throw refusal('msg_blocks_too_long', [
      `[ERROR] must be less than ${limits.message.blocksText + 1} characters in all blocks [json-pointer:/blocks]`,
    ])
  }
  return { text: words, blocks: given['blocks'] as Json[] }
}

export function metadataOf(args: Json): { metadata?: Json } {
  const metadata = args['metadata']
  if (metadata === undefined) return {}
  if (
    !isObject(metadata) ||
    typeof metadata['event_type'] !== 'string' ||
    !isObject(metadata['event_payload'])
  ) {
    throw refusal('invalid_metadata_format', [
      '[ERROR] needs event_type and event_payload [json-pointer:/metadata]',
    ])
  }
  if (JSON.stringify(metadata).length > limits.message.metadataBytes) throw new Refusal('metadata_too_large')
  return { metadata }
}

/** The message as Slack returns it and sends it in payloads. */
export function wireMessage(message: Message, house: House): Json {
  const replies = house.workspace.list(message.channel).filter((one) => one.threadTs === message.ts)
  return {
    type: 'message',
    ...(message.deleted === true ? { subtype: 'tombstone' } : {}),
    ...(message.broadcast === true ? { subtype: 'thread_broadcast' } : {}),
    user: message.user,
    ts: message.ts,
    text: message.text,
    team: team.id,
    ...(message.bot ? { bot_id: app.botId, app_id: app.id } : {}),
    ...(message.blocks.length === 0 ? {} : { blocks: message.blocks }),
    ...(message.metadata === undefined ? {} : { metadata: message.metadata }),
    ...(message.edited === undefined ? {} : { edited: { user: app.botId, ts: message.edited } }),
    ...(message.threadTs === undefined ? {} : { thread_ts: message.threadTs }),
    ...(replies.length === 0
      ? {}
      : { thread_ts: message.ts, reply_count: replies.length, latest_reply: replies.at(-1)?.ts }),
    ...(message.files === undefined
      ? {}
      : { files: message.files.map(({ id, name, title }) => ({ id, name, title })) }),
  }
}

/** One page of a list, as cursor pagination gives it. */
export function page<T>(all: T[], args: Json, fallback: number): { items: T[]; next: Json } {
  const from =
    args['cursor'] === undefined ? 0 : Number(Buffer.from(text(args['cursor']), 'base64').toString())
  if (!Number.isInteger(from) || from < 0) throw new Refusal('invalid_cursor')
  const size = typeof args['limit'] === 'number' && args['limit'] > 0 ? args['limit'] : fallback
  const end = from + size
  const cursor = end < all.length ? Buffer.from(String(end)).toString('base64') : ''
  return { items: all.slice(from, end), next: { response_metadata: { next_cursor: cursor } } }
}
