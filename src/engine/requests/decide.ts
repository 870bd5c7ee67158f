import { Fault } from '../../core/faults.ts'
import type { Actor, AnyRequestView, Needs } from '../../core/model.ts'
import { findAnyRequest, type StoredRequest } from '../../state/requests.ts'
import { insertRun } from '../../state/runs.ts'
import type { EngineContext } from '../context.ts'
import { carryOutActs } from './acts.ts'
import { endOverdue } from './overdue.ts'
import { runOf } from './runs.ts'
import { note, nouns, takeStep, unchanged, whereItStands } from './step.ts'
import { mustBeUnchanged, type Look } from './unchanged.ts'

/** What somebody says to a request, as it was shown to them. */
export interface Decision {
  id: string
  /** The version that was shown; null: whatever it is now, said in so many words on the host. */
  version: number | null
  actor: Actor
  reason: string | null
}

type Stored = StoredRequest<unknown, AnyRequestView>

/** The same, beside what the request says now. */
interface Deciding extends Decision {
  act: string
  stored: Stored
}

const startWithinMs = 15 * 60_000 // what was agreed to then may be wrong later

/** The requester's own word. Where a second person is needed it waits for that one from now on; on the host, with a reason, it does not.
 * @throws Fault not-found · denied · stale · expired · target-invalid */
export function confirmRequest(
  context: EngineContext,
  look: Look,
  decision: Decision,
): Promise<AnyRequestView> {
  return deciding(context, { ...decision, act: 'confirm' }, async (asked) => {
    const { view } = asked.stored
    if (view.state === 'waiting' && view.kind !== 'restore') return agree(context, look, asked)
    mustBeIn(view, 'planned')
    await mustBeTimely(context, asked)
    mustBeTheirs(asked)
    await mustBeUnchanged(context, look, asked.stored)
    const { needs, reason } = view
    const breaksGlass = needs.second && asked.actor.via === 'cli' && reason !== null
    if (needs.second && !breaksGlass)
      return takeStep(context, view, { to: 'waiting', by: null, act: 'confirm', result: 'allowed' })
    return queue(context, asked, breaksGlass)
  })
}

/** The second person's yes, or an admin's where one is enough.
 * @throws Fault not-found · denied · stale · expired · target-invalid */
export function approveRequest(
  context: EngineContext,
  look: Look,
  decision: Decision,
): Promise<AnyRequestView> {
  return deciding(context, { ...decision, act: 'approve' }, (asked) => agree(context, look, asked))
}

/** @throws Fault not-found · denied · stale · expired */
export function rejectRequest(context: EngineContext, decision: Decision): Promise<AnyRequestView> {
  return deciding(context, { ...decision, act: 'reject' }, async (asked) => {
    mustBeIn(asked.stored.view, 'waiting')
    await mustBeTimely(context, asked)
    return takeStep(context, asked.stored.view, {
      to: 'rejected',
      by: asked.actor,
      decision: asked.reason,
      act: 'reject',
      result: 'allowed',
    })
  })
}

/** The requester withdraws it. What nobody in person asked for is refused like this by whoever may decide it.
 * @throws Fault not-found · denied · stale · expired */
export function dismissRequest(context: EngineContext, decision: Decision): Promise<AnyRequestView> {
  return deciding(context, { ...decision, act: 'cancel' }, async (asked) => {
    const { view } = asked.stored
    if (view.state !== 'planned') mustBeIn(view, 'waiting')
    await mustBeTimely(context, asked)
    const isTheirs = isSame(view.requester, asked.actor)
    if (view.kind === 'restore') mustBeTheirs(asked)
    const to = view.kind === 'restore' || (isTheirs && view.needs.second) ? 'cancelled' : 'rejected'
    return takeStep(context, view, { to, by: asked.actor, act: 'cancel', result: 'allowed' })
  })
}

async function agree(context: EngineContext, look: Look, asked: Deciding): Promise<AnyRequestView> {
  const { view } = asked.stored
  mustBeIn(view, 'waiting')
  await mustBeTimely(context, asked)
  mustBeAnother(asked)
  await mustBeUnchanged(context, look, asked.stored)
  return queue(context, asked, view.needs.second && asked.actor.via === 'cli')
}

