/** What people do in the workspace, as Slack's client would let them; each resolves once the app acknowledged (or did not). */
import type { House } from './house.ts'
import { wireHome, wireView } from './methods/views.ts'
import { wireMessage } from './methods/method.ts'
import type { Message, Person } from './model.ts'
import { app } from './people.ts'
import {
  chosenValue,
  commandPayload,
  elementsOf,
  eventPayload,
  interaction,
  messageAction,
  responseUrl,
  stateValues,
} from './payloads.ts'
import type { Found } from './payloads.ts'
import { respond } from './response-url.ts'
import { isObject } from './validate/rules.ts'
import type { Json } from './validate/rules.ts'

/** By `block_id`, `action_id` or `block_id/action_id`: text, option value, list of option values, user id, date. */
export type Choices = Record<string, unknown>

/** null: acknowledged in time. Else what Slack tells the person. */
export type Trouble = string | null

export function actor(house: House, id: string): Person {
  const person = house.workspace.people.find((one) => one.id === id || one.handle === id)
  if (person === undefined) throw new Error(`nobody is called ${id}`)
  if (person.kind === 'deactivated' || person.kind === 'bot')
    throw new Error(`${person.handle} cannot act: ${person.kind}`)
  return person
}

/** A slash command typed into the composer of a channel, or of a thread (where Slack refuses it). */
export async function typeCommand(
  given: { user: string; channel: string; text: string; threadTs?: string },
  house: House,
): Promise<Trouble> {
  const person = actor(house, given.user)
  const channel = house.workspace.channel(given.channel)
  if (channel === undefined || !channel.members.includes(person.id))
    throw new Error(`${person.handle} is not in ${given.channel}`)
  const [command = '', ...words] = given.text.trim().split(/\s+/)
  const tell = (text: string): Trouble => tellPerson({ ...given, user: person.id, text }, house)
  if (!house.settings.commands.some((one) => one.name === command)) {
    return tell(
      `\`${command}\` is not a valid command. In Slack, all messages that start with the "/" character are interpreted as commands.`,
    )
  }
  if (given.threadTs !== undefined) return tell(`\`${command}\` is not supported in threads. Sorry!`)
  const payload = commandPayload(
    { person, channel, command, text: given.text.trim().slice(command.length).trim() },
    house,
  )
  const outcome = await house.gateway.deliver({
    type: 'slash_commands',
    subject: words.length === 0 ? command : `${command} ${words[0]}`,
    payload,
  })
  if (!outcome.ok) return tell(`${command} failed with the error "${outcome.error}"`)
  return takeAnswer(outcome.response, { channel: channel.id, user: person.id }, house, tell)
}

function takeAnswer(
  response: Json,
  target: { channel: string; user: string },
  house: House,
  tell: (text: string) => Trouble,
): Trouble {
  if (response['text'] === undefined && response['blocks'] === undefined) return null
  try {
    respond(target, response, house)
    return null
  } catch (error) {
    return tell(`the app's answer was refused: ${(error as Error).message}`)
  }
}

function tellPerson(
  given: { user: string; channel: string; text: string; threadTs?: string },
  house: House,
): string {
  const thread = given.threadTs === undefined ? {} : { threadTs: given.threadTs }
  house.workspace.post({
    channel: given.channel,
    text: given.text,
    onlyFor: given.user,
    from: 'slackbot',
    ...thread,
  })
  return given.text
}

/** A button, menu or picker in a message. The message may be a picture of how it looked before. */
export async function clickInMessage(
  given: { user: string; message: Message; find: Finder; choice?: unknown; choices?: Choices },
  house: House,
): Promise<Trouble> {
  const person = actor(house, given.user)
  const current = house.workspace.find(given.message.channel, given.message.ts)
  if (current === undefined) throw new Error('the message is gone')
  const found = pick(given.find, [...given.message.blocks, ...current.blocks])
  if (found.element['url'] !== undefined && found.element['action_id'] === undefined) return null
  const payload = messageAction(
    {
      person,
      message: current,
      found,
      chosen: chosenValue(found.element, given.choice),
      values: stateValues(current.blocks, given.choices ?? {}),
    },
    house,
  )
  const outcome = await house.gateway.deliver({
    type: 'interactive',
    subject: String(found.element['action_id']),
    payload,
  })
  if (outcome.ok) return null
  const thread = current.threadTs === undefined ? {} : { threadTs: current.threadTs }
  return tellPerson(
    {
      user: person.id,
      channel: current.channel,
      text: `${app.name} did not answer: ${outcome.error}`,
      ...thread,
    },
    house,
  )
}

