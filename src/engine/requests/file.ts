import type { Actor, AnyRequestView, Needs, UnpinPlan, RetentionPlan } from '../../core/model.ts'
import type { Write } from '../../state/database.ts'
import { findAnyRequest, insertRequest } from '../../state/requests.ts'
import type { EngineContext } from '../context.ts'
import { tellRequest } from './tell.ts'
import { newRequestId } from './ids.ts'
import { note } from './step.ts'

const dayMs = 24 * 60 * 60_000
/** A question that nobody sits and waits for: over a weekend. */
export const openForMs = 3 * dayMs

/** What every new request has in common. */
export function freshRequest(context: EngineContext, requester: Actor) {
  return {
    id: newRequestId(context),
    version: 1,
    requester,
    createdAt: context.clock.now(),
    expiresAt: context.clock.now() + openForMs,
    decidedBy: null,
    decidedAt: null,
    decision: null,
    startBy: null,
    brokeGlass: false,
    reviewedBy: null,
    reviewedAt: null,
    run: null,
    fault: null,
  }
}

/** Files a request whose plan is known, in the caller's transaction, and shows its card. */
export async function fileIn(
  context: EngineContext,
  tx: Write,
  view: AnyRequestView,
): Promise<AnyRequestView> {
  await insertRequest(tx, { view, ask: {}, configHash: context.config.hash, pings: 0 })
  await note(context, tx, view, { act: 'request', actor: view.requester, result: 'allowed' })
  const filed = (await findAnyRequest(tx, view.id))!.view
  await tellRequest(context, tx, filed)
  return filed
}

/** A request that waits for a second person from its first moment on. */
export function waitingFor(
  context: EngineContext,
  asked: { actor: Actor; reason: string | null; needs: Needs } & (
    | { kind: 'unpin'; plan: UnpinPlan }
    | { kind: 'retention'; plan: RetentionPlan }
  ),
): AnyRequestView {
  const { actor, ...what } = asked
  return { ...freshRequest(context, actor), ...what, state: 'waiting' }
}
