import { limits } from '../limits.ts'
import type { House } from '../house.ts'
import type { OpenView } from '../model.ts'
import { app, team } from '../people.ts'
import { Refusal, refusal } from '../refusal.ts'
import type { Json } from '../validate/rules.ts'
import { refusedView } from '../validate/views.ts'
import { newId, withIds } from '../workspace.ts'
import { text } from './method.ts'
import type { Method } from './method.ts'

export const views: Record<string, Method> = {
  'views.open': {
    args: { trigger_id: 'string!', view: 'json!', interactivity_pointer: 'string' },
    run: open,
  },
  'views.push': {
    args: { trigger_id: 'string!', view: 'json!', interactivity_pointer: 'string' },
    run: push,
  },
  'views.update': {
    args: { view_id: 'string', external_id: 'string', hash: 'string', view: 'json!' },
    run: update,
  },
  'views.publish': { args: { user_id: 'string!', view: 'json!', hash: 'string' }, run: publish },
}

function accepted(view: unknown, wanted: 'modal' | 'home', house: House, except?: string): Json {
  const no = refusedView(view, wanted)
  if (no !== null) throw refusal(no.error, no.messages)
  const checked = view as Json
  const external = checked['external_id']
  const twin = typeof external === 'string' ? house.workspace.findView(external) : undefined
  if (twin !== undefined && twin.id !== except) throw new Refusal('duplicate_external_id')
  return { ...checked, blocks: withIds(checked['blocks'] as Json[]) }
}

function open(args: Json, house: House): Json {
  const view = accepted(args['view'], 'modal', house)
  const user = house.tickets.spendTrigger(text(args['trigger_id']))
  const opened = newView({ user, view, below: null }, house)
  house.workspace.setStack(user, [opened])
  return { ok: true, view: wireView(opened) }
}

function push(args: Json, house: House): Json {
  const view = accepted(args['view'], 'modal', house)
  const user = house.tickets.spendTrigger(text(args['trigger_id']))
  if (house.workspace.stack(user).length === 0) throw new Refusal('invalid_trigger_id')
  return { ok: true, view: wireView(pushView(user, view, house)) }
}

function update(args: Json, house: House): Json {
  const known = house.workspace.findView(text(args['view_id'] ?? args['external_id']))
  if (known === undefined) throw new Refusal('not_found')
  if (args['hash'] !== undefined && args['hash'] !== known.hash) throw new Refusal('hash_conflict')
  const view = accepted(args['view'], 'modal', house, known.id)
  return { ok: true, view: wireView(replaceView(known, view, house)) }
}

function publish(args: Json, house: House): Json {
  const user = text(args['user_id'])
  const person = house.workspace.person(user)
  if (person === undefined || person.kind === 'bot')
    throw refusal('invalid_arguments', ['[ERROR] user_id is invalid [json-pointer:/user_id]'])
  const before = house.workspace.homes.get(user)
  if (args['hash'] !== undefined && before !== undefined && args['hash'] !== before.hash)
    throw new Refusal('hash_conflict')
  const view = accepted(args['view'], 'home', house)
  const home = { view, hash: house.workspace.nextHash(), id: before?.id ?? newId('V') }
  house.workspace.homes.set(user, home)
  house.workspace.announce({ kind: 'home', user, view })
  return { ok: true, view: wireHome(home) }
}

/** What an acknowledgement of a submission may ask for: `update`, `push`. */
export function checkedView(view: unknown, house: House, except?: string): Json {
  return accepted(view, 'modal', house, except)
}

export function pushView(user: string, view: Json, house: House): OpenView {
  const stack = house.workspace.stack(user)
  if (stack.length >= limits.view.stack) throw new Refusal('push_limit_reached')
  const below = stack.at(-1) ?? null
  const opened = newView({ user, view, below }, house)
  house.workspace.setStack(user, [...stack, opened])
  return opened
}

export function replaceView(known: OpenView, view: Json, house: House): OpenView {
  const next: OpenView = { ...known, view, hash: house.workspace.nextHash(), errors: {} }
  delete next.trouble
  const stack = house.workspace.stack(known.user).map((one) => (one.id === known.id ? next : one))
  house.workspace.setStack(known.user, stack)
  return next
}

function newView(given: { user: string; view: Json; below: OpenView | null }, house: House): OpenView {
  const id = newId('V')
  const { user, view, below } = given
  return {
    id,
    user,
    view,
    hash: house.workspace.nextHash(),
    rootId: below?.rootId ?? id,
    previousId: below?.id ?? null,
    errors: {},
  }
}

/** A view as Slack returns it and sends it in payloads. */
export function wireView(one: OpenView, values: Json = {}): Json {
  const { view } = one
  return {
    id: one.id,
    team_id: team.id,
    type: 'modal',
    blocks: view['blocks'],
    private_metadata: view['private_metadata'] ?? '',
    callback_id: view['callback_id'] ?? '',
    state: { values },
    hash: one.hash,
    title: view['title'],
    clear_on_close: view['clear_on_close'] ?? false,
    notify_on_close: view['notify_on_close'] ?? false,
    close: view['close'] ?? null,
    submit: view['submit'] ?? null,
    previous_view_id: one.previousId,
    root_view_id: one.rootId,
    app_id: app.id,
    external_id: view['external_id'] ?? '',
    app_installed_team_id: team.id,
    bot_id: app.botId,
  }
}

export function wireHome(home: { view: Json; hash: string; id: string }, values: Json = {}): Json {
  const { view } = home
  return {
    id: home.id,
    team_id: team.id,
    type: 'home',
    blocks: view['blocks'],
    private_metadata: view['private_metadata'] ?? '',
    callback_id: view['callback_id'] ?? '',
    state: { values },
    hash: home.hash,
    title: { type: 'plain_text', text: 'View Title' },
    clear_on_close: false,
    notify_on_close: false,
    close: null,
    submit: null,
    previous_view_id: null,
    root_view_id: home.id,
    app_id: app.id,
    external_id: view['external_id'] ?? '',
    app_installed_team_id: team.id,
    bot_id: app.botId,
  }
}