export interface Finder {
  actionId: string
  blockId?: string
  /** For several elements with the same action id: the button's value. */
  value?: string
}

export function pick(find: Finder, blocks: Json[]): Found {
  const all = elementsOf(blocks)
  const found = all.find(
    (one) =>
      one.element['action_id'] === find.actionId &&
      (find.blockId === undefined || one.blockId === find.blockId) &&
      (find.value === undefined || one.element['type'] !== 'button' || one.element['value'] === find.value),
  )
  if (found !== undefined) return found
  throw new Error(
    `no element with action_id ${find.actionId}; there are: ${all.map((one) => String(one.element['action_id'])).join(', ') || 'none'}`,
  )
}

/** Opens the app's home tab, as a click on the app's name does. */
export async function openHome(user: string, house: House): Promise<void> {
  const person = actor(house, user)
  const home = house.workspace.homes.get(person.id)
  const event = {
    type: 'app_home_opened',
    user: person.id,
    channel: house.workspace.im(person.id).id,
    tab: 'home',
    event_ts: house.workspace.nextTs(),
    ...(home === undefined ? {} : { view: wireHome(home) }),
  }
  await house.gateway.deliverEvent({
    type: 'events_api',
    subject: event.type,
    payload: eventPayload(event, house),
  })
}

/** A global shortcut, or one of a message's. */
export async function useShortcut(
  given: { user: string; callbackId: string; message?: Message },
  house: House,
): Promise<Trouble> {
  const person = actor(house, given.user)
  const { message } = given
  const wanted = message === undefined ? 'global' : 'message'
  const isOffered = house.settings.shortcuts.some(
    ({ callbackId, on }) => callbackId === given.callbackId && on === wanted,
  )
  if (!isOffered || message?.onlyFor !== undefined)
    throw new Error(`the app has no such shortcut here: ${given.callbackId}`)
  const base = {
    ...interaction(message === undefined ? 'shortcut' : 'message_action', person, house),
    callback_id: given.callbackId,
    action_ts: house.workspace.nextTs(),
  }
  const more =
    message === undefined
      ? {}
      : {
          message: wireMessage(message, house),
          message_ts: message.ts,
          channel: { id: message.channel, name: house.workspace.channel(message.channel)?.name },
          response_url: responseUrl(
            { channel: message.channel, user: person.id, originTs: message.ts },
            house,
          ),
        }
  const outcome = await house.gateway.deliver({
    type: 'interactive',
    subject: given.callbackId,
    payload: { ...base, ...more },
  })
  if (outcome.ok || message === undefined) return outcome.ok ? null : outcome.error
  const text = `${app.name} did not answer: ${outcome.error}`
  return tellPerson({ user: person.id, channel: message.channel, text }, house)
}

/** What the app offers in an `external_select` for what was typed so far. */
export async function suggest(
  given: { user: string; viewId?: string; message?: Message; find: Finder; typed: string },
  house: House,
): Promise<Json[]> {
  const person = actor(house, given.user)
  const open = given.viewId === undefined ? undefined : house.workspace.findView(given.viewId)
  const blocks = (open?.view['blocks'] ?? given.message?.blocks ?? []) as Json[]
  const found = pick(given.find, blocks)
  const place =
    open === undefined
      ? {
          container: { type: 'message', message_ts: given.message?.ts, channel_id: given.message?.channel },
          channel: { id: given.message?.channel },
        }
      : { container: { type: 'view', view_id: open.id }, view: wireView(open) }
  const { trigger_id: _none, ...base } = interaction('block_suggestion', person, house)
  const payload = {
    ...base,
    ...place,
    action_id: given.find.actionId,
    block_id: found.blockId,
    value: given.typed,
  }
  const outcome = await house.gateway.deliver({ type: 'interactive', subject: given.find.actionId, payload })
  const options = outcome.ok ? outcome.response['options'] : []
  return Array.isArray(options) ? options.filter(isObject) : []
}
