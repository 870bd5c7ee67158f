import type { ActionsBlock, Button, KnownBlock, StaticSelect } from '@slack/types'
import { formatAge, formatDuration } from '../../core/duration.ts'
import type { IncidentMember, IncidentNote, IncidentView } from '../../core/incidents.ts'
import { plural } from '../../commands/phrases.ts'
import { actions, askPrefix, snoozeValue, snoozes } from '../actions.ts'
import { limits } from '../limits.ts'
import { consequence } from '../../commands/drill-words.ts'
import { told } from './alarms.ts'
import { drillButton } from './drill.ts'
import { button, context, finish, section } from './elements.ts'
import type { Drawn } from './elements.ts'
import { by, code, joined, moment, ordinal, safe, safeLine, sentence, timeOfDay, upcoming } from './words.ts'

/** The head of an incident's thread: what is wrong, since when, who looks after it. It depends on nothing but the incident, so
 * that drawing it again changes nothing; ages are counted from the newest failure. */
export function incidentHead(incident: IncidentView, mentions: string[]): Drawn {
  const calls = incident.quiet || incident.state !== 'open' ? [] : mentions
  if (incident.state === 'recovered') return over(incident)
  if (incident.state === 'joined') return joinedAnother(incident)
  return compose(
    {
      headline: `${signOf(incident)} ${told(calls)}${trouble(incident)}${why(incident)}`,
      lines: [...advice(incident), ...names(incident)],
      small: [joined(...counted(incident)), joined(...care(incident))],
    },
    buttons(incident),
  )
}

/** A new message below it, which is heard. */
export function incidentNote(incident: IncidentView, note: IncidentNote, mentions: string[]): Drawn {
  if (note === 'recovered')
    return compose({ headline: `✅ ${recovered(incident)}`, lines: [], small: [] }, [])
  return compose(
    {
      headline: `🚨 ${told(mentions)}${said(incident, note)}${why(incident)}`,
      lines: advice(incident),
      small: [joined(...counted(incident))],
    },
    [],
  )
}

interface Words {
  headline: string
  lines: string[]
  small: string[]
}

function compose({ headline, lines, small }: Words, elements: ActionsBlock['elements']): Drawn {
  const shown = small.filter((line) => line !== '')
  const blocks: KnownBlock[] = [
    section(headline),
    ...lines.map(section),
    ...shown.map(context),
    ...(elements.length > 0 ? [{ type: 'actions' as const, elements }] : []),
  ]
  return finish([headline, ...lines, ...shown], blocks)
}

/** Stored elsewhere is no failure. */
const isOnlyOwed = ({ members }: IncidentView): boolean => members.every(({ state }) => state === 'owed')
const isOnlyLate = ({ members }: IncidentView): boolean => members.every(({ state }) => state === 'overdue')

function signOf(incident: IncidentView): string {
  if (isOnlyOwed(incident)) return '🟠'
  if (incident.kind === 'odd') return '⚠️'
  return isOnlyLate(incident) ? '⏰' : '❌'
}

function trouble(incident: IncidentView): string {
  const name = subject(incident)
  if (incident.kind === 'place') return `${name} takes no backups`
  if (incident.kind === 'odd')
    return `${name} succeeded, but ${safe(incident.why ?? '', limits.headlineText)}`
  if (incident.kind === 'drill')
    return incident.lost ? `${name} has a backup that failed its drill` : `${name}: a drill failed`
  if (incident.kind === 'shared')
    return isOnlyLate(incident) ? `${name} are overdue` : `${name} have no new backup, for one reason`
  if (!isOnlyLate(incident)) return `${name} has no new backup`
  const since = incident.members[0]?.overdueSince ?? incident.openedAt
  return `${name} is overdue: no new backup since ${moment(since, incident.timezone)}`
}

function subject(incident: IncidentView): string {
  return incident.kind === 'shared'
    ? `*${plural(incident.troubled, 'strategy')}*`
    : `*${safeLine(incident.where)}*`
}

