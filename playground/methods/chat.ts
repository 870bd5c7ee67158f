import { limits } from '../limits.ts'
import type { ArgKind } from '../args.ts'
import type { House } from '../house.ts'
import type { Channel, Message } from '../model.ts'
import { app } from '../people.ts'
import { Refusal } from '../refusal.ts'
import type { Json } from '../validate/rules.ts'
import { channelOf, content, metadataOf, text, wireMessage, writableChannel } from './method.ts'
import type { Method } from './method.ts'

const looks: Record<string, ArgKind> = {
  unfurl_links: 'boolean',
  unfurl_media: 'boolean',
  mrkdwn: 'boolean',
  link_names: 'boolean',
  parse: 'string',
  username: 'string',
  icon_emoji: 'string',
  icon_url: 'string',
  client_msg_id: 'string',
}
const body: Record<string, ArgKind> = { channel: 'string!', text: 'string', blocks: 'json', metadata: 'json' }

export const chat: Record<string, Method> = {
  'chat.postMessage': {
    scope: 'chat:write',
    args: { ...body, ...looks, thread_ts: 'string', reply_broadcast: 'boolean' },
    run: postMessage,
  },
  'chat.update': {
    scope: 'chat:write',
    args: { ...body, ...looks, ts: 'string!', reply_broadcast: 'boolean' },
    run: update,
  },
  'chat.delete': { scope: 'chat:write', args: { channel: 'string!', ts: 'string!' }, run: remove },
  'chat.postEphemeral': {
    scope: 'chat:write',
    args: { ...body, ...looks, user: 'string!', thread_ts: 'string' },
    run: postEphemeral,
  },
  'chat.getPermalink': { args: { channel: 'string!', message_ts: 'string!' }, run: getPermalink },
}

function postMessage(args: Json, house: House): Json {
  const channel = writableChannel(args, house)
  const written = wording(args)
  const thread = threadOf(args, channel, house)
  const message = house.workspace.post({
    channel: channel.id,
    ...written,
    ...metadataOf(args),
    ...thread,
    broadcast: thread.threadTs !== undefined && args['reply_broadcast'] === true,
  })
  return { ok: true, channel: channel.id, ts: message.ts, message: wireMessage(message, house) }
}

function wording(args: Json): { text: string; blocks: Json[] } {
  const written = content(args)
  if (written.text === '' && written.blocks.length === 0) throw new Refusal('no_text')
  return written
}

function threadOf(args: Json, channel: Channel, house: House): { threadTs?: string } {
  const threadTs = args['thread_ts']
  if (threadTs === undefined) return {}
  const parent = house.workspace.find(channel.id, text(threadTs))
  if (parent === undefined) throw new Refusal('thread_not_found')
  if (parent.threadTs !== undefined || parent.onlyFor !== undefined)
    throw new Refusal('cannot_reply_to_message')
  return { threadTs: parent.ts }
}

function ownMessage(args: Json, house: House, no: string): Message {
  const channel = channelOf(args, house)
  const message = house.workspace.find(channel.id, text(args['ts']))
  if (message === undefined || message.onlyFor !== undefined || message.deleted === true)
    throw new Refusal('message_not_found')
  if (message.user !== app.userId) throw new Refusal(no)
  return message
}

function update(args: Json, house: House): Json {
  const message = ownMessage(args, house, 'cant_update_message')
  const written = content(args)
  const blocks = args['blocks'] === undefined ? message.blocks : written.blocks
  if (written.text === '' && blocks.length === 0) throw new Refusal('no_text')
  const broadcast = message.threadTs !== undefined && args['reply_broadcast'] === true
  house.workspace.edit(message, {
    text: args['text'] === undefined && args['blocks'] === undefined ? message.text : written.text,
    blocks,
    ...metadataOf(args),
    ...(broadcast ? { broadcast } : {}),
  })
  return {
    ok: true,
    channel: message.channel,
    ts: message.ts,
    text: message.text,
    message: wireMessage(message, house),
  }
}

function remove(args: Json, house: House): Json {
  const message = ownMessage(args, house, 'cant_delete_message')
  house.workspace.remove(message)
  return { ok: true, channel: message.channel, ts: message.ts }
}

function postEphemeral(args: Json, house: House): Json {
  const channel = channelOf(args, house)
  if (!channel.members.includes(app.userId)) throw new Refusal('not_in_channel')
  const user = text(args['user'])
  const person = house.workspace.person(user)
  if (person === undefined || person.kind === 'deactivated' || !channel.members.includes(user))
    throw new Refusal('user_not_in_channel')
  const message = house.workspace.post({
    channel: channel.id,
    ...wording(args),
    ...threadOf(args, channel, house),
    onlyFor: user,
  })
  return { ok: true, message_ts: message.ts }
}

function getPermalink(args: Json, house: House): Json {
  const channel = channelOf(args, house)
  const message = house.workspace.find(channel.id, text(args['message_ts']))
  if (message === undefined) throw new Refusal('message_not_found')
  const thread = message.threadTs === undefined ? '' : `?thread_ts=${message.threadTs}&cid=${channel.id}`
  return {
    ok: true,
    channel: channel.id,
    permalink: `${house.url}/archives/${channel.id}/p${message.ts.replace('.', '')}${thread}`,
  }
}

/** Posts what is due. Slack never posts a scheduled message that carries metadata. */
export function postDue(house: House): void {
  const { workspace } = house
  const due = workspace.scheduled.filter((one) => one.postAt * 1000 <= workspace.now())
  if (due.length === 0) return
  workspace.scheduled = workspace.scheduled.filter((one) => !due.includes(one))
  for (const { channel, text: words, blocks, threadTs, metadata } of due.toSorted(
    (a, b) => a.postAt - b.postAt,
  )) {
    if (metadata === undefined)
      workspace.post({ channel, text: words, blocks, ...(threadTs === undefined ? {} : { threadTs }) })
  }
}

export function scheduleProblem(postAt: number, channel: string, house: House): string | null {
  const at = postAt * 1000
  const now = house.workspace.now()
  if (at <= now) return 'time_in_past'
  if (at > now + limits.schedule.aheadMs) return 'time_too_far'
  const half = limits.schedule.windowMs
  const near = house.workspace.scheduled.filter(
    (one) => one.channel === channel && Math.abs(one.postAt * 1000 - at) < half,
  )
  return near.length >= limits.schedule.perWindow ? 'restricted_too_many' : null
}
