import { Fault } from '../../core/faults.ts'
import {
  serviceActor,
  strategyOfRequest,
  type Actor,
  type AnyRequestView,
  type RequestState,
} from '../../core/model.ts'
import { audit } from '../../state/audit.ts'
import type { Write } from '../../state/database.ts'
import { findAnyRequest, moveRequest, type Move } from '../../state/requests.ts'
import type { EngineContext } from '../context.ts'
import { tellRequest } from './tell.ts'

/** One step of a request, and what the audit log says of it. */
export interface Step extends Omit<Move, 'from' | 'version' | 'at'> {
  /** What was done: `approve`, `reject`, `expire`, … */
  act: string
  result: 'allowed' | 'refused' | 'done' | 'failed' | 'expired'
  /** Why, or what came of it. */
  detail?: string | null
  /** Written in the same transaction, once the step is sure. */
  also?: (tx: Write) => Promise<void>
  /** Whoever asked is being answered by their own face. */
  isAnswered?: boolean
}

/** Moves a request, audits that and says it, all or nothing. @returns null when somebody was faster */
export async function stepIn(
  context: EngineContext,
  tx: Write,
  view: AnyRequestView,
  step: Step,
): Promise<AnyRequestView | null> {
  const { act: _act, result: _result, detail: _detail, also, isAnswered = false, ...move } = step
  const at = context.clock.now()
  const moved = await moveRequest(tx, view.id, { ...move, from: view.state, version: view.version, at })
  if (!moved) return null
  const now = (await findAnyRequest(tx, view.id))!.view
  await note(context, tx, now, { ...step, actor: step.by ?? serviceActor })
  await also?.(tx)
  if (!isAnswered) await tellRequest(context, tx, now)
  return now
}

/** The same in a transaction of its own. @throws Fault stale when somebody was faster */
export async function takeStep<View extends AnyRequestView>(
  context: EngineContext,
  view: View,
  step: Step,
): Promise<View> {
  const now = await context.database.write((tx) => stepIn(context, tx, view, step))
  if (now) return now as View
  const { view: newest } = (await findAnyRequest(context.database.read, view.id))!
  throw new Fault('stale', whereItStands(newest), { hint: unchanged })
}

/** A row of the audit log about a request, e.g. `restore.approve`. */
export async function note(
  context: EngineContext,
  tx: Write,
  request: AnyRequestView,
  {
    act,
    actor,
    result,
    decision,
    detail,
  }: Pick<Step, 'act' | 'result' | 'decision' | 'detail'> & { actor: Actor },
): Promise<void> {
  const entry = {
    actor,
    act: `${request.kind}.${act}`,
    strategy: strategyOfRequest(request),
    subject: request.id,
    planDigest: request.plan.digest === '' ? null : request.plan.digest,
    reason: decision ?? request.reason,
    result,
    detail: detail ? context.scrub(detail.replaceAll(/\s+/g, ' ')).slice(0, 1_000) : null,
    link: null,
  }
  await audit(tx, entry, context.clock.now())
}

export const unchanged = 'nothing was changed by this click'

export const nouns = {
  restore: 'restore',
  prune: 'deletion',
  unpin: 'unpin',
  retention: 'retention',
} as const

/** Why a decision that comes too late decides nothing. */
export function whereItStands(view: AnyRequestView): string {
  const { needs, decidedBy, decidedAt, kind } = view
  const who = decidedBy ? ` by @${decidedBy.id}` : ''
  const when = decidedAt === null ? '' : ` at ${new Date(decidedAt).toISOString().slice(11, 16)} UTC`
  const yes = needs.second ? 'approved' : 'started'
  const what = `this ${nouns[kind]}`
  const words: Record<RequestState, string> = {
    requested: `${what} is being planned`,
    planned: `${what} waits for the word of whoever asked for it`,
    waiting: `${what} waits for a decision`,
    approved: `${what} was already ${yes}${who}${when}`,
    executing: `${what} was already ${yes}${who}${when}`,
    done: `${what} is already done (${yes}${who}${when})`,
    rejected: `${what} was already rejected${who}${when}`,
    cancelled: cancelledBecause(view, `${who}${when}`),
    expired: `the request for ${what} has expired`,
    failed: decidedBy ? `${what} was already ${yes}${who}${when} and failed` : `${what} could not be planned`,
  }
  return words[view.state]
}

/** Withdrawn, void, or stopped by somebody while it was done. */
function cancelledBecause({ kind, fault }: AnyRequestView, byWhom: string): string {
  if (!fault) return `this ${nouns[kind]} was already cancelled${byWhom}`
  return fault.code === 'stale'
    ? `this ${nouns[kind]} is void: ${fault.text}`
    : `this ${nouns[kind]} was stopped ${fault.hint ?? ''}`.trim()
}
