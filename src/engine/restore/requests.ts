import { Fault } from '../../core/faults.ts'
import { suffix } from '../../core/keys.ts'
import type { Actor, AnyRequestView, RequestState, RequestView, RestorePlan } from '../../core/model.ts'
import type { Write } from '../../state/database.ts'
import {
  findAnyRequest,
  findRequest,
  insertRequest,
  moveRequest,
  requestsIn,
  type StoredRequest,
} from '../../state/requests.ts'
import { insertRun, type Run } from '../../state/runs.ts'
import type { EngineContext } from '../context.ts'
import type { RestoreAsk } from '../facade.ts'
import { tellRequest } from '../tell.ts'
import { strategyFor, type FixedAsk } from './choose.ts'
import { fixAsk, planRestore } from './plan.ts'

/** Plans a restore without filing it. */
export async function draftRequest(
  context: EngineContext,
  ask: RestoreAsk,
  actor: Actor,
): Promise<StoredRequest<FixedAsk>> {
  const signal = AbortSignal.timeout(60_000)
  const fixed = await fixAsk(context, ask, signal)
  const plan = await planRestore(context, fixed, signal)
  const now = context.clock.now()
  const { restore } = strategyFor(context, fixed.strategy ?? '', fixed)
  const view: RequestView = {
    id: newRequestId(context),
    kind: 'restore',
    version: 1,
    state: 'waiting',
    requester: actor,
    reason: ask.reason,
    createdAt: now,
    expiresAt: now + restore.expiresMs,
    plan,
    decidedBy: null,
    decidedAt: null,
    run: null,
    fault: null,
  }
  return { view, ask: fixed, configHash: context.config.hash }
}

/** Files a request; its card is shown, nothing else happens before `confirm`. @throws Fault target-invalid · target-exists */
export async function fileRequest(
  context: EngineContext,
  ask: RestoreAsk,
  actor: Actor,
): Promise<RequestView> {
  const request = await draftRequest(context, ask, actor)
  refuseBlocked(request.view.plan)
  await context.database.write(async (tx) => {
    await insertRequest(tx, request)
    await tellRequest(context, tx, request.view)
  })
  return request.view
}

/** @throws Fault target-exists when only what is there is in the way · target-invalid */
export function refuseBlocked({ blockers, target }: RestorePlan): void {
  if (blockers.length === 0) return
  const isOccupied = target.occupied === true && target.overwritten !== true && blockers.length === 1
  throw new Fault(isOccupied ? 'target-exists' : 'target-invalid', blockers[0]!, {
    hint: isOccupied
      ? 'choose another name, or let an admin overwrite it with --clean; nothing was changed'
      : 'nothing was changed',
  })
}

/** Starts the restore, once: bound to requester, version, plan and configuration (promise 11).
 * @throws Fault not-found · denied · stale · expired */
export async function confirmRequest(
  context: EngineContext,
  id: string,
  version: number,
  actor: Actor,
): Promise<RequestView> {
  const request = await decidable(context, id, version, actor)
  if (request.configHash !== context.config.hash) {
    await decide(context, request, 'cancelled', actor)
    throw new Fault('stale', 'the configuration changed after the plan was made; the request was closed', {
      hint: 'ask for the restore again',
    })
  }
  const { plan } = request.view
  const runId = newRunId(context)
  const run: Parameters<typeof insertRun>[1] = {
    id: runId,
    kind: 'restore',
    strategy: request.ask.strategy ?? plan.backup.strategy,
    series: plan.backup.series,
    trigger: 'person',
    actor,
    slotAt: null,
    lease: `target/${plan.target.endpoint}/${plan.target.name}`,
    params: { backup: plan.backup.id, request: id },
    maxAttempts: 1,
  }
  const now = await decide(
    context,
    request,
    'executing',
    actor,
    async (tx) => insertRun(tx, run, context.clock.now()),
    runId,
  )
  context.bus.emit({ type: 'run.queued', run: runId, kind: 'restore', strategy: run.strategy })
  return now
}

export async function dismissRequest(
  context: EngineContext,
  id: string,
  version: number,
  actor: Actor,
): Promise<RequestView> {
  return decide(context, await decidable(context, id, version, actor), 'cancelled', actor)
}

