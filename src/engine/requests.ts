import { Fault } from '../core/faults.ts'
import { serviceActor, type Actor, type AnyRequestView } from '../core/model.ts'
import { findAnyRequest, noteReview, openRequests } from '../state/requests.ts'
import type { EngineContext } from './context.ts'
import { carryOutLeft } from './requests/acts.ts'
import { endOverdue, redrawOpen } from './requests/overdue.ts'
import { requestOf } from './requests/decide.ts'
import { askAboutRetention } from './requests/retention.ts'
import { note } from './requests/step.ts'
import { planLeft } from './restore/requests.ts'
import { tellRequest } from './requests/tell.ts'

/** Everything that waits for somebody, or is being done; oldest first. */
export async function listOpen(context: EngineContext): Promise<AnyRequestView[]> {
  return (await openRequests(context.database.read)).map(({ view }) => view)
}

/** After a start: what is overdue ends, what was begun goes on, and every card shows where it stands. */
export async function takeUpRequests(context: EngineContext): Promise<void> {
  await endOverdue(context)
  await planLeft(context)
  await carryOutLeft(context)
  await askAboutRetention(context, serviceActor)
  await redrawOpen(context)
}

/** An admin looked at what was done on the host without a second person.
 * @throws Fault not-found · usage · stale when somebody had looked before */
export async function reviewRequest(
  context: EngineContext,
  id: string,
  actor: Actor,
): Promise<AnyRequestView> {
  const { view } = await requestOf(context, id)
  if (!view.brokeGlass)
    throw new Fault('usage', 'there is nothing to review: it was decided as it should be', {
      hint: 'see the card',
    })
  const at = context.clock.now()
  const isFirst = await context.database.write(async (tx) => {
    if (!(await noteReview(tx, id, actor, at))) return false
    await note(context, tx, view, { act: 'review', actor, result: 'done' })
    await tellRequest(context, tx, (await findAnyRequest(tx, id))!.view)
    return true
  })
  const { view: now } = await requestOf(context, id)
  if (!isFirst)
    throw new Fault('stale', `this was already reviewed by @${now.reviewedBy?.id ?? 'somebody'}`, {
      hint: 'nothing was changed by this click',
    })
  return now
}
