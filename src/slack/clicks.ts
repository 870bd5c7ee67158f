import { Fault } from '../core/faults.ts'
import { actions, askPrefix, inputs, readSnooze, runInputs } from './actions.ts'
import type { ButtonValue } from './actions.ts'
import { askAndTell, shareList, turnPage } from './answers.ts'
import { faultView, loadingView, logView } from './blocks/modals.ts'
import { restoreDialog, restoreTitle } from './blocks/restore-dialog.ts'
import type { Desk } from './desk.ts'
import { publishHome } from './home.ts'
import { openView, updateView } from './open-view.ts'
import { tellFault } from './private.ts'
import type { Place } from './private.ts'
import { askWhy } from './reject.ts'
import { openRestore, prepare } from './restore.ts'
import { offerRun } from './shortcuts.ts'

/** One click on a button or choice in a menu. */
export interface Click {
  action: string
  value: ButtonValue
  /** The option that was chosen, of a menu. */
  chosen: string | null
  trigger: string
  viewId: string | null
  place: Place
}

/** Does what a button says. Whatever stands in the way is told in private; a click is never met with silence. */
export async function answerClick(desk: Desk, click: Click): Promise<void> {
  try {
    await doClick(desk, click)
  } catch (error) {
    if (click.viewId === null) await tellFault(desk, click.place, error)
    else await openView(desk, click.trigger, { place: click.place, view: faultView('Not done', error) })
  }
}

async function doClick(desk: Desk, click: Click): Promise<void> {
  const { value, place, action } = click
  switch (action) {
    case actions.cancelRun:
      return askAndTell(desk, { name: 'cancel', args: { run: needed(value.id) } }, place)
    case actions.retryRun:
      return askAndTell(desk, { name: 'run', args: retried(value) }, place)
    case actions.viewLog:
      return showLog(desk, click, needed(value.id))
    case actions.restoreBackup:
      return openRestore(desk, click.trigger, {
        place,
        wanted: { strategy: value.strategy, backup: needed(value.id) },
      })
    case actions.confirmRequest:
    case actions.dismissRequest:
    case actions.approveRequest:
    case actions.reviewRequest:
      return decide(desk, click, decisions[action])
    case actions.rejectRequest:
      return askWhy(desk, click.trigger, { place, request: needed(value.id), version: value.version ?? 0 })
    case actions.acknowledge:
      return askAndTell(
        desk,
        { name: 'acknowledge', args: { what: needed(value.id), acts: value.version } },
        place,
      )
    case actions.snooze:
      return askAndTell(desk, { name: 'snooze', args: snoozed(click) }, place)
    case actions.previousPage:
    case actions.nextPage:
      return turnPage(desk, { words: needed(value.words), page: value.page ?? 0 }, place)
    case actions.chooseStrategy:
      return chooseStrategy(desk, click, needed(click.chosen ?? undefined))
    case actions.restoreFromHome:
      return openRestore(desk, click.trigger, { place, wanted: {} })
    case actions.runFromHome:
      await desk.ask(
        { name: 'run', args: { what: needed(value.strategy ?? click.chosen ?? undefined) } },
        await desk.identify(place.user),
      )
      return publishHome(desk, place.user)
    case actions.cancelFromHome:
      await desk.ask({ name: 'cancel', args: { run: needed(value.id) } }, await desk.identify(place.user))
      return publishHome(desk, place.user)
    case actions.drillFromHome:
      await desk.ask(
        { name: 'drill', args: { strategy: needed(value.strategy) } },
        await desk.identify(place.user),
      )
      return publishHome(desk, place.user)
    case actions.shareList:
      return shareList(desk, { words: needed(value.words), page: value.page ?? 0 }, place)
    case actions.chooseRun:
      return offerRun(desk, place, needed(click.chosen ?? undefined))
    case actions.refreshHome:
      return publishHome(desk, place.user)
    default:
      return otherClick(desk, click)
  }
}

/** Buttons that a Reply brought along, inputs of dialogs, and what nobody knows any more. */
async function otherClick(desk: Desk, { action, value, place, trigger }: Click): Promise<void> {
  if ([...Object.values(inputs), ...Object.values(runInputs)].some((input) => input === action)) return
  if (!action.startsWith(askPrefix)) {
    desk.log.warn('a button is not known', { action: action.slice(0, 100) })
    throw new Fault('stale', 'this button is from another version of easy-backup', {
      hint: 'type `/backup` instead',
    })
  }
  const name = needed(value.command)
  const args = value.args ?? {}
  if (name !== 'restore') return askAndTell(desk, { name, args }, place)
  const what = typeof args['what'] === 'string' ? args['what'] : undefined
  return openRestore(desk, trigger, { place, wanted: { what } })
}

/** Of a run that ended: its dump is sent when it is kept. Of what is overdue there is no run, and a new backup is made. */
function retried({ id, strategy, args }: ButtonValue): Record<string, unknown> {
  return { what: needed(strategy), ...args, ...(id !== undefined && { retry: true }) }
}

function snoozed({ chosen }: Click): Record<string, unknown> {
  const asked = readSnooze(chosen)
  return { what: needed(asked?.id), length: asked?.length, acts: asked?.acts }
}

function needed(part: string | undefined): string {
  if (part !== undefined) return part
  throw new Fault('stale', 'this button is from another version of easy-backup', {
    hint: 'type `/backup` instead',
  })
}

/** What the buttons of a card are called when they are typed. */
const decisions = {
  [actions.confirmRequest]: 'confirm',
  [actions.dismissRequest]: 'dismiss',
  [actions.approveRequest]: 'approve',
  [actions.reviewRequest]: 'review',
} as const

/** The card says the rest: it is edited by whoever delivers messages. */
async function decide(
  desk: Desk,
  { value, place }: Click,
  name: (typeof decisions)[keyof typeof decisions],
): Promise<void> {
  const request = needed(value.id)
  const args = name === 'review' ? { request } : { request, version: value.version ?? 0 }
  await desk.ask({ name, args }, await desk.identify(place.user))
}

async function showLog(desk: Desk, { trigger, place }: Click, run: string): Promise<void> {
  const viewId = await openView(desk, trigger, { place, view: loadingView('Log', 'Reading the log …') })
  if (viewId === null) return
  const view = await desk
    .identify(place.user)
    .then((person) => desk.ask({ name: 'log', args: { run } }, person))
    .then((reply) => logView(run, reply.type === 'text' ? reply.text : ''))
    .catch((error: unknown) => faultView('Log', error))
  await updateView(desk, viewId, { place, view })
}

async function chooseStrategy(desk: Desk, { viewId, place }: Click, strategy: string): Promise<void> {
  if (viewId === null) return
  const view = await prepare(desk, place, { strategy }).then(restoreDialog, (error: unknown) =>
    faultView(restoreTitle, error),
  )
  await updateView(desk, viewId, { place, view })
}
