import { driftOf } from '../../core/drift.ts'
import { Fault } from '../../core/faults.ts'
import { serviceActor, type AnyRequestView, type RestorePlan } from '../../core/model.ts'
import { isPinned } from '../../core/retention.ts'
import { findPin } from '../../state/pins.ts'
import type { StoredRequest } from '../../state/requests.ts'
import type { EngineContext } from '../context.ts'
import type { FixedAsk } from '../restore/choose.ts'
import { planRestore } from '../restore/plan.ts'
import { refuseBlocked } from '../restore/requests.ts'
import { retentionDigest } from './retention.ts'
import { takeStep } from './step.ts'
import { pinDigest } from './unpin.ts'

/** Plans a restore anew. Clicks that come together share one look at the target. */
export type Look = (id: string, ask: FixedAsk) => Promise<RestorePlan>

export function createLook(context: EngineContext): Look {
  const looking = new Map<string, Promise<RestorePlan>>()
  return (id, ask) => {
    const known = looking.get(id)
    if (known) return known
    const look = planRestore(context, ask, AbortSignal.timeout(60_000)).finally(() => looking.delete(id))
    looking.set(id, look)
    return look
  }
}

/** What was shown must still be true when it is decided; any drift voids the request (promise 11).
 * @throws Fault stale · target-invalid · target-exists */
export async function mustBeUnchanged(
  context: EngineContext,
  look: Look,
  stored: StoredRequest<unknown, AnyRequestView>,
): Promise<void> {
  const { view } = stored
  const drift = await driftIn(context, look, stored)
  if (drift.length === 0) return
  const fault = driftFault(drift)
  await takeStep(context, view, {
    to: 'cancelled',
    by: serviceActor,
    fault: { code: 'stale', text: drift.join('; '), hint: 'ask for it again to see what it would do now' },
    act: 'void',
    result: 'refused',
    detail: fault.message,
  })
  throw fault
}

/** @param drift what changed, in words */
export function driftFault(drift: readonly string[]): Fault {
  return new Fault('stale', `${drift.join('; ')}; nothing was touched, and the request is void`, {
    hint: 'ask for it again to see what it would do now',
  })
}

async function driftIn(
  context: EngineContext,
  look: Look,
  { view, ask, configHash }: StoredRequest<unknown, AnyRequestView>,
): Promise<string[]> {
  const { kind, plan } = view
  if (kind === 'prune') return [] // of what was shown only what retention still lets go is deleted
  if (kind === 'retention')
    return retentionDigest(context, plan.strategy) === plan.digest
      ? []
      : [`the retention of ${plan.strategy} changed again after it was shown`]
  if (kind === 'unpin') {
    const pin = await findPin(context.database.read, plan.backup)
    const isSame = isPinned(pin, context.clock.now()) && pinDigest(plan.backup, pin) === plan.digest
    return isSame ? [] : [`the pin of ${plan.backup} is no longer the one that was shown`]
  }
  if (configHash !== context.config.hash) return [configDrift]
  const now = await look(view.id, ask as FixedAsk)
  const drift = driftOf(plan, now)
  if (drift.length === 0) refuseBlocked(now)
  return drift
}

export const configDrift = 'the configuration changed after the plan was made'
