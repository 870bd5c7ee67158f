import type { IncidentNote } from '../../core/incidents.ts'
import type { Incident } from '../../state/incidents.ts'

const firstAgain = 3 // failures in a row; then each time their number has doubled

/** From so many failures in a row on people are called again. */
export function nextCall(failures: number): number {
  let at = firstAgain
  while (at <= failures) at *= 2
  return at
}

export function isSnoozed({ snoozed }: Incident, now: number): boolean {
  return snoozed !== null && (snoozed.until === null || snoozed.until > now)
}

/** A snooze whose time is over; one until the next run ends with that. */
export function hasSlept({ snoozed }: Incident, now: number): boolean {
  return snoozed !== null && snoozed.until !== null && snoozed.until <= now
}

export interface Turn {
  now: number
  /** Its snooze ended with this. */
  woke?: boolean
  /** It is about many from now on, and was about one. */
  spread?: boolean
}

type Worse = Exclude<IncidentNote, 'recovered'>

/** What the newest turn of an incident is worth saying, beside its head; null = nothing. Whoever acknowledged it is left in
 * peace until it is past its promised age, whoever snoozed it until then. */
export function worthSaying(incident: Incident, { now, woke, spread }: Turn): Worse | null {
  if (incident.state !== 'open' || isSnoozed(incident, now)) return null
  if (woke) return 'awake'
  if (spread) return 'spread'
  if (!incident.late && isLate(incident)) return 'late'
  if (incident.acknowledged !== null) return null
  const isFirstFailure = incident.quiet && incident.kind === 'place' && incident.notes === 0
  if (isFirstFailure && incident.members.some(({ state }) => state === 'failing')) return 'again'
  return incident.failures >= incident.callAt ? 'again' : null
}

/** The incident after it was said. */
export function said(incident: Incident, note: Worse): Incident {
  return {
    ...incident,
    notes: incident.notes + 1,
    noted: [...new Set([...(incident.noted ?? []), note])],
    callAt: Math.max(incident.callAt, nextCall(incident.failures)),
    late: incident.late || isLate(incident),
    acknowledged: note === 'late' || note === 'spread' ? null : incident.acknowledged,
  }
}

export function isLate({ members }: Incident): boolean {
  return members.some(({ overdueSince }) => overdueSince !== null)
}
