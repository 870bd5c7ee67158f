import { subjectOf } from '../../core/subject.ts'
import type { MessageBody } from '../../core/messages.ts'
import type { RunView } from '../../core/model.ts'
import { failureHint, hasCaughtUp, placeLines } from '../../commands/phrases.ts'
import { actions } from '../actions.ts'
import { button, draw } from './elements.ts'
import type { Drawn } from './elements.ts'
import { lastGood, nextRun, retryButton, signOf } from './run-card.ts'
import { code, joined, mention, ordinal, people, safe, safeLine, sentence } from './words.ts'

/** The reply that says who, what it means, what to do.
 * @param mentions ids of people and groups who are told by name
 * @param calledIn id of the channel with the incident that counts the run and calls people */
export function runAlarm(run: RunView, mentions: string[], calledIn: string | null = null): Drawn {
  if (run.state === 'degraded') return warning(run)
  const incident = run.incident !== undefined && calledIn !== null && `told in <#${safeLine(calledIn, 40)}>`
  const hint = failureHint(run)
  const log = button({ label: 'View Log', action: actions.viewLog, value: { id: run.id } })
  return draw({
    headline: `❌ ${told(mentions)}*${safeLine(subjectOf(run))}* ${meaning(run)}${why(run)}`,
    lines: hint === null ? [] : [sentence(safe(hint, 600))],
    small: [joined(again(run), lastGood(run), run.kind === 'backup' && nextRun(run), incident)],
    buttons: run.kind === 'backup' ? [retryButton(run), log] : [log],
  })
}

/** A good backup that is not everywhere: said where failures are said, and nobody is called for it. */
function warning(run: RunView): Drawn {
  const where = run.backup?.storages.map((storage) => safeLine(storage, 80)).join(', ') ?? ''
  const fact = hasCaughtUp(run) ? 'nothing is owed any more' : `its new backup is only in ${where}`
  return draw({
    headline: `${signOf(run)} *${safeLine(subjectOf(run))}*: ${fact}`,
    lines: placeLines(run).map((words) => sentence(safe(words, 600))),
    buttons: [button({ label: 'View Log', action: actions.viewLog, value: { id: run.id } })],
  })
}

export function told(mentions: string[]): string {
  const names = mentions.slice(0, 20).map(mention)
  return names.length === 0 ? '' : `${names.join(' ')} `
}

function meaning(run: RunView): string {
  if (run.kind === 'restore') return 'was not restored'
  if (run.kind === 'prune') return 'has old backups that could not be deleted'
  if (run.kind === 'verify')
    return run.verify?.all || run.fault?.code !== 'object-corrupt'
      ? 'has a backup that could not be verified'
      : `has a corrupted backup, ${run.backupId === null ? '' : code(run.backupId)}`
  return 'has no new backup'
}

function why(run: RunView): string {
  return run.fault === null ? '' : `: ${safe(run.fault.text, 600)} (${run.fault.code})`
}

function again(run: RunView): string | null {
  return run.failuresInARow > 1 ? `${ordinal(run.failuresInARow)} failure in a row` : null
}

export function notice(body: MessageBody & { type: 'notice' }, mentions: string[]): Drawn {
  const who = body.urgent ? told(mentions) : ''
  return draw({
    headline: `${body.urgent ? '🚨' : 'ℹ️'} ${who}*${safeLine(body.title, 300).replaceAll('*', '')}*`,
    lines: [people(safe(body.text, 2500))],
  })
}
