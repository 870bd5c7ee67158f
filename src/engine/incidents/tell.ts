import type { IncidentMember, IncidentNote, IncidentView } from '../../core/incidents.ts'
import type { Write } from '../../state/database.ts'
import { saveIncident, type Incident } from '../../state/incidents.ts'
import { owe } from '../../state/messages.ts'
import type { EngineContext } from '../context.ts'
import { said, worthSaying, type Turn } from './calls.ts'

export const headKey = (id: string): string => `incident/${id}`

const shownMembers = 60
const priority = 1 // failures go first, after answers to people
const worst: readonly IncidentMember['state'][] = ['failing', 'overdue', 'owed', 'odd']

/** Writes an incident as it is now, its head, and what the newest turn is worth saying. */
export async function keep(
  context: EngineContext,
  tx: Write,
  { incident, turn }: { incident: Incident; turn: Turn | null },
): Promise<void> {
  const note = turn && worthSaying(incident, turn)
  const kept = note ? said(incident, note) : incident
  await saveIncident(tx, kept)
  await oweHead(context, tx, kept)
  if (note) await oweNote(context, tx, { incident: kept, note })
}

/** Its end: the head is edited, and a new message says so. */
export async function close(context: EngineContext, tx: Write, incident: Incident): Promise<void> {
  const closed: Incident = {
    ...incident,
    state: 'recovered',
    closedAt: context.clock.now(),
    notes: incident.notes + 1,
  }
  await saveIncident(tx, closed)
  await oweHead(context, tx, closed)
  await oweNote(context, tx, { incident: closed, note: 'recovered' })
}

/** Its end by a person's word: the head says so, and nobody is called. */
export async function closeQuietly(context: EngineContext, tx: Write, incident: Incident): Promise<void> {
  const closed: Incident = { ...incident, state: 'recovered', closedAt: context.clock.now() }
  await saveIncident(tx, closed)
  await oweHead(context, tx, closed)
}

/** It goes on as a part of another one. */
export async function join(
  context: EngineContext,
  tx: Write,
  { incident, into }: { incident: Incident; into: string | null },
): Promise<void> {
  const joined: Incident = { ...incident, state: 'joined', into, closedAt: context.clock.now() }
  await saveIncident(tx, joined)
  await oweHead(context, tx, joined)
}

/** These are in it no more; without anybody left it is over. */
export async function release(
  context: EngineContext,
  tx: Write,
  { incident, strategies }: { incident: Incident; strategies: readonly string[] },
): Promise<void> {
  const members = incident.members.filter(({ strategy }) => !strategies.includes(strategy))
  if (members.length === incident.members.length) return
  // the head of what is over still says how it was
  if (members.length === 0) return close(context, tx, incident)
  await keep(context, tx, { incident: { ...incident, members }, turn: null })
}

async function oweHead(context: EngineContext, tx: Write, incident: Incident): Promise<void> {
  await owe(
    tx,
    {
      key: headKey(incident.id),
      strategy: incident.strategy,
      audience: 'failure',
      parent: null,
      priority,
      body: { type: 'incident', incident: incidentView(incident) },
    },
    context.clock.now(),
  )
}

async function oweNote(
  context: EngineContext,
  tx: Write,
  { incident, note }: { incident: Incident; note: IncidentNote },
): Promise<void> {
  await owe(
    tx,
    {
      key: `${headKey(incident.id)}/${incident.notes}`,
      strategy: incident.strategy,
      audience: 'failure',
      parent: headKey(incident.id),
      priority,
      body: { type: 'incident.note', note, incident: incidentView(incident) },
    },
    context.clock.now(),
  )
}

export function incidentView(incident: Incident): IncidentView {
  const {
    subject: _,
    strategy: _s,
    reason: _r,
    ever,
    notes: _n,
    callAt: _c,
    late: _l,
    members,
    ...same
  } = incident
  const sorted = members.toSorted(
    (a, b) => worst.indexOf(a.state) - worst.indexOf(b.state) || b.failures - a.failures,
  )
  return {
    ...same,
    members: sorted.slice(0, shownMembers),
    troubled: members.length,
    everTroubled: ever.length,
  }
}