function why({ why: words, code, kind, where }: IncidentView): string {
  if (words === null || kind === 'odd') return ''
  const place = kind === 'shared' ? ` on ${safeLine(where, 100)}` : ''
  return `: ${safe(words, limits.headlineText)}${code === null ? '' : ` (${code}${place})`}`
}

function advice({ hint, lost = null, lastFailedAt, openedAt }: IncidentView): string[] {
  const meaning = lost && consequence(lost, lastFailedAt ?? openedAt)
  const words = meaning ?? hint
  return words === null ? [] : [sentence(safe(words, 600))]
}

const namedAtMost = 40

const isOfOne = ({ kind }: IncidentView): boolean => kind !== 'place' && kind !== 'shared'

/** Who is in it, of many. */
function names(incident: IncidentView): string[] {
  if (isOfOne(incident)) return []
  const line = (title: string, state: IncidentMember['state']): string[] => {
    const found = incident.members.filter((member) => member.state === state)
    if (found.length === 0) return []
    const shown = found.slice(0, namedAtMost).map(({ strategy }) => safeLine(strategy))
    const hidden =
      found.length - shown.length + (state === 'failing' ? incident.troubled - incident.members.length : 0)
    return [`${title}: ${shown.join(', ')}${hidden > 0 ? ` and ${hidden} more` : ''}`]
  }
  return [
    ...line('Failing', 'failing'),
    ...line('Overdue', 'overdue'),
    ...line('Stored elsewhere, to be copied here', 'owed'),
  ]
}

/** "7th failure in a row · since 20 Nov, 06:00 · last good backup 2 d ago · next 12:00" */
function counted(incident: IncidentView): string[] {
  const { failures, openedAt, timezone, kind, members } = incident
  const [first] = members
  const now = incident.lastFailedAt ?? openedAt
  const isLate = members.some(({ overdueSince }) => overdueSince !== null)
  const ofOne = isOfOne(incident)
  return [
    ...(failures > 1 && !isOnlyOwed(incident) ? [inARow(incident)] : []),
    ...(failures > 1 || !ofOne ? [`since ${moment(openedAt, timezone)}`] : []),
    ...(incident.odd ? [code(incident.odd.backup)] : []),
    ...(isLate && !isOnlyLate(incident) ? ['past the promised age'] : []),
    ...(isLate && kind === 'series' && first ? [`expected ${safeLine(first.expected ?? '', 200)}`] : []),
    ...(kind === 'series' && first ? [lastGood(first, now)] : []),
    ...(ofOne && first && first.nextAt !== null && first.nextAt > now
      ? [`next ${kind === 'drill' ? 'drill ' : ''}${upcoming(first.nextAt, now, timezone)}`]
      : []),
  ]
}

function inARow({ kind, failures }: IncidentView): string {
  return `${ordinal(failures)} ${kind === 'odd' ? 'backup' : 'failure'} in a row`
}

function lastGood({ lastGoodAt }: IncidentMember, now: number): string {
  return lastGoodAt === null ? 'no good backup yet' : `last good backup ${formatAge(now - lastGoodAt)}`
}

/** Who looks after it. */
function care({ acknowledged, snoozed, timezone }: IncidentView): string[] {
  const until =
    snoozed?.until === null ? 'until the next run' : `until ${moment(snoozed?.until ?? 0, timezone)}`
  return [
    ...(acknowledged
      ? [`acknowledged by ${by(acknowledged.by)}, ${timeOfDay(acknowledged.at, timezone)}`]
      : []),
    ...(snoozed ? [`snoozed by ${by(snoozed.by)}, ${until}`] : []),
  ]
}

function said(incident: IncidentView, note: IncidentNote): string {
  const name = subject(incident)
  if (incident.kind === 'odd') return trouble(incident)
  const row = incident.failures > 1 ? inARow(incident) : 'it failed'
  switch (note) {
    case 'late':
      return `${incident.kind === 'place' ? `${name} still takes no backups` : name}: past the promised age, and no new backup`
    case 'spread':
      return `${name} fail for this reason by now`
    case 'awake':
      return `${name}: the snooze is over, the trouble is not`
    default:
      return incident.kind === 'place' ? `${name} still takes no backups: ${row}` : `${name}: ${row}`
  }
}

