import type { ViewOutput } from '@slack/bolt'
import type { Person } from '../commands/command.ts'
import { asFault, Fault } from '../core/faults.ts'
import { actions, runInputs, shortcuts, unpackValue } from './actions.ts'
import { messageActions, subjectOf, type Subject } from './blocks/message-actions.ts'
import { drawnView, faultView, loadingView } from './blocks/modals.ts'
import { drawReply } from './blocks/reply.ts'
import { runDialog, runTitle } from './blocks/run-dialog.ts'
import type { Desk } from './desk.ts'
import { openView, updateView } from './open-view.ts'
import { tell, tellFault } from './private.ts'
import type { Place } from './private.ts'
import { strategyNames } from './restore.ts'
import { mayAsk } from './rights.ts'
import { channelFor } from './routing.ts'

/** Somebody used a shortcut of ours. */
export interface Used {
  callbackId: string
  trigger: string
  place: Place
  /** The message it was used on; null: none, it is for everywhere. */
  message: { channel: string; ts: string; blocks: unknown } | null
}

/** Whatever stands in the way is told in private. */
export async function answerShortcut(desk: Desk, used: Used): Promise<void> {
  await doShortcut(desk, used).catch((error: unknown) => tellFault(desk, used.place, error))
}

async function doShortcut(desk: Desk, used: Used): Promise<void> {
  if (used.callbackId === shortcuts.run) return openRun(desk, used)
  if (used.callbackId === shortcuts.message && used.message !== null)
    return offerActions(desk, used.place, await subjectAt(desk, used.message))
  throw new Fault('stale', 'this shortcut is from another version of easy-backup', {
    hint: 'type `/backup` instead',
  })
}

/** One run of many was chosen: the same answer for it alone. */
export async function offerRun(desk: Desk, place: Place, run: string): Promise<void> {
  const body = await desk.messageAt({ run })
  if (body === null) throw new Fault('not-found', 'nothing is known of this backup any more')
  await offerActions(desk, place, subjectOf(body))
}

async function subjectAt(desk: Desk, message: NonNullable<Used['message']>): Promise<Subject> {
  const body = await desk.messageAt(message)
  return body === null ? subjectOfButtons(message.blocks) : subjectOf(body)
}

/** Of a message that is older than our memory of it, its buttons still say what it is about. */
function subjectOfButtons(blocks: unknown): Subject {
  const rows = Array.isArray(blocks) ? (blocks as { elements?: unknown }[]) : []
  const buttons = rows.flatMap(({ elements }) =>
    Array.isArray(elements) ? (elements as { action_id?: unknown; value?: unknown }[]) : [],
  )
  const values = new Map(
    buttons.flatMap(({ action_id: action, value }) =>
      typeof action === 'string' && typeof value === 'string' ? [[action, unpackValue(value)]] : [],
    ),
  )
  const [restore, retry, log] = [actions.restoreBackup, actions.retryRun, actions.viewLog].map((action) =>
    values.get(action),
  )
  const run = log?.id ?? retry?.id ?? null
  if (run === null && restore?.id === undefined) return { type: 'none' }
  return {
    type: 'ids',
    strategy: restore?.strategy ?? retry?.strategy ?? null,
    run,
    backup: restore?.id ?? null,
  }
}

async function offerActions(desk: Desk, place: Place, subject: Subject): Promise<void> {
  const person = await desk.identify(place.user)
  const strategy = strategyOf(subject)
  const offered = new Set<string>()
  for (const command of ['run', 'cancel', 'restore', 'verify', 'pin', 'download', 'show'])
    if (await mayAsk(desk, person, { command, strategy })) offered.add(command)
  await tell(
    desk,
    place,
    messageActions(subject, (command) => offered.has(command)),
  )
}

function strategyOf(subject: Subject): string | null {
  if (subject.type === 'run') return subject.run.strategy
  return subject.type === 'ids' || subject.type === 'backup' ? subject.strategy : null
}

async function openRun(desk: Desk, { trigger, place }: Used): Promise<void> {
  const loading = loadingView(runTitle, 'Looking for databases …')
  const viewId = await openView(desk, trigger, { place, view: loading })
  if (viewId === null) return
  const view = await desk
    .identify(place.user)
    .then((person) => backable(desk, person))
    .then((strategies) => runDialog({ strategies }))
    .catch((error: unknown) => faultView(runTitle, error))
  await updateView(desk, viewId, { place, view })
}

async function backable(desk: Desk, person: Person): Promise<string[]> {
  const names = await strategyNames(desk, person)
  const may = await Promise.all(names.map((strategy) => mayAsk(desk, person, { command: 'run', strategy })))
  return names.filter((_, index) => may[index])
}

/** What was filled in; null when it is not that dialog. */
export function readRunDialog(view: ViewOutput): { viewId: string; strategy: string; note: string } | null {
  const value = (id: string) => view.state.values[id]?.[id]
  const strategy = value(runInputs.strategy)?.selected_option?.value
  if (strategy === undefined) return null
  const note = (value(runInputs.note)?.value ?? '').replace(/\s+/g, ' ').trim()
  return { viewId: view.id, strategy, note }
}

export const startingView = loadingView(runTitle, 'Starting …')

/** Starts it, and says in the dialog where it is to be seen. */
export async function startRun(
  desk: Desk,
  { viewId, strategy, note }: NonNullable<ReturnType<typeof readRunDialog>>,
  place: Place,
): Promise<void> {
  const view = await started(desk, { strategy, note }, place).catch((error: unknown) =>
    again(desk, { strategy, note }, { place, error }),
  )
  await updateView(desk, viewId, { place, view })
}

interface Filled {
  strategy: string
  note: string
}

async function started(
  desk: Desk,
  { strategy, note }: Filled,
  place: Place,
): Promise<ReturnType<typeof drawnView>> {
  const args = { what: strategy, ...(note !== '' && { pin: note }) }
  const reply = await desk.ask({ name: 'run', args }, await desk.identify(place.user))
  const channelOf = (name: string): string => channelFor(desk.routing(name), 'success')
  const drawn = drawReply(reply, { now: desk.clock.now(), style: 'basic', page: 0, words: null, channelOf })
  return drawnView(runTitle, drawn)
}

/** The dialog once more with what was typed and what was wrong; only a refusal ends it. */
async function again(
  desk: Desk,
  typed: Filled,
  { place, error }: { place: Place; error: unknown },
): Promise<ReturnType<typeof faultView>> {
  const { code } = asFault(error)
  if (code === 'denied' || code === 'internal') return faultView(runTitle, error)
  return desk
    .identify(place.user)
    .then((person) => backable(desk, person))
    .then((strategies) => runDialog({ strategies, typed, problem: error }))
    .catch(() => faultView(runTitle, error))
}
