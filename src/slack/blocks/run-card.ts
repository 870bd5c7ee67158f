import type { Button } from '@slack/types'
import { formatAge, formatBytes, formatDuration } from '../../core/duration.ts'
import type { RunKind, RunState, RunView } from '../../core/model.ts'
import { oddWords } from '../../core/odd-words.ts'
import { subjectOf } from '../../core/subject.ts'
import { actions } from '../actions.ts'
import { limits } from '../limits.ts'
import {
  failureHint,
  hasCaughtUp,
  levelText,
  placeLines,
  pruneWords,
  verifiedWords,
} from '../../commands/phrases.ts'
import { allLines, allWords } from '../../commands/verify-words.ts'
import { drillAdvice, drillAgain, drillHeadline, drillSigns, placeOf } from './drill.ts'
import { button, draw } from './elements.ts'
import type { Drawn } from './elements.ts'
import { by, code, contents, joined, runName, safeLine, sentence, timeOfDay, upcoming } from './words.ts'

/** The first message of a run's thread. It depends on nothing but the run, so that drawing it again changes nothing. */
export function runCard(run: RunView): Drawn {
  return draw({
    headline: `${signOf(run)} *${safeLine(subjectOf(run))}* · ${fact(run)}`,
    lines: linesOf(run),
    small: [smallPrint(run)],
    buttons: runButtons(run),
  })
}

/** What to do, or what places owe and did since. */
function linesOf(run: RunView): string[] {
  if (run.drill) return drillAdvice(run)
  const hint = failed(run) ? failureHint(run) : null
  const copies = run.verify?.all ? allLines(run.verify.all) : []
  return [...copies, ...(hint === null ? [] : [hint]), ...placeLines(run)].map((words) =>
    sentence(safeLine(words)),
  )
}

export function signOf(run: RunView): string {
  if (run.drill) return drillSigns[run.drill.verdict]
  if (run.backup?.odd?.length) return '⚠️'
  if (run.state === 'succeeded' && run.verify?.all?.knownBroken) return '⚠️'
  return hasCaughtUp(run) ? '✅' : emoji[run.state]
}

const emoji: Record<RunState, string> = {
  queued: '⏳',
  running: '🔵',
  succeeded: '✅',
  degraded: '🟠',
  failed: '❌',
  cancelled: '⚪',
  interrupted: '🟠',
  skipped: '⚪',
}

const doing: Record<RunKind, string> = {
  backup: 'backing up',
  restore: 'restoring',
  verify: 'verifying',
  drill: 'trying a restore',
  copy: 'copying',
  prune: 'deleting old backups',
}

export function failed(run: RunView): boolean {
  return run.state === 'failed' || run.state === 'interrupted'
}

export function took(run: RunView): string | null {
  if (run.startedAt === null || run.endedAt === null) return null
  return formatDuration(run.endedAt - run.startedAt)
}

/** Which of several databases; nothing when the strategy has one of its own name. */
function seriesOf(run: RunView): string | null {
  return run.database !== undefined || run.series === run.strategy ? null : safeLine(run.series)
}

function fact(run: RunView): string {
  if (run.drill) return drillHeadline(run.drill)
  switch (run.state) {
    case 'queued':
      return `${run.kind} is waiting for its turn`
    case 'running':
      return joined(doing[run.kind], subject(run))
    case 'succeeded':
    case 'degraded':
      return done(run)
    case 'failed':
    case 'interrupted':
      return `${run.kind} ${run.state}: ${reason(run, 'no reason was given')}`
    case 'cancelled':
      return joined(`${run.kind} cancelled`, took(run) && `after ${took(run)}`, 'nothing was left behind')
    case 'skipped':
      return `${run.kind} skipped: ${reason(run, 'it was not possible at that time')}`
  }
}

function reason(run: RunView, otherwise: string): string {
  return run.fault ? safeLine(run.fault.text, limits.headlineText) : otherwise
}

function subject(run: RunView): string | null {
  return run.kind === 'backup' || run.backupId === null ? null : code(run.backupId)
}

