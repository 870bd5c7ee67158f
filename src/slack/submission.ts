import type { ViewOutput, ViewResponseAction } from '@slack/bolt'
import { asFault, Fault } from '../core/faults.ts'
import { inputs } from './actions.ts'
import { drawnView, faultView, loadingView } from './blocks/modals.ts'
import { drawReply } from './blocks/reply.ts'
import {
  backupKey,
  isOverwriting,
  plannedView,
  recall,
  restoreDialog,
  restoreTitle,
  targets,
} from './blocks/restore-dialog.ts'
import type { Target } from './blocks/restore-dialog.ts'
import type { Desk } from './desk.ts'
import { updateView } from './open-view.ts'
import type { Place } from './private.ts'
import { prepare, restorable } from './restore.ts'
import { channelFor } from './routing.ts'

/** What somebody filled in. */
export interface Submitted {
  viewId: string
  strategy: string
  backup: string
  target: Target
  database: string
  /** The name of what is overwritten, typed once more. */
  name: string
  reason: string
  /** What the dialog knew. */
  ownName: string | null
  isProtected: boolean
  channel: string | null
}

/** @returns null when the dialog is not the one we made */
export function readSubmission(view: ViewOutput): Submitted | null {
  const { strategy, ...known } = recall(view.private_metadata)
  const backup = inputOf(view, inputs.backup)?.selected_option?.value
  if (strategy === null || backup === undefined) return null
  return {
    viewId: view.id,
    strategy,
    backup,
    target:
      targets.find((target) => target === inputOf(view, inputs.target)?.selected_option?.value) ?? 'new',
    database: (inputOf(view, inputs.database)?.value ?? '').trim(),
    name: (inputOf(view, inputs.typed)?.value ?? '').trim(),
    reason: (inputOf(view, inputs.reason)?.value ?? '').replace(/\s+/g, ' ').trim(),
    ...known,
  }
}

function inputOf(view: ViewOutput, id: string): ViewOutput['state']['values'][string][string] | undefined {
  return view.state.values[id]?.[id]
}

/** What Slack is told within three seconds: what is missing, or that the plan is being made. */
export function firstAnswer(submitted: Submitted | null): ViewResponseAction {
  if (submitted === null)
    return {
      response_action: 'update',
      view: faultView(restoreTitle, new Fault('stale', 'this dialog is too old', { hint: 'open it again' })),
    }
  const errors = mistakesIn(submitted)
  if (Object.keys(errors).length > 0) return { response_action: 'errors', errors }
  return { response_action: 'update', view: loadingView(restoreTitle, 'Making the plan …') }
}

/** What the dialog itself can judge; the engine asks the same again. */
function mistakesIn({ target, database, name, reason, ...known }: Submitted): Record<string, string> {
  const wanted = target === 'overwrite' ? database : known.ownName
  const takesName = target === 'named' || target === 'overwrite'
  const errors: Record<string, string | false> = {
    [inputs.database]: takesName
      ? database === '' && 'Write the name of the database.'
      : database !== '' && 'Choose “of this name”, or leave this empty.',
    [inputs.typed]: isOverwriting(target)
      ? (wanted === null ? name === '' : name !== wanted) &&
        `Type ${wanted ?? 'the name'}, exactly, to overwrite it.`
      : name !== '' && 'Nothing is overwritten: leave this empty.',
    [inputs.reason]:
      isOverwriting(target) && known.isProtected && reason === '' && 'Say why: somebody else decides by it.',
  }
  return Object.fromEntries(
    Object.entries(errors).filter((pair): pair is [string, string] => pair[1] !== false),
  )
}

/** Makes the plan; the card itself is posted by the engine. Says where it is, or why there is none. */
export async function planRestore(desk: Desk, submitted: Submitted, place: Place): Promise<void> {
  const view = await planned(desk, submitted, place).catch((error: unknown) =>
    again(desk, submitted, { place, error }),
  )
  await updateView(desk, submitted.viewId, { place, view })
}

async function planned(
  desk: Desk,
  submitted: Submitted,
  place: Place,
): Promise<ReturnType<typeof plannedView>> {
  const { strategy, target, database, name, reason } = submitted
  const person = await desk.identify(place.user)
  const backup = (await restorable(desk, person, strategy)).find((one) => backupKey(one) === submitted.backup)
  const args = {
    strategy,
    backup: backup?.id ?? `${strategy}-${submitted.backup}`,
    ...((target === 'named' || target === 'overwrite') && { targetDb: database }),
    ...(target === 'overwrite' && { clean: true }),
    ...(target === 'in-place' && { inPlace: true, force: true }), // the plan says how many sessions will be dropped
    ...(isOverwriting(target) && { typed: name }),
    ...(reason !== '' && { reason }),
  }
  const reply = await desk.ask({ name: 'restore', args }, person)
  if (reply.type === 'plan' && reply.request.kind === 'restore')
    return plannedView(reply.request, channelFor(desk.routing(strategy), 'approvals'))
  const channelOf = (): string => channelFor(desk.routing(strategy), 'success')
  return drawnView(
    restoreTitle,
    drawReply(reply, { now: desk.clock.now(), style: 'basic', page: 0, words: null, channelOf }),
  )
}

/** The dialog once more with what was typed and what was wrong; only a refusal ends it. */
async function again(
  desk: Desk,
  submitted: Submitted,
  { place, error }: { place: Place; error: unknown },
): Promise<ReturnType<typeof faultView>> {
  const { code } = asFault(error)
  if (code === 'denied' || code === 'internal') return faultView(restoreTitle, error)
  const { strategy, target, database, name, reason } = submitted
  return prepare(desk, place, { strategy }).then(
    (dialog) => {
      const chosen = dialog.backups.find((one) => backupKey(one) === submitted.backup)?.id ?? null
      return restoreDialog({ ...dialog, chosen, typed: { target, database, name, reason }, problem: error })
    },
    () => faultView(restoreTitle, error),
  )
}
