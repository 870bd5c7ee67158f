import { limits } from '../limits.ts'
import type { House } from '../house.ts'
import { Refusal } from '../refusal.ts'
import type { Json } from '../validate/rules.ts'
import { newId } from '../workspace.ts'
import { scheduleProblem } from './chat.ts'
import { channelOf, content, metadataOf, page, text, writableChannel } from './method.ts'
import type { Method } from './method.ts'

export const scheduled: Record<string, Method> = {
  'chat.scheduleMessage': {
    scope: 'chat:write',
    args: {
      channel: 'string!',
      post_at: 'integer!',
      text: 'string',
      blocks: 'json',
      metadata: 'json',
      thread_ts: 'string',
      reply_broadcast: 'boolean',
      unfurl_links: 'boolean',
      unfurl_media: 'boolean',
      link_names: 'boolean',
      parse: 'string',
    },
    run: schedule,
  },
  'chat.scheduledMessages.list': {
    args: {
      channel: 'string',
      cursor: 'string',
      limit: 'integer',
      latest: 'string',
      oldest: 'string',
    },
    run: list,
  },
  'chat.deleteScheduledMessage': {
    scope: 'chat:write',
    args: { channel: 'string!', scheduled_message_id: 'string!', as_user: 'boolean' },
    run: remove,
  },
}

function schedule(args: Json, house: House): Json {
  const channel = writableChannel(args, house)
  const written = content(args)
  if (written.text === '' && written.blocks.length === 0) throw new Refusal('no_text')
  const postAt = Number(args['post_at'])
  const problem = scheduleProblem(postAt, channel.id, house)
  if (problem !== null) throw new Refusal(problem)
  const one = {
    id: newId('Q'),
    channel: channel.id,
    postAt,
    createdAt: Math.floor(house.workspace.now() / 1000),
    ...written,
    ...metadataOf(args),
    ...(args['thread_ts'] === undefined ? {} : { threadTs: text(args['thread_ts']) }),
  }
  house.workspace.scheduled.push(one)
  return {
    ok: true,
    channel: channel.id,
    scheduled_message_id: one.id,
    post_at: postAt,
    message: { type: 'message', ...written },
  }
}

function list(args: Json, house: House): Json {
  const oldest = Number(args['oldest'] ?? 0)
  const latest = Number(args['latest'] ?? Infinity)
  const mine = house.workspace.scheduled
    .filter((one) => args['channel'] === undefined || one.channel === args['channel'])
    .filter((one) => one.postAt >= oldest && one.postAt <= latest)
    .map((one) => ({
      id: one.id,
      channel_id: one.channel,
      post_at: one.postAt,
      date_created: one.createdAt,
      text: one.text,
    }))
  const { items, next } = page(mine, args, 100)
  return { ok: true, scheduled_messages: items, ...next }
}

/** A message about to be posted within the minute can no longer be taken back. */
function remove(args: Json, house: House): Json {
  const channel = channelOf(args, house)
  const { workspace } = house
  const one = workspace.scheduled.find(
    (each) => each.id === args['scheduled_message_id'] && each.channel === channel.id,
  )
  if (one === undefined) throw new Refusal('invalid_scheduled_message_id')
  if (one.postAt * 1000 - workspace.now() < limits.schedule.frozenMs)
    throw new Refusal('invalid_scheduled_message_id')
  workspace.scheduled = workspace.scheduled.filter((each) => each !== one)
  return { ok: true }
}
