import type { House } from '../house.ts'
import type { Channel, Person, Usergroup } from '../model.ts'
import { app, team } from '../people.ts'
import { Refusal } from '../refusal.ts'
import type { Json } from '../validate/rules.ts'
import { page, text } from './method.ts'
import type { Method } from './method.ts'

export const directory: Record<string, Method> = {
  'users.info': { scope: 'users:read', args: { user: 'string!', include_locale: 'boolean' }, run: usersInfo },
  'users.list': {
    scope: 'users:read',
    args: { cursor: 'string', limit: 'integer', include_locale: 'boolean' },
    run: usersList,
  },
  'usergroups.list': {
    scope: 'usergroups:read',
    args: {
      include_count: 'boolean',
      include_disabled: 'boolean',
      include_users: 'boolean',
    },
    run: usergroupsList,
  },
  'usergroups.users.list': {
    scope: 'usergroups:read',
    args: { usergroup: 'string!', include_disabled: 'boolean' },
    run: usergroupUsers,
  },
  'conversations.info': {
    scope: ['channels:read', 'groups:read'],
    args: { channel: 'string!', include_locale: 'boolean', include_num_members: 'boolean' },
    run: conversationsInfo,
  },
  'conversations.list': {
    scope: ['channels:read', 'groups:read'],
    args: {
      cursor: 'string',
      limit: 'integer',
      types: 'string',
      exclude_archived: 'boolean',
    },
    run: conversationsList,
  },
  'conversations.open': {
    scope: 'im:write',
    args: { users: 'string', channel: 'string', return_im: 'boolean', prevent_creation: 'boolean' },
    run: conversationsOpen,
  },
}

function usersInfo(args: Json, house: House): Json {
  const person = house.workspace.person(text(args['user']))
  if (person === undefined) throw new Refusal('user_not_found')
  return { ok: true, user: wirePerson(person) }
}

function usersList(args: Json, house: House): Json {
  const { items, next } = page(house.workspace.people.map(wirePerson), args, 1000)
  return { ok: true, members: items, cache_ts: Math.floor(house.workspace.now() / 1000), ...next }
}

function wirePerson(person: Person): Json {
  const { id, handle, name, kind } = person
  const common = {
    id,
    team_id: team.id,
    name: handle,
    real_name: name,
    deleted: kind === 'deactivated',
    is_bot: kind === 'bot',
    is_app_user: false,
    profile: { real_name: name, display_name: handle, title: person.title ?? '', team: team.id },
  }
  if (kind === 'deactivated') return common
  return {
    ...common,
    tz: person.tz ?? 'Europe/Paris',
    tz_label: '',
    tz_offset: 0,
    updated: 0,
    is_admin: kind === 'admin' || kind === 'owner',
    is_owner: kind === 'owner',
    is_primary_owner: kind === 'owner',
    is_restricted: kind === 'guest',
    is_ultra_restricted: false,
  }
}

function usergroupsList(args: Json, house: House): Json {
  const shown = house.workspace.groups.filter(
    (one) => one.disabled !== true || args['include_disabled'] === true,
  )
  return { ok: true, usergroups: shown.map((one) => wireGroup(one, args['include_users'] === true)) }
}

function wireGroup(group: Usergroup, withUsers: boolean): Json {
  return {
    id: group.id,
    team_id: team.id,
    is_usergroup: true,
    is_subteam: true,
    name: group.name,
    handle: group.handle,
    description: '',
    date_delete: group.disabled === true ? 1 : 0,
    user_count: group.members.length,
    ...(withUsers ? { users: group.members } : {}),
  }
}

function usergroupUsers(args: Json, house: House): Json {
  const group = house.workspace.groups.find((one) => one.id === args['usergroup'])
  if (group === undefined) throw new Refusal('no_such_subteam')
  if (group.disabled === true && args['include_disabled'] !== true) throw new Refusal('subteam_disabled')
  return { ok: true, users: group.members }
}

/** Private channels without the app do not exist for it. */
function visible(channel: Channel | undefined, house: House): channel is Channel {
  if (channel === undefined) return false
  if (channel.im !== undefined) return true
  if (channel.isPrivate !== true) return house.settings.scopes.includes('channels:read')
  return channel.members.includes(app.userId) && house.settings.scopes.includes('groups:read')
}

function conversationsInfo(args: Json, house: House): Json {
  const channel = house.workspace.channel(text(args['channel']))
  if (!visible(channel, house)) throw new Refusal('channel_not_found')
  return { ok: true, channel: wireChannel(channel) }
}

function conversationsList(args: Json, house: House): Json {
  const types = (args['types'] === undefined ? 'public_channel' : text(args['types'])).split(',')
  const unknown = types.find((one) => !['public_channel', 'private_channel', 'im', 'mpim'].includes(one))
  if (unknown !== undefined) throw new Refusal('invalid_types')
  const shown = house.workspace.channels
    .filter((one) => visible(one, house) && types.includes(kindOf(one)))
    .filter((one) => args['exclude_archived'] !== true || one.isArchived !== true)
  const { items, next } = page(shown.map(wireChannel), args, 100)
  return { ok: true, channels: items, ...next }
}

function kindOf(channel: Channel): string {
  if (channel.im !== undefined) return 'im'
  return channel.isPrivate === true ? 'private_channel' : 'public_channel'
}

function wireChannel(channel: Channel): Json {
  if (channel.im !== undefined) return { id: channel.id, is_im: true, user: channel.im, is_channel: false }
  return {
    id: channel.id,
    name: channel.name,
    name_normalized: channel.name,
    is_channel: channel.isPrivate !== true,
    is_group: channel.isPrivate === true,
    is_im: false,
    is_private: channel.isPrivate === true,
    is_archived: channel.isArchived === true,
    is_general: channel.name === 'general',
    is_member: channel.members.includes(app.userId),
    num_members: channel.members.length,
    creator: channel.members[0],
    is_ext_shared: false,
    topic: { value: channel.topic ?? '', creator: '', last_set: 0 },
  }
}

function conversationsOpen(args: Json, house: House): Json {
  const user = text(args['users'])
  const person = house.workspace.person(user)
  if (person === undefined) throw new Refusal('user_not_found')
  if (person.kind === 'deactivated') throw new Refusal('user_disabled')
  return { ok: true, channel: { id: house.workspace.im(user).id } }
}
