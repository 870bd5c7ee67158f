import type { Selectable } from 'kysely'
import type { IncidentMember, IncidentView } from '../core/incidents.ts'
import type { Read, Write } from './database.ts'
import { findRun } from './runs.ts'
import type { IncidentsTable } from './tables.ts'

/** An incident as it is kept: what people see, and what decides when they are called again. */
export interface Incident extends Omit<IncidentView, 'members' | 'troubled' | 'everTroubled'> {
  /** What it is about; only one of a subject is open. */
  subject: string
  /** Whose channel it is told in. */
  strategy: string
  members: IncidentMember[]
  /** Of the newest failure, in the words of `reasonOf`; null while backups are only missing. */
  reason: string | null
  /** Everybody who was ever in it, by name. */
  ever: string[]
  /** New messages below its head. */
  notes: number
  /** Called again from so many failures in a row on. */
  callAt: number
  /** That it is past the promised age was said. */
  late: boolean
}

/** Oldest first. */
export async function openIncidents(db: Read): Promise<Incident[]> {
  const rows = await db
    .selectFrom('incidents')
    .selectAll()
    .where('state', '=', 'open')
    .orderBy('opened_at')
    .orderBy('id')
    .execute()
  return rows.map(fromRow)
}

export async function findIncident(db: Read, id: string): Promise<Incident | null> {
  const row = await db.selectFrom('incidents').selectAll().where('id', '=', id).executeTakeFirst()
  return row ? fromRow(row) : null
}

export const seriesSubject = (strategy: string): string => `series/${strategy}`
export const drillSubject = (strategy: string): string => `drill/${strategy}`
export const oddSubject = (strategy: string, series: string): string => `odd/${strategy}/${series}`

/** Those about backups that fail or are missing; whether backups restore or are as usual are questions of their own. */
export async function openBackupIncidents(db: Read): Promise<Incident[]> {
  return (await openIncidents(db)).filter(({ kind }) => kind !== 'drill' && kind !== 'odd')
}

/** Writes it as it is now. A second one of the same subject cannot be open. */
export async function saveIncident(tx: Write, incident: Incident): Promise<void> {
  const { id, subject, kind, state, strategy, openedAt, closedAt, ...facts } = incident
  const row = {
    subject,
    kind,
    state,
    strategy,
    opened_at: openedAt,
    closed_at: closedAt,
    facts: JSON.stringify(facts),
  }
  await tx
    .insertInto('incidents')
    .values({ id, ...row })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute()
}

/** Notes the incident that counts how the run ended. */
export async function assignIncident(tx: Write, id: string, incident: string): Promise<void> {
  const run = await findRun(tx, id)
  const params = JSON.stringify({ ...run?.params, incident })
  await tx.updateTable('runs').set({ params }).where('id', '=', id).execute()
}

/** Lets go of what was closed before this instant. */
export async function forgetIncidents(tx: Write, before: number): Promise<void> {
  await tx.deleteFrom('incidents').where('closed_at', '<', before).execute()
}

function fromRow(row: Selectable<IncidentsTable>): Incident {
  return {
    ...(JSON.parse(row.facts) as Omit<Incident, 'id' | 'subject' | 'strategy'>),
    id: row.id,
    subject: row.subject,
    kind: row.kind as Incident['kind'],
    state: row.state as Incident['state'],
    strategy: row.strategy,
    openedAt: row.opened_at,
    closedAt: row.closed_at,
  }
}