async function decidable(
  context: EngineContext,
  id: string,
  version: number,
  actor: Actor,
): Promise<StoredRequest<FixedAsk>> {
  const request = await findRequest<FixedAsk>(context.database.read, id)
  if (!request) throw new Fault('not-found', `there is no request ${id.slice(0, 40)}`)
  const { view } = request
  await mustBeWaiting(context, view, version)
  if (view.requester.via !== actor.via || view.requester.id !== actor.id)
    throw new Fault('denied', 'only the person who asked for this restore can decide it', {
      hint: 'ask for your own: `restore`',
    })
  return request
}

/** @throws Fault stale · expired, when this version cannot be decided any more */
export async function mustBeWaiting(
  context: EngineContext,
  view: AnyRequestView,
  version: number,
): Promise<void> {
  if (view.state !== 'waiting')
    throw new Fault('stale', explain(view), { hint: 'nothing was changed by this click' })
  if (context.clock.now() > view.expiresAt) {
    await expireRequests(context)
    throw new Fault('expired', 'this request has expired; nothing was changed', {
      hint: `ask for it again: \`${view.kind}\``,
    })
  }
  if (view.version !== version)
    throw new Fault('stale', 'this card is out of date; nothing was changed', {
      hint: 'look at the newest card',
    })
}

const nouns = { restore: 'restore', prune: 'deletion' } as const

function explain(view: AnyRequestView): string {
  const who = view.decidedBy ? ` by @${view.decidedBy.id}` : ''
  const what = nouns[view.kind]
  const words: Record<RequestState, string> = {
    waiting: 'this request waits',
    executing: `this ${what} was already started${who}`,
    done: `this ${what} is already done (started${who})`,
    cancelled: `this request was already cancelled${who}`,
    expired: 'this request has expired',
    failed: `this ${what} was already started${who} and failed`,
  }
  return words[view.state]
}

/** One step from `waiting`, told in the same transaction. @throws Fault stale when somebody was faster */
export async function decide<View extends AnyRequestView>(
  context: EngineContext,
  request: { view: View },
  to: RequestState,
  actor: Actor,
  also?: (tx: Write) => Promise<void>,
  run?: string,
): Promise<View> {
  const { id, version } = request.view
  return context.database.write(async (tx) => {
    const moved = await moveRequest(tx, id, {
      from: 'waiting',
      version,
      to,
      by: actor,
      at: context.clock.now(),
      ...(run ? { run } : {}),
    })
    const now = (await findAnyRequest(tx, id))!
    if (!moved) throw new Fault('stale', explain(now.view), { hint: 'nothing was changed by this click' })
    await also?.(tx)
    await tellRequest(context, tx, now.view)
    return now.view as View
  })
}

/** The end of a run is the end of the request it was for. */
export async function settleRequest(context: EngineContext, tx: Write, run: Run): Promise<void> {
  const request = run.params.request ? await findAnyRequest(tx, run.params.request) : null
  if (!request || request.view.state !== 'executing') return
  const to: RequestState =
    run.state === 'succeeded' ? 'done' : run.state === 'cancelled' ? 'cancelled' : 'failed'
  await moveRequest(tx, request.view.id, {
    from: 'executing',
    version: request.view.version,
    to,
    by: null,
    at: context.clock.now(),
    ...(run.fault ? { fault: run.fault } : {}),
  })
  await tellRequest(context, tx, (await findAnyRequest(tx, request.view.id))!.view)
}

/** Requests that nobody decided in time end here; their cards say so. */
export async function expireRequests(context: EngineContext): Promise<void> {
  const now = context.clock.now()
  for (const { view } of await requestsIn(context.database.read, 'waiting')) {
    if (view.expiresAt >= now) continue
    await context.database.write(async (tx) => {
      if (
        !(await moveRequest(tx, view.id, {
          from: 'waiting',
          version: view.version,
          to: 'expired',
          by: null,
          at: now,
        }))
      )
        return
      await tellRequest(context, tx, (await findAnyRequest(tx, view.id))!.view)
    })
  }
}

export function newRequestId({ clock }: EngineContext): string {
  return `rq-${suffix(() => clock.random())}${suffix(() => clock.random())}`
}

export function newRunId(context: EngineContext): string {
  const stamp = new Date(context.clock.now()).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')
  return `r${stamp}${suffix(() => context.clock.random())}`
}
