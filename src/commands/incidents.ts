import type { IncidentView } from '../core/incidents.ts'
import type { About } from './about.ts'
import type { Engine } from './command.ts'
import { plural } from './phrases.ts'
import type { Reply } from './reply.ts'

/** Everybody who is in it has to allow it. @throws Fault not-found */
export async function aboutIncident({ what }: { what: string }, engine: Engine): Promise<About> {
  const { id, members } = await engine.incident(what)
  return { strategies: members.map(({ strategy }) => strategy), subject: id }
}

/** What was done about it. */
export function careReply(incident: IncidentView, done: string): Reply {
  return { type: 'text', text: `${subjectOf(incident)}: ${done}`, data: { incident } }
}

export function subjectOf({ kind, where, troubled }: IncidentView): string {
  return kind === 'shared' ? `${plural(troubled, 'strategy')} that fail for one reason` : where
}

/** "shop (7 failures in a row, acknowledged)": what is open, for a line. */
export function incidentWords(incident: IncidentView): string {
  const { failures, members, acknowledged, snoozed } = incident
  const isOwed = members.every(({ state }) => state === 'owed')
  const facts = [
    ...(incident.kind === 'drill' ? ['drills'] : []),
    ...(isOwed
      ? ['copies are owed']
      : incident.kind === 'odd'
        ? [incident.why ?? 'not as usual']
        : failures > 0
          ? [`${plural(failures, 'failure')} in a row`]
          : ['overdue']),
    ...(acknowledged ? ['acknowledged'] : []),
    ...(snoozed ? ['snoozed'] : []),
  ]
  return `${subjectOf(incident)} (${facts.join(', ')})`
}
