import { formatAge, formatBytes, formatCount, formatDuration } from '../core/duration.ts'
import { subjectOf } from '../core/subject.ts'
import type { Level, Pin, PruneResult, RunState, RunView, Stage, VerifyResult } from '../core/model.ts'
import { oddWords } from '../core/odd-words.ts'
import { drillFact, drillLines } from './drill-words.ts'
import { cloneLines } from './clone-words.ts'
import { swapLines, undoLines, undoWords } from './replaced.ts'
import type { Cell } from './reply.ts'
import { allLines, allWords } from './verify-words.ts'

/** How facts are said, the same on every face that shows text. */

export const levelWords: Record<Level, string> = {
  V0: 'stored',
  V1: 'digest checked',
  V2: 'decoded whole',
  V3: 'restored and compared',
}

/** A level with where it was reached: decoded before its encryption is less than decoded as stored. */
export function levelText({ level, provedAtDump }: { level: Level; provedAtDump?: true }): string {
  return level === 'V2' && provedAtDump ? 'decoded whole at dump, before its encryption' : levelWords[level]
}

/** What a verification of one backup found; why less was reached than was asked for, and what to do. */
export function verifiedWords(verify: VerifyResult): string {
  const level = levelWords[verify.level]
  return verify.undecoded === undefined
    ? `${level}, ${contents(verify)}`
    : `${level}; not decoded: ${verify.undecoded}`
}

export const stageWords: Record<Stage, string> = {
  starting: 'starting',
  hooks: 'hooks',
  dump: 'dump and upload',
  upload: 'upload',
  proof: 'proof',
  manifest: 'manifest',
  verify: 'verify',
  safety: 'safety backup',
  fetch: 'fetch and check',
  restore: 'restore',
  check: 'compare',
  sanitize: 'sanitize',
  swap: 'swap',
  prune: 'delete old backups',
  waiting: 'waiting to try again',
}

/** States of a strategy that a person should look at, worst first. */
export const worstFirst: readonly Extract<Cell, { kind: 'state' }>['state'][] = [
  'overdue',
  'failed',
  'interrupted',
  'degraded',
  'cancelled',
  'never',
  'running',
  'queued',
  'paused',
  'skipped',
  'succeeded',
]

export function isEnded(state: RunState): boolean {
  return state !== 'queued' && state !== 'running'
}

/** A value as text; null is "unknown".
 * @param where  now, and the reader's zone for dates */
export function cellText(cell: Cell, where: { now: number; timezone?: string | undefined }): string {
  switch (cell.kind) {
    case 'text':
    case 'code':
      return cell.text
    case 'bytes':
      return cell.bytes === null ? 'unknown' : formatBytes(cell.bytes)
    case 'count':
      return cell.count === null ? 'unknown' : formatCount(cell.count)
    case 'duration':
      return cell.ms === null ? 'unknown' : formatDuration(cell.ms)
    case 'level':
      return cell.level === null ? 'unknown' : `${cell.level} ${levelText({ ...cell, level: cell.level })}`
    case 'state':
      return cell.state
    case 'instant':
      return cell.at === null ? '–' : instantText(cell.at, cell, where)
  }
}

function instantText(
  at: number,
  cell: Extract<Cell, { kind: 'instant' }>,
  where: { now: number; timezone?: string | undefined },
): string {
  if (cell.as === 'age') return formatAge(where.now - at)
  if (cell.as === 'in') return at <= where.now ? 'now' : `in ${formatDuration(coarse(at - where.now))}`
  return dateText(at, cell.timezone ?? where.timezone)
}

/** "20 Nov 2026, 06:00" in a zone; the host's when none is given. */
export function dateText(at: number, timezone?: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: timezone,
  })
  return format.format(at)
}

/** Nobody plans by seconds: above a minute the seconds of "in …" are dropped. */
function coarse(ms: number): number {
  return ms < 60_000 ? ms : ms - (ms % 60_000)
}

/** A run in one line, the fact first: "production-db: backed up in 9 s · 341 MB". */
export function runSentence(run: RunView): string {
  return `${subjectOf(run)}: ${runFact(run)}`
}

function runFact(run: RunView): string {
  const task = run.undoes === undefined ? tasks[run.kind] : undoing
  if (run.state === 'queued') return `${task.noun} queued`
  if (run.state === 'running') return task.doing
  if (run.state === 'succeeded' || run.state === 'degraded') return successOf(run)
  const why = run.fault && run.fault.text !== run.state ? `: ${run.fault.text}` : ''
  return `${task.noun} ${run.state}${why}`
}

const undoing = { noun: 'undo', doing: 'exchanging the databases' }

const tasks = {
  backup: { noun: 'backup', doing: 'backing up' },
  restore: { noun: 'restore', doing: 'restoring' },
  verify: { noun: 'verification', doing: 'verifying' },
  drill: { noun: 'restore drill', doing: 'trying a restore' },
  copy: { noun: 'copy', doing: 'copying a backup to a place that owes it' },
  prune: { noun: 'prune', doing: 'deleting old backups' },
}

