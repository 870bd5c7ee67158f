import { formatDuration } from '../../core/duration.ts'
import { Fault } from '../../core/faults.ts'
import type { IncidentAsk, IncidentView } from '../../core/incidents.ts'
import type { Actor } from '../../core/model.ts'
import type { Read } from '../../state/database.ts'
import { findIncident, openIncidents, type Incident } from '../../state/incidents.ts'
import type { EngineContext } from '../context.ts'
import { nameOf } from '../pauses.ts'
import { isSnoozed } from './calls.ts'
import { acceptOdd } from './odd.ts'
import { incidentView, keep } from './tell.ts'

const nothing = { hint: 'nothing was changed' }

export async function listIncidents({ database }: EngineContext): Promise<IncidentView[]> {
  return (await openIncidents(database.read)).map(incidentView)
}

/** @throws Fault not-found */
export async function incidentOf(context: EngineContext, what: string): Promise<IncidentView> {
  return incidentView(await find(context.database.read, what))
}

/** Somebody looks after it: nobody is called again until it is past its promised age.
 * @throws Fault not-found · stale (over, or somebody did before) */
export async function acknowledge(
  context: EngineContext,
  ask: IncidentAsk,
  actor: Actor,
): Promise<IncidentView> {
  return context.database.write(async (tx) => {
    const incident = await findOpen(tx, ask)
    if (incident.acknowledged !== null)
      throw new Fault('stale', `already acknowledged by ${nameOf(incident.acknowledged.by)}`, nothing)
    if (incident.kind === 'odd') return incidentView(await acceptOdd(context, tx, { incident, actor }))
    const next = {
      ...incident,
      acknowledged: { by: actor, at: context.clock.now() },
      acts: incident.acts + 1,
    }
    await keep(context, tx, { incident: next, turn: null })
    return incidentView(next)
  })
}

/** Nobody is called until then, whatever happens; if it still goes on, that is said then.
 * @param until  epoch ms; null = until the next run has ended
 * @throws Fault not-found · stale (over, or somebody did before) */
export async function snooze(
  context: EngineContext,
  { until, ...ask }: IncidentAsk & { until: number | null },
  actor: Actor,
): Promise<IncidentView> {
  return context.database.write(async (tx) => {
    const incident = await findOpen(tx, ask)
    const now = context.clock.now()
    if (ask.acts !== undefined && ask.acts !== incident.acts)
      throw new Fault('stale', changedBy(incident, now), nothing)
    const next = { ...incident, snoozed: { by: actor, at: now, until }, acts: incident.acts + 1 }
    await keep(context, tx, { incident: next, turn: null })
    return incidentView(next)
  })
}

/** @throws Fault not-found · stale when it is over */
async function findOpen(db: Read, { what }: IncidentAsk): Promise<Incident> {
  const incident = await find(db, what)
  if (incident.into !== null) return findOpen(db, { what: incident.into })
  if (incident.state !== 'open')
    throw new Fault('stale', `this incident of ${incident.where} is over`, nothing)
  return incident
}

/** @throws Fault not-found */
async function find(db: Read, what: string): Promise<Incident> {
  const byId = await findIncident(db, what)
  if (byId) return byId
  const open = await openIncidents(db)
  const found =
    open.find(({ kind, where }) => kind === 'series' && where === what) ??
    open.find(({ members }) => members.some(({ strategy }) => strategy === what)) ??
    open.find(({ id, where }) => where === what || (what.length >= 4 && id.endsWith(what)))
  if (found) return found
  throw new Fault('not-found', `there is no open incident of ${what.slice(0, 63)}`, {
    hint: '`status` shows what is open',
  })
}

function changedBy(incident: Incident, now: number): string {
  const { snoozed, acknowledged } = incident
  if (isSnoozed(incident, now)) {
    const until =
      snoozed!.until === null ? 'until the next run' : `for ${formatDuration(snoozed!.until - now)} more`
    return `already snoozed by ${nameOf(snoozed!.by)}, ${until}`
  }
  return acknowledged === null
    ? 'it has changed since'
    : `it was acknowledged by ${nameOf(acknowledged.by)} meanwhile`
}
