import type { IncidentView } from '../../core/incidents.ts'
import type { Message } from '../../core/messages.ts'
import { occurrenceOf, type Listener, type Occurrence } from '../occurrence.ts'

/** What opens an incident of PagerDuty, what makes it worse, that somebody looks after it, and its end. Who was called hears of
 * the end, whatever else it asked for: nobody else closes the incident. */
export function dutyOf(message: Message, listener: Listener): Occurrence | null {
  const { key, body } = message
  const wasTold = listener.told.some((kind) => kind !== 'recovered')
  if (body.type === 'incident' && wasTold) {
    const { incident } = body
    if (incident.state !== 'open') return about(key, incident, 'recovered')
    if (incident.acknowledged !== null) return about(key, incident, 'acknowledged')
  }
  const occurrence = occurrenceOf(message, listener)
  if (occurrence === null) return null
  if (occurrence.kind === 'recovered') return { ...occurrence, topics: anything }
  return ['success', 'inconclusive'].includes(occurrence.status) ? null : occurrence
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
