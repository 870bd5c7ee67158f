import type { FaultCode } from '../../core/faults.ts'
import type { IncidentMember } from '../../core/incidents.ts'
import { suffix } from '../../core/keys.ts'
import type { Read, Write } from '../../state/database.ts'
import { openBackupIncidents, seriesSubject, type Incident } from '../../state/incidents.ts'
import { leader } from '../../state/memory.ts'
import type { EngineContext } from '../context.ts'
import { isLate, nextCall } from './calls.ts'
import type { Reason } from './reason.ts'
import { headKey, join, keep, release } from './tell.ts'

/** So many strategies that fail for one reason within `togetherMs` are one incident. */
export const manyStrategies = 5
const togetherMs = 15 * 60_000

/** One sign of trouble of one strategy. */
export interface Sign {
  strategy: string
  reason: Reason
  timezone: string
  /** null: a backup is missing, and nothing failed. */
  failure: { code: FaultCode | null; why: string | null; hint: string | null } | null
  /** What is known of it now, from what was known. */
  member: (known: IncidentMember | undefined) => IncidentMember
}

/** Counts it where it belongs: in the incident of its reason or of its strategy, or in a new one; strategies that fail together
 * become one. @returns the incident's id */
export async function count(context: EngineContext, tx: Write, sign: Sign): Promise<string> {
  const open = await openBackupIncidents(tx)
  const isOwed = sign.member(undefined).state === 'owed'
  const mine = isOwed ? undefined : open.find((one) => isIn(one, sign.strategy))
  const was = mine?.members.find((one) => one.strategy === sign.strategy)
  const target = targetOf(open, { sign, mine }) ?? (await openedBy(context, tx, { sign, open, was }))
  const counted = withSign(context, target, { sign, was })
  const many = counted.kind === 'series' ? together(context, { counted, open, sign }) : []
  const incident = many.length < manyStrategies ? counted : await unite(context, tx, { many, open, sign })
  if (mine && mine.id !== counted.id)
    await leave(context, tx, { from: mine, strategy: sign.strategy, to: incident.id })
  const isNew = !open.some(({ id }) => id === incident.id)
  await keep(context, tx, {
    incident: awake(incident, sign),
    turn: isNew
      ? null
      : {
          now: context.clock.now(),
          woke: incident.snoozed?.until === null && sign.failure !== null,
          spread: incident !== counted && (await isSeen(tx, incident.id)),
        },
  })
  return incident.id
}

/** A snooze until the next run ends with one that fails. */
function awake(incident: Incident, { failure }: Sign): Incident {
  return incident.snoozed?.until === null && failure !== null ? { ...incident, snoozed: null } : incident
}

/** What is late stays where it failed before. */
function targetOf(
  open: readonly Incident[],
  { sign, mine }: { sign: Sign; mine: Incident | undefined },
): Incident | undefined {
  if (sign.failure === null && mine) return mine
  const group = open.find(({ subject }) => subject === sign.reason.subject)
  if (group || sign.reason.kind === 'place') return group
  return mine?.kind === 'series' ? mine : undefined
}

function isIn({ members }: Incident, strategy: string): boolean {
  return members.some((one) => one.strategy === strategy && one.state !== 'owed')
}

const heldMs = 5_000
const quietHeldMs = 2 * 60_000 // nobody is called by it

/** Nobody is called who was called a moment before: for the same reason, or for the same strategy. */
async function openedBy(
  context: EngineContext,
  tx: Write,
  { sign, open, was }: { sign: Sign; open: readonly Incident[]; was: IncidentMember | undefined },
): Promise<Incident> {
  const now = context.clock.now()
  const isPlace = sign.reason.kind === 'place'
  const member = sign.member(was)
  const isKnown = open.some((one) => !one.quiet && isSame(one, sign.reason, now))
  const quiet = member.state === 'owed' || isKnown || was !== undefined
  return newIncident(context, tx, {
    subject: isPlace ? sign.reason.subject : seriesSubject(sign.strategy),
    kind: isPlace ? 'place' : 'series',
    strategy: sign.strategy,
    where: isPlace ? sign.reason.where : sign.strategy,
    reason: sign.reason.subject,
    quiet,
    timezone: sign.timezone,
    callAt: nextCall(member.failures),
    late: member.overdueSince !== null,
  })
}

