import { formatDuration } from '../core/duration.ts'
import type { IncidentMember, IncidentNote, IncidentView } from '../core/incidents.ts'
import { instant, type Fact, type Listener, type Occurrence, type Told } from './occurrence.ts'

/** The head of an incident: its first failure, or that backups are missing; told once each. Nobody is told of one that calls
 * nobody, but for those who hear of some strategies only: the call was about others. They are told, too, when their
 * strategies are well again and others are not. */
export function headOf(told: Told, incident: IncidentView, listener: Listener): Occurrence | null {
  const { strategies } = listener
  if (isToldByDrills(incident, listener)) return null
  if (incident.state !== 'open' || (incident.quiet && strategies === null)) return null
  if (strategies !== null && isWellAgain(strategies, incident, listener))
    return {
      ...common(told, incident),
      ...endOf(incident),
      at: null,
      strategies,
      title: `${strategies.length === 1 ? strategies[0] : plural(strategies.length)}: backed up again`,
    }
  const isLate = incident.members.every(({ state }) => state === 'overdue')
  const kind = incident.kind === 'odd' ? 'warning' : isLate ? 'overdue' : 'failure'
  return {
    ...common(told, incident),
    kind,
    topics: kind === 'warning' ? ['warning', 'failure'] : [kind], // who hears of failures hears of what may hide one
    status: kind,
    current: true,
    heldUntil: incident.heldUntil,
    title: incident.kind === 'odd' ? oddTitle(incident) : `${trouble(incident, isLate)}${because(incident)}`,
  }
}

/** A list that is cut short does not say so. */
function isWellAgain(
  strategies: readonly string[],
  { members, troubled }: IncidentView,
  { told }: Listener,
): boolean {
  if (!told.includes('failure') && !told.includes('overdue')) return false
  return troubled === members.length && !members.some(({ strategy }) => strategies.includes(strategy))
}

/** What is said below it: that it became worse, or is over. */
export function noteOf(
  told: Told,
  incident: IncidentView,
  { note, listener }: { note: IncidentNote; listener: Listener },
): Occurrence | null {
  if (isToldByDrills(incident, listener)) return null
  const same = common(told, incident)
  if (note === 'recovered') {
    const { closedAt, openedAt } = incident
    const took = formatDuration(Math.max(0, (closedAt ?? openedAt) - openedAt))
    return {
      ...same,
      ...endOf(incident),
      ends: !wasWorse(incident, listener),
      at: closedAt,
      title: `${subjectOf(incident, incident.everTroubled)}: ${wellAgain(incident)} after ${took}`,
    }
  }
  return {
    ...same,
    kind: 'escalation',
    topics: topicsOf(incident, note),
    status: incident.kind === 'odd' ? 'warning' : note === 'late' ? 'overdue' : 'failure',
    at: incident.lastFailedAt ?? incident.openedAt,
    title:
      incident.kind === 'odd'
        ? oddTitle(incident)
        : `${subjectOf(incident, incident.troubled)}: ${worse(incident, note)}${because(incident)}`,
  }
}

/** Who was not told of its head may have been told of what came below it. */
function wasWorse(incident: IncidentView, { on }: Listener): boolean {
  return (incident.noted ?? []).some((note) => topicsOf(incident, note).some((topic) => on.includes(topic)))
}

function topicsOf({ kind }: IncidentView, note: IncidentNote): Occurrence['topics'] {
  if (kind === 'odd') return ['warning', 'failure']
  return note === 'late' ? ['failure', 'overdue'] : ['failure']
}

function oddTitle({ where, why }: IncidentView): string {
  return `${where}: backup succeeded, but ${why ?? 'it is not as usual'}`
}

/** Who hears of every drill hears what each found, and needs no second word about it. */
function isToldByDrills({ kind }: IncidentView, { on }: Listener): boolean {
  return kind === 'drill' && on.includes('drill')
}

function wellAgain({ kind }: IncidentView): string {
  if (kind === 'drill') return 'passes its drills again'
  if (kind === 'odd') return 'as usual again'
  return kind === 'place' ? 'takes backups again' : 'backed up again'
}

