import type { ViewOutput } from '@slack/bolt'
import { Fault } from '../core/faults.ts'
import { inputs } from './actions.ts'
import { draw } from './blocks/elements.ts'
import { drawnView, faultView, loadingView } from './blocks/modals.ts'
import { recallReject, rejectDialog, rejectTitle } from './blocks/reject-dialog.ts'
import type { Desk } from './desk.ts'
import { openView, updateView } from './open-view.ts'
import type { Place } from './private.ts'

/** Asks for the reason. Who may reject at all is asked when it is given. */
export async function askWhy(
  desk: Desk,
  trigger: string,
  { place, request, version }: { place: Place; request: string; version: number },
): Promise<void> {
  const view = rejectDialog({ request, version, channel: place.channel })
  await openView(desk, trigger, { place, view })
}

/** Shown while Slack is answered and the request is not yet. */
export const rejectingView = loadingView(rejectTitle, 'Rejecting …')

/** Rejects, and says in the same dialog what came of it. */
export async function answerReject(desk: Desk, view: ViewOutput, place: Place): Promise<void> {
  const shown = await reject(desk, view, place).then(
    () => drawnView(rejectTitle, draw({ headline: '⛔ Rejected. Whoever asked is told why.' })),
    (error: unknown) => faultView(rejectTitle, error),
  )
  await updateView(desk, view.id, { place, view: shown })
}

async function reject(desk: Desk, view: ViewOutput, place: Place): Promise<void> {
  const rejecting = recallReject(view.private_metadata)
  if (!rejecting) throw new Fault('stale', 'this dialog is too old', { hint: 'open it again' })
  const { request, version } = rejecting
  const reason = (view.state.values[inputs.reason]?.[inputs.reason]?.value ?? '').replace(/\s+/g, ' ').trim()
  await desk.ask({ name: 'reject', args: { request, version, reason } }, await desk.identify(place.user))
}
