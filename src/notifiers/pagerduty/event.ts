import { createHash } from 'node:crypto'
import type { NotifierContext } from '../notifier.ts'
import type { Occurrence } from '../occurrence.ts'

/** An event of PagerDuty's Events API v2. */
export interface DutyEvent {
  routing_key: string
  event_action: 'trigger' | 'acknowledge' | 'resolve'
  /** The same of all that is told of one trouble: PagerDuty has one incident for it. */
  dedup_key: string
  payload?: Payload
  client?: string
}

interface Payload {
  summary: string
  source: string
  severity: 'critical' | 'error' | 'warning' | 'info'
  /** ISO 8601. */
  timestamp: string
  component?: string
  group: string
  class: string
  custom_details: Record<string, string>
}

const longestSummary = 1024 // Events API v2
const longestDetail = 2_000 // an event is refused above 512 KB

/** Who is woken: where no new backup is, or one is broken. A good one that is not as usual may wait. */
const severities: Partial<Record<Occurrence['kind'], Payload['severity']>> = {
  failure: 'error',
  overdue: 'error',
  escalation: 'critical',
  notice: 'error',
  warning: 'warning',
  test: 'info',
}

export type Sender = Pick<NotifierContext, 'installation' | 'host' | 'scrub'> & {
  routingKey: string
  now: number
}

export function eventOf(occurrence: Occurrence, sender: Sender): DutyEvent {
  const action = actionOf(occurrence)
  const { routingKey, installation } = sender
  return {
    routing_key: routingKey,
    event_action: action,
    dedup_key: dedupKeyOf(occurrence, installation),
    ...(action === 'trigger' && { payload: payloadOf(occurrence, sender), client: 'easy-backup' }),
  }
}

function actionOf({ kind }: Occurrence): DutyEvent['event_action'] {
  if (kind === 'recovered') return 'resolve'
  return kind === 'acknowledged' ? 'acknowledge' : 'trigger'
}

/** By incident; trouble that is in none, such as of a verification, by strategy and kind of work. */
export function dedupKeyOf({ incident, run, key }: Occurrence, installation: string): string {
  const trouble = incident ? `incident/${incident.id}` : run ? `${run.strategy}/${run.kind}` : key
  const hash = createHash('sha256').update(`${installation}\n${trouble}`).digest('base64url')
  return `easy-backup/${hash.slice(0, 27)}`
}

function payloadOf(occurrence: Occurrence, { host, scrub, now }: Sender): Payload {
  const { title, at, kind, strategies, incident, run, hint, facts, error } = occurrence
  const details: (readonly [string, string | null])[] = [
    ...facts,
    ['What to do', hint],
    ['Error code', error?.code ?? null],
    ['Strategies', (strategies?.length ?? 0) > 1 ? strategies!.join(', ') : null],
  ]
  return {
    summary: scrub(title).slice(0, longestSummary).toWellFormed(),
    source: host,
    severity: severities[kind] ?? 'error',
    timestamp: new Date(at ?? now).toISOString(),
    ...(strategies?.length === 1 && { component: strategies[0]! }),
    group: 'backups',
    class: incident?.kind ?? run?.kind ?? kind,
    custom_details: Object.fromEntries(
      details
        .filter((detail): detail is readonly [string, string] => detail[1] !== null)
        .map(([label, text]) => [label, scrub(text).slice(0, longestDetail).toWellFormed()]),
    ),
  }
}