type Opening = Pick<
  Incident,
  'subject' | 'kind' | 'strategy' | 'where' | 'reason' | 'quiet' | 'timezone' | 'callAt' | 'late'
>

/** One without anything in it yet. */
export async function newIncident({ clock }: EngineContext, tx: Write, opening: Opening): Promise<Incident> {
  const now = clock.now()
  // a command that works alone ends soon, and what it holds back would be told by the next one
  const isBrief = (await leader(tx))?.role === 'command'
  const stamp = new Date(now).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')
  return {
    ...opening,
    id: `i${stamp}${suffix(() => clock.random())}`,
    state: 'open',
    into: null,
    code: null,
    why: null,
    hint: null,
    openedAt: now,
    heldUntil: isBrief ? now : now + (opening.quiet ? quietHeldMs : heldMs),
    closedAt: null,
    failures: 0,
    lastFailedAt: null,
    members: [],
    ever: [],
    acknowledged: null,
    snoozed: null,
    acts: 0,
    notes: 0,
  }
}

/** @param was  how the strategy was in trouble before, here or elsewhere: what was said of it is not said again */
function withSign(
  context: EngineContext,
  incident: Incident,
  { sign, was }: { sign: Sign; was: IncidentMember | undefined },
): Incident {
  const known = incident.members.find(({ strategy }) => strategy === sign.strategy)
  const member = sign.member(known ?? was)
  const members = [...incident.members.filter((one) => one !== known), member]
  return {
    ...incident,
    ...(sign.failure !== null && {
      ...sign.failure,
      code: sign.failure.code ?? incident.code,
      reason: sign.reason.subject,
      lastFailedAt: context.clock.now(),
    }),
    members,
    failures: Math.max(incident.failures, ...members.map(({ failures }) => failures)),
    ever: [...new Set([...incident.ever, sign.strategy])],
    late: incident.late || (was?.overdueSince ?? null) !== null,
  }
}

function isSame(one: Incident, { subject }: Reason, now: number): boolean {
  return one.reason === subject && Math.abs(now - (one.lastFailedAt ?? one.openedAt)) <= togetherMs
}

/** Those that fail for the same reason at this time, oldest first. */
function together(
  { clock }: EngineContext,
  { counted, open, sign }: { counted: Incident; open: readonly Incident[]; sign: Sign },
): Incident[] {
  const others = open.filter(
    (one) => one.kind === 'series' && one.id !== counted.id && isSame(one, sign.reason, clock.now()),
  )
  return [...others, counted]
}

/** The one that called people goes on as the incident of all, in its own thread; the others become parts of it. */
async function unite(
  context: EngineContext,
  tx: Write,
  { many, open, sign }: { many: readonly Incident[]; open: readonly Incident[]; sign: Sign },
): Promise<Incident> {
  const head = many.find(({ quiet }) => !quiet) ?? many[0]!
  const newest = many.at(-1)!
  for (const incident of many)
    if (incident.id !== head.id && open.some(({ id }) => id === incident.id))
      await join(context, tx, { incident, into: head.id })
  const members = many.flatMap((incident) => incident.members)
  const failures = Math.max(...members.map((member) => member.failures))
  const { code, why, hint, lastFailedAt } = newest
  return {
    ...head,
    code,
    why,
    hint,
    lastFailedAt,
    subject: sign.reason.subject,
    kind: 'shared',
    where: sign.reason.where,
    members,
    ever: [...new Set(many.flatMap(({ ever }) => ever))],
    failures,
    callAt: nextCall(failures),
    late: many.some(isLate),
    acts: head.acts + 1,
    acknowledged: null,
    snoozed: null,
  }
}

/** It fails for another reason now. */
async function leave(
  context: EngineContext,
  tx: Write,
  { from, strategy, to }: { from: Incident; strategy: string; to: string },
): Promise<void> {
  if (from.id === to || from.state !== 'open') return
  if (from.kind === 'series' || from.members.length === 1)
    return join(context, tx, { incident: from, into: to })
  await release(context, tx, { incident: from, strategies: [strategy] })
}

/** Somebody may have been called already. */
async function isSeen(db: Read, id: string): Promise<boolean> {
  const shown = db.selectFrom('deliveries').select('key').where('key', '=', headKey(id))
  return (await shown.where('receipt', 'is not', null).limit(1).executeTakeFirst()) !== undefined
}
