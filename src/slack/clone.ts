import type { ViewOutput, ViewResponseAction } from '@slack/bolt'
import type { ModalView } from '@slack/types'
import type { Reply } from '../commands/reply.ts'
import { asFault, Fault } from '../core/faults.ts'
import type { RequestView } from '../core/model.ts'
import { inputs } from './actions.ts'
import { cloneDialog, cloneTitle, recallClone, type RememberedClone } from './blocks/clone-dialog.ts'
import { faultView, loadingView } from './blocks/modals.ts'
import { plannedView } from './blocks/restore-dialog.ts'
import type { Desk } from './desk.ts'
import { openView, updateView } from './open-view.ts'
import type { Place } from './private.ts'
import { channelFor } from './routing.ts'

/** As typed: `clone <strategy> <place> [backup]`. */
export interface WantedCopy {
  strategy: string
  place: string
  backup?: string | undefined
}

/** Opens the dialog at once, because a trigger lives three seconds, and fills it when the plan is made. */
export async function openClone(
  desk: Desk,
  trigger: string,
  { place, wanted }: { place: Place; wanted: WantedCopy },
): Promise<void> {
  const viewId = await openView(desk, trigger, { place, view: loadingView(cloneTitle, 'Making the plan …') })
  if (viewId === null) return
  const view = await prepare(desk, place, { wanted }).catch((error: unknown) => faultView(cloneTitle, error))
  await updateView(desk, viewId, { place, view })
}

async function prepare(
  desk: Desk,
  place: Place,
  { wanted, ...again }: { wanted: WantedCopy; typed?: { name: string; reason: string }; problem?: unknown },
): Promise<ModalView> {
  const person = await desk.identify(place.user)
  const request = planIn(await desk.ask({ name: 'clone', args: { ...wanted, dryRun: true } }, person))
  const { strategy, place: where } = wanted
  return cloneDialog({ strategy, place: where, request, channel: place.channel, ...again })
}

function planIn(reply: Reply): RequestView {
  if (reply.type === 'plan' && reply.request.kind === 'restore') return reply.request
  throw new Fault('internal', 'a copy was answered without a plan')
}

/** What somebody filled in. */
export interface FilledCopy extends RememberedClone {
  viewId: string
  typed: string
  reason: string
}

/** @returns null when the dialog is not the one we made */
export function readClone(view: ViewOutput): FilledCopy | null {
  const known = recallClone(view.private_metadata)
  if (known === null) return null
  const text = (id: string): string => (view.state.values[id]?.[id]?.value ?? '').replace(/\s+/g, ' ').trim()
  return { ...known, viewId: view.id, typed: text(inputs.typed), reason: text(inputs.reason) }
}

/** What Slack is told within three seconds. */
export function firstCloneAnswer(filled: FilledCopy | null): ViewResponseAction {
  if (filled === null) {
    const fault = new Fault('stale', 'this dialog is too old', { hint: 'open it again' })
    return { response_action: 'update', view: faultView(cloneTitle, fault) }
  }
  const { name, typed } = filled
  if (name !== null && typed !== name)
    return {
      response_action: 'errors',
      errors: { [inputs.typed]: `Type ${name}, exactly, to overwrite it.` },
    }
  return { response_action: 'update', view: loadingView(cloneTitle, 'Making the plan …') }
}

/** Files it; the card itself is posted by the engine. Says where that is, or why there is none. */
export async function fileClone(desk: Desk, filled: FilledCopy, place: Place): Promise<void> {
  const view = await filed(desk, filled, place).catch((error: unknown) =>
    again(desk, filled, { place, error }),
  )
  await updateView(desk, filled.viewId, { place, view })
}

async function filed(desk: Desk, filled: FilledCopy, place: Place): Promise<ModalView> {
  const { strategy, place: where, backup, typed, reason } = filled
  const person = await desk.identify(place.user)
  const args = {
    strategy,
    place: where,
    backup,
    ...(typed !== '' && { typed }),
    ...(reason !== '' && { reason }),
  }
  const request = planIn(await desk.ask({ name: 'clone', args }, person))
  return plannedView(request, channelFor(desk.routing(strategy), 'approvals'), cloneTitle)
}

/** The dialog once more with what was typed and what was wrong; only a refusal ends it. */
async function again(
  desk: Desk,
  { strategy, place: where, backup, typed, reason }: FilledCopy,
  { place, error }: { place: Place; error: unknown },
): Promise<ModalView> {
  const { code } = asFault(error)
  if (code === 'denied' || code === 'internal') return faultView(cloneTitle, error)
  const wanted = { strategy, place: where, backup }
  return prepare(desk, place, { wanted, typed: { name: typed, reason }, problem: error }).catch(() =>
    faultView(cloneTitle, error),
  )
}
