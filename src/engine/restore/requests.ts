import { asFault, Fault, faultFacts } from '../../core/faults.ts'
import {
  isNameTyped,
  nameToType,
  type Actor,
  type Needs,
  type RequestView,
  type RestorePlan,
} from '../../core/model.ts'
import { findAnyRequest, insertRequest, requestsIn, type StoredRequest } from '../../state/requests.ts'
import type { EngineContext } from '../context.ts'
import type { RestoreAsk } from '../facade.ts'
import { freshRequest } from '../requests/file.ts'
import { needsFor, needsOfRestore } from '../requests/needs.ts'
import { note, stepIn, whereItStands } from '../requests/step.ts'
import { strategyFor, type FixedAsk } from './choose.ts'
import { fixAsk, planRestore } from './plan.ts'

export { newRequestId, newRunId } from '../requests/ids.ts'

const planningMs = 60_000

/** Plans a restore without filing it. */
export async function draftRequest(
  context: EngineContext,
  ask: RestoreAsk,
  actor: Actor,
): Promise<RequestView> {
  const { fixed, plan } = await planned(context, ask)
  const { restore } = strategyFor(context, fixed.strategy ?? '', fixed)
  const fresh = freshRequest(context, actor)
  return {
    ...fresh,
    kind: 'restore',
    state: 'planned',
    reason: ask.reason,
    expiresAt: fresh.createdAt + restore.expiresMs,
    plan,
    needs: needsOfRestore(context, plan),
  }
}

/** Files a request, then plans it; its card is shown, nothing else happens before somebody decides it.
 * The ask is durable before its plan exists: a service that dies while planning plans it again.
 * @throws Fault target-invalid · target-exists · usage, when the ladder wants more than was said */
export async function fileRequest(
  context: EngineContext,
  ask: RestoreAsk,
  actor: Actor,
): Promise<RequestView> {
  const view: RequestView = {
    ...freshRequest(context, actor),
    version: 0,
    kind: 'restore',
    state: 'requested',
    reason: ask.reason,
    plan: unplanned(ask),
    needs: needsFor(context, ask.strategy ?? '', { kind: 'restore', overwrites: 'nothing', isMass: false }),
    expiresAt: context.clock.now() + expiresMs(context, ask.strategy),
  }
  const filed = { view, ask, configHash: context.config.hash, pings: 0 }
  await context.database.write(async (tx) => {
    await insertRequest(tx, filed)
    await note(context, tx, view, { act: 'request', actor, result: 'allowed' })
  })
  return planFiled(context, filed, { isAnswered: true })
}

/** What was asked for and never planned, because its process died. Its requester is told what came of it. */
export async function planLeft(context: EngineContext): Promise<void> {
  for (const request of await requestsIn(context.database.read, 'requested'))
    if (request.view.kind === 'restore' && request.view.expiresAt > context.clock.now())
      await planAgain(context, request as StoredRequest<RestoreAsk>)
}

async function planAgain(context: EngineContext, request: StoredRequest<RestoreAsk>): Promise<void> {
  const filed = { ...request, configHash: context.config.hash }
  await planFiled(context, filed, { isAnswered: false }).catch((error: unknown) =>
    context.log.warn('a restore could not be planned', {
      request: request.view.id,
      error: asFault(error).message,
    }),
  )
}

async function planFiled(
  context: EngineContext,
  filed: StoredRequest<RestoreAsk>,
  { isAnswered }: { isAnswered: boolean },
): Promise<RequestView> {
  const { view, ask } = filed
  try {
    const { fixed, plan } = await planned(context, ask)
    const needs = needsOfRestore(context, plan)
    refuseBlocked(plan)
    mustSayEnough({ needs, plan, ask, actor: view.requester })
    // who typed the name and the reason in the dialog has said their word; on the host it is asked for once the plan is seen
    const to = needs.second && view.requester.via === 'slack' ? 'waiting' : 'planned'
    return await moveOn(context, view, {
      to,
      planned: { ask: fixed, plan, needs },
      configHash: filed.configHash,
    })
  } catch (error) {
    const fault = faultFacts(error)
    await context.database.write((tx) =>
      stepIn(context, tx, view, {
        to: 'failed',
        by: null,
        fault: { ...fault, text: context.scrub(fault.text) },
        act: 'plan',
        result: 'failed',
        detail: fault.text,
        isAnswered,
      }),
    )
    throw error
  }
}

async function planned(
  context: EngineContext,
  ask: RestoreAsk,
): Promise<{ fixed: FixedAsk; plan: RestorePlan }> {
  const signal = AbortSignal.timeout(planningMs)
  const fixed = await fixAsk(context, ask, signal)
  return { fixed, plan: await planRestore(context, fixed, signal) }
}

async function moveOn(
  context: EngineContext,
  view: RequestView,
  {
    to,
    planned,
    configHash,
  }: {
    to: 'planned' | 'waiting'
    planned: { ask: FixedAsk; plan: RestorePlan; needs: Needs }
    configHash: string
  },
): Promise<RequestView> {
  const step = { to, by: null, planned, configHash, act: 'plan', result: 'allowed' } as const
  const now = await context.database.write((tx) => stepIn(context, tx, view, step))
  if (now) return now as RequestView
  const { view: newest } = (await findAnyRequest(context.database.read, view.id))!
  if (newest.state === to) return newest as RequestView // planned by the service meanwhile
  throw new Fault('stale', whereItStands(newest), { hint: 'ask for it again' })
}

function expiresMs(context: EngineContext, strategy: string | null): number {
  const { strategies } = context.config
  const found = strategies.find(({ name }) => name === strategy) ?? strategies[0]
  return found?.restore.expiresMs ?? 30 * 60_000
}

/** What the ladder wants said before anybody else is asked. On the host it is asked for at the terminal, and a reason may be missing:
 * then somebody else has to approve.
 * @throws Fault usage */
function mustSayEnough({
  needs,
  plan,
  ask,
  actor,
}: {
  needs: Needs
  plan: RestorePlan
  ask: RestoreAsk
  actor: Actor
}): void {
  if (actor.via === 'cli') return
  if (needs.typed && !isNameTyped(plan, ask.typed ?? ''))
    throw new Fault('usage', `type ${nameToType(plan)}, the name of what is overwritten`, {
      hint: 'nothing was changed',
    })
  if (needs.reason && ask.reason === null)
    throw new Fault('usage', 'overwriting a protected database needs a reason', {
      hint: 'nothing was changed',
    })
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

/** Stands for the plan until there is one: what was asked for, and otherwise "unknown". */
function unplanned(ask: RestoreAsk): RestorePlan {
  return {
    backup: {
      id: ask.from ?? ask.backup,
      strategy: ask.strategy ?? '',
      series: '',
      createdAt: 0,
      level: 'V0',
      storedBytes: 0,
      rawBytes: null,
      tables: null,
      rows: null,
      sha256: [],
    },
    target: {
      mode: 'new-database',
      name: ask.targetDb ?? '',
      endpoint: '',
      fingerprint: '',
      exists: false,
      sizeBytes: null,
      sessions: null,
      serverVersion: null,
    },
    noOwner: ask.noOwner,
    missingRoles: [],
    expectedMs: null,
    freeBytes: null,
    neededBytes: null,
    steps: [],
    warnings: [],
    blockers: [],
    digest: '',
  }
}