function successOf(run: RunView): string {
  const took =
    run.startedAt !== null && run.endedAt !== null ? ` in ${formatDuration(run.endedAt - run.startedAt)}` : ''
  if (run.backup) {
    const partly = run.state === 'degraded' && !hasCaughtUp(run) ? ', not in every place' : ''
    const odd = run.backup.odd?.length ? `, but ${oddWords(run.backup.odd)}` : ''
    return `backed up${took} · ${formatBytes(run.backup.storedBytes)}${partly}${odd}`
  }
  if (run.undo) return `${undoWords(run.undo)}${took}`
  if (run.restore) {
    if (run.restore.clone)
      return `copied into ${run.restore.target} (${run.restore.clone.place})${took} · ${contents(run.restore)}`
    const where = run.restore.swap ? 'in place of' : 'into'
    return `restored ${where} ${run.restore.target}${took} · ${contents(run.restore)}`
  }
  if (run.verify?.all) return `verified${took} · ${allWords(run.verify.all)}`
  if (run.verify) return `verified${took} · ${verifiedWords(run.verify)}`
  if (run.drill) return drillFact(run.drill)
  if (run.copy?.dropped) return `not copied to ${run.copy.to}: ${run.copy.dropped}`
  if (run.copy) return `copied to ${run.copy.to}${took} · ${formatBytes(run.copy.bytes)}`
  if (run.prune) return `${pruneWords(run.prune)}${took}`
  return `${tasks[run.kind].noun} succeeded${took}`
}

/** "deleted 12 old backups in nas", or how many of those that were asked for, and why. */
export function pruneWords({ storage, asked, deleted, why }: PruneResult): string {
  if (why === null) return `deleted ${plural(deleted, 'old backup')} in ${storage}`
  return `deleted ${deleted} of ${plural(asked, 'old backup')} in ${storage}: ${why}`
}

/** "until 1 Jan 2027, 00:00 by U123 — before 2.14" */
export function pinWords({ until, by, note }: Pin): string {
  const end = until === null ? 'without end' : `until ${dateText(until)}`
  return `${end} by ${by.id}${note === null ? '' : ` — ${note}`}`
}

/** A backup that some place did not take at first, and that no place owes any more. */
export function hasCaughtUp({ state, backup }: RunView): boolean {
  return state === 'degraded' && backup?.owed.length === 0
}

/** What places owe of a backup and what happens next, and what became of those that did. */
export function placeLines({ backup, endedAt }: RunView): string[] {
  const owed = (backup?.owed ?? []).map(
    ({ storage, why }) =>
      `not yet in ${storage}: ${why}. It is copied there as soon as that works, without a second dump`,
  )
  const settled = (backup?.settled ?? []).map(({ storage, at, why }) =>
    why === null
      ? `caught up in ${storage} ${formatDuration(Math.max(0, at - (endedAt ?? at)))} later`
      : `not copied to ${storage}: ${why}`,
  )
  return [...owed, ...settled]
}

/** What to do about a run that did not end well; with the dump that waits for it. */
export function failureHint({ fault, kept, strategy, timezone }: RunView): string | null {
  const waits = kept
    ? `the dump (${formatBytes(kept.bytes)}) is kept until ${dateText(kept.until, timezone)}: Retry, or run ${strategy} --retry, sends it without dumping again`
    : null
  return [fault?.hint, waits].filter((words) => typeof words === 'string').join('; ') || null
}

/** What a result holds in one line: sizes, places, level, what changed. Empty when the run has no result. */
export function runDetails(run: RunView): string[] {
  if (run.undo) return undoLines(run.undo, run.timezone)
  if (run.restore)
    return [
      `backup ${run.restore.backup} → ${run.restore.endpoint}`,
      ...(run.restore.swap ? swapLines(run.restore.swap, run.timezone) : []),
      ...(run.restore.clone ? cloneLines(run.restore.clone, run.timezone) : []),
      ...run.restore.warnings,
      ...opened(run.restore.open),
    ]
  if (run.verify?.all) return allLines(run.verify.all)
  if (run.verify) return [run.verify.backup]
  if (run.drill) return drillLines(run.drill)
  if (run.copy) return [run.copy.backup]
  const result = run.backup
  if (!result) return []
  const raw = result.rawBytes === null ? '' : ` (${formatBytes(result.rawBytes)} raw)`
  const stored = `${formatBytes(result.storedBytes)} stored${raw} in ${result.storages.join(', ')}`
  const took = `dump ${formatDuration(result.dumpMs)}, upload ${formatDuration(result.uploadMs)}`
  const level = `${levelText(result)}, ${contents(result)}`
  return [
    [stored, took, ...change(result.sizeChange)].join(' · '),
    level,
    result.id,
    ...placeLines(run),
    ...result.warnings,
  ]
}

/** "8 tables, 4,812,330 rows" */
export function contents(counted: { tables: number | null; rows: number | null }): string {
  if (counted.tables === null || counted.rows === null) return 'rows not counted'
  return `${plural(counted.tables, 'table')}, ${plural(counted.rows, 'row')}`
}

/** "1 backup", "1,200 backups" */
export function plural(count: number, noun: string): string {
  const nouns = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`
  return `${formatCount(count)} ${count === 1 ? noun : nouns}`
}

function change(ratio: number | null): string[] {
  if (ratio === null) return []
  const percent = Math.round(ratio * 100)
  return [
    percent === 0 ? 'same size as the last' : `${percent > 0 ? '+' : '−'}${Math.abs(percent)} % on the last`,
  ]
}

function opened(command: string | null): string[] {
  return command ? [`open it: ${command}`] : []
}