function done(run: RunView): string {
  const time = took(run) && `in ${took(run)}`
  if (run.restore?.clone)
    return `copied into ${code(run.restore.target)} (${safeLine(run.restore.clone.place)}) ${time ?? ''}`.trim()
  if (run.restore) return `restored into ${code(run.restore.target)} ${time ?? ''}`.trim()
  if (run.verify?.all) return joined(`verified ${time ?? ''}`.trim(), safeLine(allWords(run.verify.all)))
  if (run.verify) return joined(`verified ${time ?? ''}`.trim(), safeLine(verifiedWords(run.verify), 600))
  if (run.prune) return joined(`${safeLine(pruneWords(run.prune))} ${time ?? ''}`.trim())
  const owed = run.state === 'degraded' && !hasCaughtUp(run) ? `only in ${places(run)}` : null
  const size = run.backup ? formatBytes(run.backup.storedBytes) : null
  const odd = oddWords(run.backup?.odd ?? [])
  const but = odd === '' ? null : `but ${safeLine(odd, limits.headlineText)}`
  return joined(`${doneWords[run.kind]} ${time ?? ''}`.trim(), size, owed, but)
}

const doneWords: Record<RunKind, string> = {
  backup: 'backed up',
  restore: 'restored',
  verify: 'verified',
  drill: 'restore tried',
  copy: 'copied',
  prune: 'pruned',
}

function places(run: RunView): string {
  return (run.backup?.storages ?? []).map((storage) => safeLine(storage, 80)).join(', ') || 'no place'
}

function smallPrint(run: RunView): string {
  const engine = safeLine(run.engine, 100)
  const series = seriesOf(run)
  if (run.state === 'queued' || run.state === 'running') {
    const started = run.startedAt === null ? null : `started ${timeOfDay(run.startedAt, run.timezone)}`
    return joined(engine, series, origin(run), started, attempt(run), runName(run), host(run))
  }
  const proved = run.backup
    ? joined(levelText(run.backup), contents(run.backup.tables, run.backup.rows))
    : null
  const next = run.kind === 'backup' || run.kind === 'drill' ? nextRun(run) : null
  if (run.drill)
    return joined(engine, series, origin(run), next, placeOf(run.drill), subject(run), runName(run))
  if (failed(run)) {
    return joined(
      engine,
      series,
      `attempt ${run.attempt} of ${run.maxAttempts}`,
      lastGood(run),
      next,
      runName(run),
    )
  }
  return joined(engine, series, origin(run), next, proved, subject(run), runName(run))
}

/** Why it runs, and for whom. */
function origin(run: RunView): string {
  if (run.kind === 'verify' && run.trigger === 'schedule') return 'read again by itself'
  if (run.safetyFor) return `safety backup before the restore asked by ${by(run.safetyFor)}`
  if (run.trigger === 'person') return `asked by ${by(run.actor)}`
  if (run.trigger === 'catch-up') return `${safeLine(run.schedule, 80)}, catching up`
  if (run.trigger === 'retry') return `${safeLine(run.schedule, 80)}, again`
  return safeLine(run.schedule, 80)
}

function attempt(run: RunView): string | null {
  return run.attempt > 1 ? `attempt ${run.attempt} of ${run.maxAttempts}` : null
}

function host(run: RunView): string {
  return `on ${safeLine(run.host, 80)}`
}

/** Counted from the run's end, so that the words stay the same when the card is drawn again. */
export function lastGood(run: RunView): string | null {
  if (run.kind !== 'backup') return null
  if (run.lastGoodAt === null) return 'no good backup yet'
  return `last good backup ${formatAge((run.endedAt ?? run.queuedAt) - run.lastGoodAt)}`
}

export function nextRun(run: RunView): string | null {
  if (run.nextAt === null) return null
  return `next ${upcoming(run.nextAt, run.endedAt ?? run.queuedAt, run.timezone)}`
}

function runButtons(run: RunView): (Button | null)[] {
  const log = button({ label: 'View Log', action: actions.viewLog, value: { id: run.id } })
  if (run.state === 'queued' || run.state === 'running') return [cancelButton(run), log]
  if (run.kind === 'drill') return run.drill?.verdict === 'pass' ? [log] : [drillAgain(run), log]
  if (run.kind !== 'backup') return [log]
  if (run.backup) return [restoreButton(run.backup.id, run.strategy), log]
  return [retryButton(run), log]
}

export function cancelButton(run: RunView, action: string = actions.cancelRun): Button | null {
  const sure = {
    title: `Cancel this ${run.kind}?`,
    text: 'It stops at once and leaves nothing behind.',
    yes: 'Cancel it',
    no: 'Let it run',
  }
  return button({ label: 'Cancel', action, value: { id: run.id }, sure })
}

function restoreButton(backup: string, strategy: string): Button | null {
  return button({ label: 'Restore…', action: actions.restoreBackup, value: { id: backup, strategy } })
}

export function retryButton(run: RunView): Button | null {
  const { id, strategy, database } = run
  const value = { id, strategy, ...(database !== undefined && { args: { database } }) }
  return button({ label: failed(run) ? 'Retry' : 'Run again', action: actions.retryRun, value })
}
