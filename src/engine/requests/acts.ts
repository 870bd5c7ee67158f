import type { AnyRequestView } from '../../core/model.ts'
import type { Write } from '../../state/database.ts'
import { findAnyRequest, requestsIn } from '../../state/requests.ts'
import type { EngineContext } from '../context.ts'
import { acceptRetention } from './retention.ts'
import { isTooLate } from './runs.ts'
import { stepIn } from './step.ts'
import { endPin } from './unpin.ts'

/** Does what needs no run: one transaction from the decision to its end. */
export async function carryOutActs(context: EngineContext, view: AnyRequestView): Promise<AnyRequestView> {
  return context.database.write(async (tx) => {
    const begun = await stepIn(context, tx, view, {
      to: 'executing',
      by: null,
      act: 'start',
      result: 'allowed',
    })
    if (!begun) return (await findAnyRequest(tx, view.id))!.view // somebody else does it
    await act(context, tx, begun)
    return (await stepIn(context, tx, begun, { to: 'done', by: null, act: 'run', result: 'done' })) ?? begun
  })
}

async function act(context: EngineContext, tx: Write, view: AnyRequestView): Promise<void> {
  if (view.kind === 'unpin') await endPin(context, tx, view)
  if (view.kind === 'retention') await acceptRetention(context, tx, view.plan.strategy)
}

/** What was decided before a crash is done now. */
export async function carryOutLeft(context: EngineContext): Promise<void> {
  for (const { view } of await requestsIn(context.database.read, 'approved'))
    if (view.run === null && !isTooLate(context, view)) await carryOutActs(context, view)
}
