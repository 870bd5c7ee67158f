/** What people do in dialogs and in the app's home. */
import { actor, pick } from './acting.ts'
import type { Choices, Finder, Trouble } from './acting.ts'
import type { Outcome } from './gateway.ts'
import type { House } from './house.ts'
import { text } from './methods/method.ts'
import { checkedView, pushView, replaceView, wireHome, wireView } from './methods/views.ts'
import type { OpenView } from './model.ts'
import { chosenValue, interaction, stateValues, viewAction } from './payloads.ts'
import { Refusal } from './refusal.ts'
import { isObject } from './validate/rules.ts'
import type { Json } from './validate/rules.ts'

/** A button or menu in an open dialog, or in the app's home when no dialog is meant. */
export async function clickInView(
  given: { user: string; viewId?: string; find: Finder; choice?: unknown; choices?: Choices },
  house: House,
): Promise<Trouble> {
  const person = actor(house, given.user)
  const home = house.workspace.homes.get(person.id)
  const open = given.viewId === undefined ? undefined : house.workspace.findView(given.viewId)
  const view = open === undefined ? home && wireHome(home) : wireView(open)
  if (view === undefined) throw new Error('no such view')
  const blocks = view['blocks'] as Json[]
  const found = pick(given.find, blocks)
  const chosen = chosenValue(found.element, given.choice)
  const payload = viewAction(
    { person, view, found, chosen, values: stateValues(blocks, given.choices ?? {}) },
    house,
  )
  const outcome = await house.gateway.deliver({ type: 'interactive', subject: given.find.actionId, payload })
  if (!outcome.ok && open !== undefined) trouble(open, house)
  return outcome.ok ? null : outcome.error
}

/** Submits the topmost dialog. Slack itself refuses empty required inputs. */
export async function submit(given: { user: string; choices: Choices }, house: House): Promise<Trouble> {
  const person = actor(house, given.user)
  const open = house.workspace.stack(person.id).at(-1)
  if (open === undefined) throw new Error(`${person.handle} has no dialog open`)
  const blocks = open.view['blocks'] as Json[]
  const values = stateValues(blocks, given.choices)
  const empty = Object.fromEntries(
    blocks
      .filter((block) => isMissing(block, values))
      .map((block) => [String(block['block_id']), 'Please complete this required field.']),
  )
  if (Object.keys(empty).length > 0) return showErrors(open, empty, house)
  const payload = {
    ...interaction('view_submission', person, house),
    view: wireView(open, values),
    response_urls: [],
  }
  const outcome = await house.gateway.deliver({
    type: 'interactive',
    subject: text(open.view['callback_id']) || 'view_submission',
    payload,
  })
  return afterSubmit(open, outcome, house)
}

function isMissing(block: Json, values: Json): boolean {
  if (block['type'] !== 'input' || block['optional'] === true) return false
  const state = Object.values((values[String(block['block_id'])] ?? {}) as Record<string, Json>)[0] ?? {}
  return Object.entries(state).every(
    ([key, value]) => key === 'type' || value === null || (Array.isArray(value) && value.length === 0),
  )
}

function showErrors(open: OpenView, errors: Record<string, string>, house: House): Trouble {
  const stack = house.workspace.stack(open.user).map((one) => (one.id === open.id ? { ...one, errors } : one))
  house.workspace.setStack(open.user, stack)
  return Object.values(errors).join('; ')
}

function trouble(open: OpenView, house: House): Trouble {
  const words = 'We had some trouble connecting. Try again?'
  const stack = house.workspace
    .stack(open.user)
    .map((one) => (one.id === open.id ? { ...one, trouble: words } : one))
  house.workspace.setStack(open.user, stack)
  return words
}

function afterSubmit(open: OpenView, outcome: Outcome, house: House): Trouble {
  if (!outcome.ok) return trouble(open, house)
  const { response_action: action, errors, view } = outcome.response
  try {
    if (action === 'errors') return showErrors(open, knownErrors(open, errors), house)
    if (action === 'update') return done(replaceView(open, checkedView(view, house, open.id), house))
    if (action === 'push') return done(pushView(open.user, checkedView(view, house), house))
    if (action !== undefined && action !== 'clear') throw new Refusal('invalid_response_action')
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return trouble(open, house)
  }
  const stack = house.workspace.stack(open.user)
  house.workspace.setStack(open.user, action === 'clear' ? [] : stack.filter((one) => one.id !== open.id))
  return null
}

function done(_shown: OpenView): Trouble {
  return null
}

/** Slack takes errors only for the view's own input blocks. */
function knownErrors(open: OpenView, errors: unknown): Record<string, string> {
  const inputs = (open.view['blocks'] as Json[])
    .filter((block) => block['type'] === 'input')
    .map((block) => block['block_id'])
  if (!isObject(errors) || !Object.keys(errors).every((key) => inputs.includes(key)))
    throw new Refusal('invalid_errors')
  return errors as Record<string, string>
}

/** The cross or the close button. */
export async function closeView(given: { user: string; all?: boolean }, house: House): Promise<Trouble> {
  const person = actor(house, given.user)
  const stack = house.workspace.stack(person.id)
  const top = stack.at(-1)
  if (top === undefined) return null
  const cleared = given.all === true || top.view['clear_on_close'] === true
  house.workspace.setStack(person.id, cleared ? [] : stack.slice(0, -1))
  if (top.view['notify_on_close'] !== true) return null
  const payload = { ...interaction('view_closed', person, house), view: wireView(top), is_cleared: cleared }
  const outcome = await house.gateway.deliver({ type: 'interactive', subject: 'view_closed', payload })
  return outcome.ok ? null : outcome.error
}
