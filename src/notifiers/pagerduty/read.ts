import type { IncidentView } from '../../core/incidents.ts'
import type { Message } from '../../core/messages.ts'
import { occurrenceOf, type Listener, type Occurrence } from '../occurrence.ts'

/** What opens an incident of PagerDuty, what makes it worse, that somebody looks after it, and its end. Who was called hears of
 * the end, whatever else it asked for: nobody else closes the incident. */
export function dutyOf(message: Message, listener: Listener): Occurrence | null {
  const { key, body } = message
  if (body.type === 'incident' && mayBeOpen(body.incident, listener)) {
    const { incident } = body
    if (incident.state !== 'open') return about(key, incident, 'recovered')
    if (incident.acknowledged !== null) return about(key, incident, 'acknowledged')
  }
  const occurrence = occurrenceOf(message, listener)
  if (occurrence === null) return null
  // whoever was told of what: an end of what was never opened there does no harm, one that is missing rings on
  if (occurrence.kind === 'recovered') return { ...occurrence, topics: anything, ends: false, current: true }
  return ['success', 'inconclusive'].includes(occurrence.status) ? null : occurrence
}

/** By its head, or by what was said below it: some heads call nobody. */
function mayBeOpen({ noted = [] }: IncidentView, { told }: Listener): boolean {
  return noted.length > 0 || told.some((kind) => kind !== 'recovered')
}

const anything = ['failure', 'warning', 'overdue', 'recovered'] as const

function about(key: string, incident: IncidentView, kind: 'recovered' | 'acknowledged'): Occurrence {
  return {
    key,
    thread: key,
    kind,
    topics: anything,
    status: kind === 'recovered' ? 'recovered' : 'failure',
    at: null,
    strategies: incident.members.map(({ strategy }) => strategy),
    title: incident.where,
    hint: null,
    facts: [],
    error: null,
    incident,
  }
}