function over(incident: IncidentView): Drawn {
  const before = incident.why === null ? [] : [`It was: ${safe(incident.why, limits.headlineText)}`]
  const from = moment(incident.openedAt, incident.timezone)
  const small = joined(
    `from ${from}`,
    incident.acknowledged && `acknowledged by ${by(incident.acknowledged.by)}`,
  )
  return compose({ headline: `✅ ${recovered(incident)}`, lines: before, small: [small] }, [])
}

function recovered(incident: IncidentView): string {
  const { kind, where, openedAt, closedAt, failures, everTroubled } = incident
  const took = formatDuration(Math.max(0, (closedAt ?? openedAt) - openedAt))
  const count = failures > 0 && !isOnlyOwed(incident) ? `${plural(failures, 'failure')}, ${took}` : took
  if (kind === 'place') return `*${safeLine(where)}* takes backups again: recovered after ${took}`
  if (kind === 'odd') return oddIsOver(incident)
  if (kind === 'drill') return `*${safeLine(where)}* passes its drills again: recovered after ${count}`
  const name = kind === 'shared' ? `*${plural(everTroubled, 'strategy')}* are` : `*${safeLine(where)}* is`
  return `${name} backed up again: recovered after ${count}`
}

/** Its newest is as usual: because it is as before, because this is usual by now, or because somebody says so. */
function oddIsOver({ where, failures, acknowledged }: IncidentView): string {
  const name = `*${safeLine(where)}*`
  if (acknowledged !== null) return `${name}: found right, and usual from now on`
  return `${name} is as usual again, after ${plural(failures, 'backup')} that ${failures === 1 ? 'was' : 'were'} not`
}

function joinedAnother(incident: IncidentView): Drawn {
  const name = `*${safeLine(incident.where)}*`
  return compose(
    {
      headline:
        incident.into === null
          ? `⚪ ${name} is no longer configured`
          : `⚪ ${name} is told with others that fail for the same reason`,
      lines: [],
      small: [joined(...counted(incident))],
    },
    [],
  )
}

function buttons(incident: IncidentView): ActionsBlock['elements'] {
  const { id, acts, members, acknowledged } = incident
  const [first] = members
  const all: (Button | StaticSelect | null)[] = [
    ...tryAgain(incident),
    first?.run ? button({ label: 'View Log', action: actions.viewLog, value: { id: first.run } }) : null,
    acknowledged
      ? null
      : button({ label: 'Acknowledge', action: actions.acknowledge, value: { id, version: acts } }),
    snoozeMenu(incident),
  ]
  return all.filter((one) => one !== null)
}

function tryAgain({ kind, members: [first], lost }: IncidentView): (Button | null)[] {
  const { strategy = '', run = null } = first ?? {}
  if (kind === 'drill') {
    const again = lost ? drillButton('Retry', { strategy, backup: lost.backup }) : null
    return [again, drillButton('Drill the newest', { strategy })]
  }
  if (kind === 'odd') return []
  if (kind !== 'series')
    return [button({ label: 'Status', action: `${askPrefix}0`, value: { command: 'status', args: {} } })]
  const value = { strategy, ...(run !== null && { id: run }) }
  return [button({ label: run === null ? 'Run now' : 'Retry', action: actions.retryRun, value })]
}

/** @returns null when its values do not fit, as with buttons */
function snoozeMenu({ id, acts }: IncidentView): StaticSelect | null {
  const options = Object.entries(snoozes).map(([length, label]) => ({
    text: { type: 'plain_text' as const, text: label },
    value: snoozeValue({ id, acts, length }),
  }))
  if (options.some(({ value }) => value.length > limits.option.value)) return null
  return {
    type: 'static_select',
    action_id: actions.snooze,
    placeholder: { type: 'plain_text', text: 'Snooze' },
    options,
  }
}