type End = 'kind' | 'topics' | 'status' | 'hint' | 'error' | 'facts'

function endOf({ kind, why, openedAt, failures, id }: IncidentView): Pick<Occurrence, End> {
  const all: [string, string | null][] = [
    ['It was', why],
    ['From', instant(openedAt)],
    [kind === 'odd' ? 'Backups in a row' : 'Failures in a row', failures > 1 ? String(failures) : null],
    ['Incident', id],
  ]
  return {
    kind: 'recovered',
    topics: ['recovered'],
    status: 'recovered',
    hint: null,
    error: null,
    facts: all.filter((fact): fact is [string, string] => fact[1] !== null),
  }
}

function common(
  told: Told,
  incident: IncidentView,
): Told & Pick<Occurrence, 'at' | 'strategies' | 'hint' | 'facts' | 'error' | 'incident'> {
  const { why, code, hint, members, openedAt } = incident
  return {
    ...told,
    at: openedAt,
    strategies: members.map(({ strategy }) => strategy),
    hint,
    facts: factsOf(incident),
    error: why === null ? null : { code, text: why },
    incident,
  }
}

const isPlace = ({ kind }: IncidentView): boolean => kind === 'place'
const plural = (count: number): string => `${count} ${count === 1 ? 'strategy' : 'strategies'}`

function subjectOf({ kind, where }: IncidentView, count: number): string {
  if (kind === 'place') return `place ${where}`
  return kind === 'shared' ? plural(count) : where
}

function trouble(incident: IncidentView, isLate: boolean): string {
  const name = subjectOf(incident, incident.troubled)
  if (isPlace(incident)) return `${name}: takes no backups`
  if (incident.kind === 'shared')
    return isLate ? `${name}: overdue` : `${name}: no new backup, for one reason`
  if (incident.kind === 'drill')
    return `${name}: ${incident.lost ? 'a backup failed its drill' : 'a drill failed'}`
  if (!isLate) return `${name}: backup failed`
  return `${name}: overdue, no new backup since ${instant(incident.members[0]?.overdueSince ?? incident.openedAt)}`
}

function because({ why }: IncidentView): string {
  return why === null ? '' : `: ${why}`
}

function worse(incident: IncidentView, note: IncidentNote): string {
  switch (note) {
    case 'late':
      return 'past the promised age, and no new backup'
    case 'spread':
      return 'fail for this reason by now'
    case 'awake':
      return 'the snooze is over, the trouble is not'
    default:
      return incident.failures > 1 ? `${incident.failures} failures in a row` : 'it failed'
  }
}

const namedAtMost = 20

function factsOf(incident: IncidentView): Fact[] {
  const { kind, members, troubled, failures, openedAt, why, code } = incident
  const [first] = members
  const names = members.slice(0, namedAtMost).map(({ strategy }) => strategy)
  const more = troubled - names.length
  const all: [string, string | null][] = [
    [
      kind === 'odd' ? 'Suspicious' : 'Error',
      why === null ? null : `${why}${code === null ? '' : ` (${code})`}`,
    ],
    [
      'Strategies',
      kind === 'series' || kind === 'drill' || kind === 'odd'
        ? null
        : `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    ],
    ['Since', instant(openedAt)],
    [kind === 'odd' ? 'Backups in a row' : 'Failures in a row', failures > 1 ? String(failures) : null],
    ...(kind === 'series' && first ? ofSeries(first) : []),
    ['Backup', incident.odd?.backup ?? null],
    ['Not offered any more', incident.lost?.backup ?? null],
    ['Newest good backup', incident.lost ? (incident.lost.stillGood?.id ?? 'none') : null],
    ['Incident', incident.id],
  ]
  return all.filter((fact): fact is [string, string] => fact[1] !== null)
}

function ofSeries({
  run,
  lastGoodAt,
  expected,
  overdueSince,
  nextAt,
}: IncidentMember): [string, string | null][] {
  return [
    ['Run', run],
    ['Last good backup', lastGoodAt === null ? 'none yet' : instant(lastGoodAt)],
    ['Expected', overdueSince === null ? null : expected],
    ['Next run', nextAt === null ? null : instant(nextAt)],
  ]
}
