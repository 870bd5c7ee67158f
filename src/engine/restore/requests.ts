import { Fault } from '../../core/faults.ts'
import { suffix } from '../../core/keys.ts'
import type { Actor, RequestState, RequestView } from '../../core/model.ts'
import type { Write } from '../../state/database.ts'
import {
  findRequest,
  insertRequest,
  moveRequest,
  requestsIn,
  type StoredRequest,
} from '../../state/requests.ts'
import { insertRun, type Run } from '../../state/runs.ts'
import { strategyOf, type EngineContext } from '../context.ts'
import type { RestoreAsk } from '../facade.ts'
import { tellRequest } from '../tell.ts'
import { fixAsk, planRestore, type FixedAsk } from './plan.ts'

/** Plans a restore without filing it. */
export async function draftRequest(
  context: EngineContext,
  ask: RestoreAsk,
  actor: Actor,
): Promise<StoredRequest<FixedAsk>> {
  const fixed = await fixAsk(context, ask)
  const plan = await planRestore(context, fixed, AbortSignal.timeout(60_000))
  const now = context.clock.now()
  const { restore } = strategyOf(context, fixed.strategy ?? '')
  const view: RequestView = {
    id: `rq-${suffix(() => context.clock.random())}${suffix(() => context.clock.random())}`,
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

/** Files a request; its card is shown, nothing else happens before `confirm`. @throws Fault target-invalid */
export async function fileRequest(
  context: EngineContext,
  ask: RestoreAsk,
  actor: Actor,
): Promise<RequestView> {
  const request = await draftRequest(context, ask, actor)
  const [blocker] = request.view.plan.blockers
  if (blocker) throw new Fault('target-invalid', blocker, { hint: 'nothing was changed' })
  await context.database.write(async (tx) => {
    await insertRequest(tx, request)
    await tellRequest(context, tx, request.view)
  })
  return request.view
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
  if (view.state !== 'waiting')
    throw new Fault('stale', explain(view), { hint: 'nothing was changed by this click' })
  if (context.clock.now() > view.expiresAt) {
    await expireRequests(context)
    throw new Fault('expired', 'this request has expired; nothing was changed', {
      hint: 'ask for the restore again',
    })
  }
  if (view.version !== version)
    throw new Fault('stale', 'this card is out of date; nothing was changed', {
      hint: 'look at the newest card',
    })
  if (view.requester.via !== actor.via || view.requester.id !== actor.id)
    throw new Fault('denied', 'only the person who asked for this restore can decide it', {
      hint: 'ask for your own: `restore`',
    })
  return request
}

function explain(view: RequestView): string {
  const who = view.decidedBy ? ` by @${view.decidedBy.id}` : ''
  const words: Record<RequestState, string> = {
    waiting: 'this request waits',
    executing: `this restore was already started${who}`,
    done: `this restore is already done (started${who})`,
    cancelled: `this request was already cancelled${who}`,
    expired: 'this request has expired',
    failed: `this restore was already started${who} and failed`,
  }
  return words[view.state]
}

async function decide(
  context: EngineContext,
  request: StoredRequest,
  to: RequestState,
  actor: Actor,
  also?: (tx: Write) => Promise<void>,
  run?: string,
): Promise<RequestView> {
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
    const now = (await findRequest(tx, id))!
    if (!moved) throw new Fault('stale', explain(now.view), { hint: 'nothing was changed by this click' })
    await also?.(tx)
    await tellRequest(context, tx, now.view)
    return now.view
  })
}

/** The end of a restore is the end of its request. */
export async function settleRequest(context: EngineContext, tx: Write, run: Run): Promise<void> {
  const request = run.params.request ? await findRequest(tx, run.params.request) : null
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
  await tellRequest(context, tx, (await findRequest(tx, request.view.id))!.view)
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
      await tellRequest(context, tx, (await findRequest(tx, view.id))!.view)
    })
  }
}

export function newRunId(context: EngineContext): string {
  const stamp = new Date(context.clock.now()).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')
  return `r${stamp}${suffix(() => context.clock.random())}`
}
