/** The payloads Slack sends for what people do. */
import type { House } from './house.ts'
import { wireMessage } from './methods/method.ts'
import type { Channel, Message, Person } from './model.ts'
import { app, team } from './people.ts'
import type { ResponseTarget } from './tickets.ts'
import { isObject } from './validate/rules.ts'
import type { Json } from './validate/rules.ts'
import { newId } from './workspace.ts'

/** Slack's deprecated verification token: it is in every payload and nobody should look at it. */
const verification = 'playground-verification'

export interface Found {
  element: Json
  blockId: string
}

export function commandPayload(
  given: { person: Person; channel: Channel; command: string; text: string },
  house: House,
): Json {
  const { person, channel } = given
  return {
    token: verification,
    team_id: team.id,
    team_domain: team.domain,
    channel_id: channel.id,
    channel_name: channel.im === undefined ? channel.name : 'directmessage',
    user_id: person.id,
    user_name: person.handle,
    command: given.command,
    text: escaped(given.text, house),
    api_app_id: app.id,
    is_enterprise_install: 'false',
    response_url: responseUrl({ channel: channel.id, user: person.id }, house),
    trigger_id: house.tickets.trigger(person.id),
  }
}

/** `should_escape`: people and channels become ids, the three characters become entities. */
function escaped(text: string, house: House): string {
  const { people, channels, groups } = house.workspace
  const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return safe.replace(/(^|\s)([@#])([\w.-]+)/g, (whole, before: string, sign: string, name: string) => {
    const channel = channels.find((one) => one.name === name && one.im === undefined)
    if (sign === '#') return channel === undefined ? whole : `${before}<#${channel.id}|${name}>`
    const person = people.find((one) => one.handle === name)
    if (person !== undefined) return `${before}<@${person.id}|${name}>`
    const group = groups.find((one) => one.handle === name)
    return group === undefined ? whole : `${before}<!subteam^${group.id}|@${name}>`
  })
}

export function responseUrl(target: ResponseTarget, house: House): string {
  return house.url + house.tickets.responsePath(target)
}

export function interaction(type: string, person: Person, house: House): Json {
  return {
    type,
    token: verification,
    api_app_id: app.id,
    team: { id: team.id, domain: team.domain },
    enterprise: null,
    is_enterprise_install: false,
    user: { id: person.id, username: person.handle, name: person.handle, team_id: team.id },
    trigger_id: house.tickets.trigger(person.id),
  }
}

/** A click in a message; what the app gets of an ephemeral one is only where it was. */
export function messageAction(
  given: { person: Person; message: Message; found: Found; chosen: Json; values: Json },
  house: House,
): Json {
  const { person, message, found } = given
  const isEphemeral = message.onlyFor !== undefined
  const channel = house.workspace.channel(message.channel)
  return {
    ...interaction('block_actions', person, house),
    container: {
      type: 'message',
      message_ts: message.ts,
      channel_id: message.channel,
      is_ephemeral: isEphemeral,
      ...(message.threadTs === undefined ? {} : { thread_ts: message.threadTs }),
    },
    channel: { id: message.channel, name: channel?.im === undefined ? channel?.name : 'directmessage' },
    ...(isEphemeral ? {} : { message: wireMessage(message, house) }),
    state: { values: given.values },
    response_url: responseUrl(
      {
        channel: message.channel,
        user: person.id,
        originTs: message.ts,
        ...(message.threadTs === undefined ? {} : { threadTs: message.threadTs }),
      },
      house,
    ),
    actions: [actionOf(found, given.chosen, house)],
  }
}

export function viewAction(
  given: { person: Person; view: Json; found: Found; chosen: Json; values: Json },
  house: House,
): Json {
  return {
    ...interaction('block_actions', given.person, house),
    container: { type: 'view', view_id: given.view['id'] },
    view: { ...given.view, state: { values: given.values } },
    actions: [actionOf(given.found, given.chosen, house)],
  }
}

function actionOf({ element, blockId }: Found, chosen: Json, house: House): Json {
  const copied = ['text', 'value', 'style', 'placeholder', 'confirm'].filter(
    (key) => element[key] !== undefined,
  )
  return {
    action_id: element['action_id'],
    block_id: blockId,
    type: element['type'],
    ...Object.fromEntries(copied.map((key) => [key, element[key]])),
    ...chosen,
    action_ts: house.workspace.nextTs(),
  }
}

export function eventPayload(event: Json, house: House): Json {
  return {
    token: verification,
    team_id: team.id,
    api_app_id: app.id,
    event,
    type: 'event_callback',
    event_id: newId('Ev'),
    event_time: Math.floor(house.workspace.now() / 1000),
    is_ext_shared_channel: false,
    authorizations: [
      {
        enterprise_id: null,
        team_id: team.id,
        user_id: app.userId,
        is_bot: true,
        is_enterprise_install: false,
      },
    ],
  }
}

/** Every element a person could use in these blocks. */
export function elementsOf(blocks: Json[]): Found[] {
  return blocks.flatMap((block) => {
    const cells = block['type'] === 'data_table' && Array.isArray(block['rows']) ? block['rows'].flat() : []
    const inCells = cells.filter(isObject).map((cell) => cell['element'])
    const candidates = [
      block['accessory'],
      block['element'],
      ...(Array.isArray(block['elements']) ? block['elements'] : []),
      ...inCells,
    ]
    const blockId = String(block['block_id'])
    return candidates
      .filter(isObject)
      .filter((one) => typeof one['action_id'] === 'string')
      .map((element) => ({ element, blockId }))
  })
}

/** What a person chose, in the shape of the element's kind: the fields of an action, and of a state value. */
export function chosenValue(element: Json, choice: unknown): Json {
  const kind = String(element['type'])
  if (kind === 'feedback_buttons') return { value: choice }
  if (kind === 'button' || kind === 'icon_button') return {}
  if (kind === 'users_select') return { selected_user: choice ?? null }
  if (kind === 'conversations_select') return { selected_conversation: choice ?? null }
  if (kind === 'channels_select') return { selected_channel: choice ?? null }
  if (kind === 'multi_users_select') return { selected_users: choice ?? [] }
  if (kind === 'datepicker') return { selected_date: choice ?? null }
  if (kind === 'timepicker') return { selected_time: choice ?? null }
  if (kind === 'datetimepicker') return { selected_date_time: choice ?? null }
  if (kind === 'checkboxes' || kind.startsWith('multi_')) {
    const wanted = Array.isArray(choice) ? choice : []
    return { selected_options: wanted.map((one) => optionOf(element, one)).filter((one) => one !== null) }
  }
  if (kind.endsWith('select') || kind === 'overflow' || kind === 'radio_buttons')
    return { selected_option: optionOf(element, choice) }
  return { value: typeof choice === 'string' && choice !== '' ? choice : null }
}

function optionOf(element: Json, choice: unknown): Json | null {
  if (isObject(choice)) return choice // an option that came from the app (external_select)
  const groups = Array.isArray(element['option_groups']) ? element['option_groups'].filter(isObject) : []
  const all = [element['options'], ...groups.map((group) => group['options'])].flat().filter(isObject)
  return all.find((one) => one['value'] === choice) ?? null
}

/** What an element holds before anybody touched it. */
export function initialChoice(element: Json): unknown {
  const option = element['initial_option']
  if (isObject(option)) return option
  if (Array.isArray(element['initial_options'])) return element['initial_options']
  const keys = [
    'initial_value',
    'initial_user',
    'initial_users',
    'initial_conversation',
    'initial_channel',
    'initial_date',
    'initial_time',
    'initial_date_time',
  ]
  return element[keys.find((key) => element[key] !== undefined) ?? ''] ?? null
}

/** The state of all inputs: what was given, else the initial choices. */
export function stateValues(blocks: Json[], given: Record<string, unknown>): Json {
  const values: Record<string, Json> = {}
  for (const { element, blockId } of elementsOf(blocks)) {
    const kind = String(element['type'])
    if (kind === 'button' || kind === 'overflow' || kind === 'icon_button' || kind === 'feedback_buttons')
      continue
    const actionId = String(element['action_id'])
    const choice =
      given[`${blockId}/${actionId}`] ?? given[blockId] ?? given[actionId] ?? initialChoice(element)
    values[blockId] = { ...values[blockId], [actionId]: { type: kind, ...chosenValue(element, choice) } }
  }
  return values
}
