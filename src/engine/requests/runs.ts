import { Fault, type FaultFacts } from '../../core/faults.ts'
import type { Actor, AnyRequestView, RequestState } from '../../core/model.ts'
import type { Write } from '../../state/database.ts'
import { findAnyRequest, type StoredRequest } from '../../state/requests.ts'
import type { NewRun, Run } from '../../state/runs.ts'
import type { EngineContext } from '../context.ts'
import type { FixedAsk } from '../restore/choose.ts'
import { newRunId } from './ids.ts'
import { stepIn, whereItStands } from './step.ts'
import { configDrift, driftFault } from './unchanged.ts'

/** The run that does what was asked; null where it is done by the decision itself. */
export function runOf(
  context: EngineContext,
  { view, ask }: StoredRequest<unknown, AnyRequestView>,
  actor: Actor,
): NewRun | null {
  const same = { id: newRunId(context), trigger: 'person', actor, slotAt: null, maxAttempts: 1 } as const
  const { kind, plan } = view
  if (kind === 'prune') {
    const { strategy, series, storage } = plan
    const lease = `prune/${strategy}/${series}/${storage}`
    return { ...same, kind, strategy, series, lease, params: { request: view.id } }
  }
  if (kind !== 'restore') return null
  return {
    ...same,
    kind,
    strategy: (ask as FixedAsk).strategy ?? plan.backup.strategy,
    series: plan.backup.series,
    lease: `target/${plan.target.endpoint}/${plan.target.name}`,
    params: {
      backup: plan.backup.id,
      request: view.id,
      ...(plan.clone && { way: 'clone' }),
      ...(plan.swap && { way: 'in-place' }),
    },
  }
}

/** The run has started, and so what was approved is being done; not when that is too long ago, or the configuration is another one.
 * @throws Fault expired · stale */
export async function enterRequest(context: EngineContext, { params }: Run): Promise<void> {
  if (!params.request) return
  const stored = await findAnyRequest(context.database.read, params.request)
  if (!stored) throw new Fault('not-found', 'the request of this run is gone')
  const { view } = stored
  if (view.state === 'executing') return // a further attempt
  if (view.state !== 'approved') throw new Fault('stale', whereItStands(view))
  if (isTooLate(context, view)) throw lateFault()
  if (view.kind === 'restore' && stored.configHash !== context.config.hash) throw driftFault([configDrift])
  const step = { to: 'executing', by: null, act: 'start', result: 'allowed' } as const
  const now = await context.database.write((tx) => stepIn(context, tx, view, step))
  if (!now) throw new Fault('stale', 'the request of this run was ended by somebody else')
}

export function isTooLate({ clock }: EngineContext, { startBy }: AnyRequestView): boolean {
  return startBy !== null && clock.now() > startBy
}

export function lateFault(): Fault {
  return new Fault(
    'expired',
    'it was approved, but its run did not start within 15 min; nothing was changed',
    {
      hint: 'ask for it again',
    },
  )
}

/** The end of a run is the end of the request it was for. */
export async function settleRequest(context: EngineContext, tx: Write, run: Run): Promise<void> {
  const request = run.params.request ? await findAnyRequest(tx, run.params.request) : null
  if (!request || !['approved', 'executing'].includes(request.view.state)) return
  const to = endOf(run, request.view.state)
  await stepIn(context, tx, request.view, {
    to,
    by: null,
    ...(run.fault && { fault: run.fault }),
    act: 'run',
    result: to === 'done' ? 'done' : to === 'expired' ? 'expired' : 'failed',
    detail: detailOf(run.fault),
  })
}

function endOf({ state, fault }: Run, from: RequestState): RequestState {
  if (state === 'succeeded' || state === 'degraded') return 'done'
  if (state === 'cancelled') return 'cancelled'
  return fault?.code === 'expired' && from === 'approved' ? 'expired' : 'failed'
}

function detailOf(fault: FaultFacts | null): string | null {
  return fault ? `${fault.code}: ${fault.text}` : null
}
