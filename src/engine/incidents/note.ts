import type { Event } from '../../core/events.ts'
import type { IncidentMember } from '../../core/incidents.ts'
import type { RunView } from '../../core/model.ts'
import type { Write } from '../../state/database.ts'
import { assignIncident, openBackupIncidents, type Incident } from '../../state/incidents.ts'
import { failingSeries } from '../../state/series.ts'
import type { EngineContext } from '../context.ts'
import { overdueSince } from '../overdue.ts'
import { count } from './count.ts'
import { noteDrill } from './drills.ts'
import { noteOdd } from './odd.ts'
import { overdueReason, placeReason, reasonOf } from './reason.ts'
import { keep, release } from './tell.ts'

export interface Noted {
  /** That counts the run; null = none does. */
  incident: string | null
  /** To be emitted once the transaction holds. */
  events: Event[]
}

/** Counts the end of a backup or a drill in the incident it belongs to, in the transaction that ends the run. */
export async function noteEnd(context: EngineContext, tx: Write, run: RunView): Promise<Noted> {
  if (run.kind === 'drill') return noteDrill(context, tx, run)
  const noted: Noted = { incident: null, events: [] }
  if (run.kind !== 'backup') return noted
  if (run.state === 'failed') noted.incident = await noteFailure(context, tx, run)
  if (run.state === 'succeeded' || run.state === 'degraded') noted.events = await noteGood(context, tx, run)
  if (run.state === 'degraded') noted.incident = await noteOwed(context, tx, run)
  await noteOdd(context, tx, run) // it is good, so that nothing else is quiet because of it
  if (noted.incident !== null) await assignIncident(tx, run.id, noted.incident)
  return noted
}

async function noteFailure(context: EngineContext, tx: Write, run: RunView): Promise<string> {
  const { strategy, fault } = run
  const { failures, why } = await troubleOf(tx, run)
  return count(context, tx, {
    strategy,
    reason: reasonOf(context, run),
    timezone: run.timezone,
    failure: { code: fault?.code ?? 'internal', why, hint: fault?.hint ?? null },
    member: (known) => ({
      ...bare(run),
      state: 'failing',
      failures,
      run: run.id,
      why,
      overdueSince: known?.overdueSince ?? null,
      expected: known?.expected ?? run.schedule,
    }),
  })
}

/** A whole server is in trouble as one: as long as, and as often as, the worst of its databases. */
async function troubleOf(tx: Write, run: RunView): Promise<{ failures: number; why: string | null }> {
  const why = run.fault?.text ?? null
  if (run.database === undefined) return { failures: run.failuresInARow, why }
  const failing = await failingSeries(tx, run.strategy)
  const failures = Math.max(run.failuresInARow, ...failing.values())
  const others = failing.size - Number(failing.has(run.database))
  const newest = `${run.database}: ${why ?? 'it failed'}`
  return { failures, why: others === 0 ? newest : `${others + 1} databases, the newest ${newest}` }
}

/** A good backup that is not everywhere is the place's trouble. */
async function noteOwed(context: EngineContext, tx: Write, run: RunView): Promise<string | null> {
  let incident: string | null = null
  for (const { storage, why } of run.backup?.owed ?? []) {
    incident = await count(context, tx, {
      strategy: run.strategy,
      reason: placeReason(context, run.strategy, storage),
      timezone: run.timezone,
      failure: { code: null, why, hint: null },
      member: (known) => ({
        ...bare(run),
        state: 'owed',
        failures: (known?.failures ?? 0) + 1,
        run: run.id,
        why,
        overdueSince: null,
        expected: run.schedule,
      }),
    })
  }
  return incident
}

function bare({
  strategy,
  lastGoodAt,
  nextAt,
}: RunView): Pick<IncidentMember, 'strategy' | 'lastGoodAt' | 'nextAt'> {
  return { strategy, lastGoodAt, nextAt }
}

async function noteGood(context: EngineContext, tx: Write, run: RunView): Promise<Event[]> {
  const { strategy, series } = run
  const events: Event[] = []
  if (run.database !== undefined && (await isStillInTrouble(context, tx, strategy))) return events
  for (const incident of await openBackupIncidents(tx)) {
    const member = incident.members.find((one) => one.strategy === strategy && one.state !== 'owed')
    if (!member) continue
    if (member.overdueSince !== null) events.push({ type: 'series.recovered', strategy, series })
    await release(context, tx, { incident, strategies: [strategy] })
  }
  return events
}

/** One good database of a server says nothing of the others. */
async function isStillInTrouble(context: EngineContext, tx: Write, name: string): Promise<boolean> {
  if ((await failingSeries(tx, name)).size > 0) return true
  const strategy = context.config.strategies.find((one) => one.name === name)
  return strategy !== undefined && (await overdueSince(context, strategy, tx)) !== null
}

export interface Missing {
  strategy: string
  since: number
  lastGoodAt: number | null
  expected: string
  nextAt: number | null
  timezone: string
}

/** Counts a series that is late, once. @returns false when that was counted before */
export async function noteOverdue(context: EngineContext, tx: Write, missing: Missing): Promise<boolean> {
  const { strategy, since, timezone, ...facts } = missing
  const known = memberOf(await openBackupIncidents(tx), strategy)
  if (known !== null && known.overdueSince !== null) return false
  await count(context, tx, {
    strategy,
    reason: overdueReason(context, strategy),
    timezone,
    failure: null,
    member: (member) => ({
      strategy,
      state: member?.state ?? 'overdue',
      failures: member?.failures ?? 0,
      run: member?.run ?? null,
      why: member?.why ?? null,
      ...facts,
      overdueSince: since,
    }),
  })
  return true
}

/** A series that is late no more, although no backup of it was seen to end well. @returns whether it was late */
export async function noteInTime(context: EngineContext, tx: Write, strategy: string): Promise<boolean> {
  for (const incident of await openBackupIncidents(tx)) {
    const member = memberOf([incident], strategy)
    if (member === null || member.overdueSince === null) continue
    if (member.state === 'overdue') await release(context, tx, { incident, strategies: [strategy] })
    else {
      const members = incident.members.map((one) => (one === member ? { ...one, overdueSince: null } : one))
      await keep(context, tx, { incident: { ...incident, members }, turn: null })
    }
    return true
  }
  return false
}

/** How the backups of a strategy are in trouble of their own; what only a place owes is not their own. */
export function memberOf(open: readonly Incident[], strategy: string): IncidentMember | null {
  const members = open.flatMap((incident) => incident.members)
  return members.find((one) => one.strategy === strategy && one.state !== 'owed') ?? null
}