/** Decided: its run is queued in the same transaction, and has to start in time. */
async function queue(context: EngineContext, asked: Deciding, brokeGlass: boolean): Promise<AnyRequestView> {
  const { actor, reason, act, stored } = asked
  const run = runOf(context, stored, actor)
  const now = await takeStep(context, stored.view, {
    to: 'approved',
    by: actor,
    ...(reason !== null && { decision: reason }),
    startBy: context.clock.now() + startWithinMs,
    brokeGlass,
    act,
    result: 'allowed',
    detail: brokeGlass ? 'on the host, without the second person it needs' : null,
    ...(run && { run: run.id, also: (tx) => insertRun(tx, run, context.clock.now()) }),
  })
  if (!run) return carryOutActs(context, now)
  context.bus.emit({ type: 'run.queued', run: run.id, kind: run.kind, strategy: run.strategy })
  return now
}

/** Finds what is decided; whoever is refused has that in the audit log (promise 18). */
async function deciding(
  context: EngineContext,
  decision: Decision & { act: string },
  decide: (asked: Deciding) => Promise<AnyRequestView>,
): Promise<AnyRequestView> {
  const stored = await requestOf(context, decision.id)
  try {
    return await decide({ ...decision, stored })
  } catch (error) {
    if (error instanceof Fault) await noteRefusal(context, stored.view, { ...decision, why: error.message })
    throw error
  }
}

async function noteRefusal(
  context: EngineContext,
  view: AnyRequestView,
  { act, actor, reason, why }: { act: string; actor: Actor; reason: string | null; why: string },
): Promise<void> {
  const row = { act, actor, result: 'refused', decision: reason, detail: why } as const
  await context.database.write((tx) => note(context, tx, view, row))
}

/** @throws Fault not-found */
export async function requestOf(context: EngineContext, id: string): Promise<Stored> {
  const found = await findAnyRequest(context.database.read, id)
  if (!found)
    throw new Fault('not-found', `there is no request ${id.slice(0, 40)}`, {
      hint: '`requests` lists what waits for somebody',
    })
  return found
}

function mustBeIn(view: AnyRequestView, state: 'planned' | 'waiting'): void {
  if (view.state === state) return
  throw new Fault('stale', whereItStands(view), { hint: unchanged })
}

/** Neither too late nor about something that was shown differently. */
async function mustBeTimely(context: EngineContext, { stored: { view }, version }: Deciding): Promise<void> {
  if (context.clock.now() > view.expiresAt) {
    await endOverdue(context)
    throw new Fault('expired', 'this request has expired; nothing was changed', {
      hint: 'ask for it again',
    })
  }
  if (version !== null && view.version !== version)
    throw new Fault('stale', 'this card is out of date; nothing was changed', {
      hint: 'look at the newest card',
    })
}

function isSame(one: Actor, other: Actor): boolean {
  return one.via === other.via && one.id === other.id
}

function mustBeTheirs({ stored: { view }, actor }: Deciding): void {
  if (isSame(view.requester, actor)) return
  throw new Fault(
    'denied',
    `only the person who asked for this ${nouns[view.kind]} can confirm or cancel it`,
    {
      hint: 'nothing was changed',
    },
  )
}

/** The requester is never the second person. On the host that is what breaking the glass is, and wants a reason. */
function mustBeAnother({ stored: { view }, actor, reason }: Deciding): void {
  const { needs, requester, kind } = view
  if (!needs.second || needs.self || !isSame(requester, actor)) return
  if (actor.via !== 'cli')
    throw new Fault(
      'denied',
      `you can ask for this ${nouns[kind]} but not approve it: somebody else${among(needs)} has to`,
      {
        hint: 'nothing was changed',
      },
    )
  if (reason === null)
    throw new Fault(
      'denied',
      `you asked for this ${nouns[kind]} yourself, so somebody else has to approve it`,
      {
        hint: 'add --reason to do it without a second person; everybody is told',
      },
    )
}

/** " of @S0LEADS": a face that can makes mentions of them. */
function among({ whom }: Needs): string {
  if (whom === null || whom === 'everyone' || whom.length === 0) return ''
  const names = whom.slice(0, 5).map((id) => `@${id}`)
  return ` of ${names.join(' or ')}`
}
