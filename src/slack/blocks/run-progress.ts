import { formatBytes, formatDuration } from '../../core/duration.ts'
import type { BackupResult, Progress, RestoreResult, RunView, VerifyResult } from '../../core/model.ts'
import { oddWords } from '../../core/odd-words.ts'
import { cloneLines } from '../../commands/clone-words.ts'
import { swapLines } from '../../commands/replaced.ts'
import { failureHint, levelText, placeLines, stageWords, verifiedWords } from '../../commands/phrases.ts'
import { allWords } from '../../commands/verify-words.ts'
import { limits } from '../limits.ts'
import { drillResult } from './drill.ts'
import { draw, finish } from './elements.ts'
import type { Drawn } from './elements.ts'
import { failed, signOf, took } from './run-card.ts'
import { undoButton, undoResult } from './undo.ts'
import { runPlan } from './run-plan.ts'
import { code, contents, day, joined, people, safe, safeLine, sentence } from './words.ts'

/** The message in the thread that moves while the run does, and in the end is its result. */
export function runProgress(run: RunView, style: 'basic' | 'rich'): Drawn {
  if (run.state === 'queued') return draw({ headline: 'waiting for its turn' })
  if (run.state === 'running') return moving(run, style)
  if (run.backup) return backupResult(run, run.backup)
  if (run.restore) return restoreResult(run, run.restore)
  if (run.undo) return undoResult(run, run.undo)
  if (run.verify) return verifyResult(run, run.verify)
  if (run.drill) return drillResult(run.drill)
  return draw({ headline: stopped(run), lines: failed(run) ? [explanation(run)] : [] })
}

function moving(run: RunView, style: 'basic' | 'rich'): Drawn {
  const line = `${bar(run.progress)}${running(run)}`
  // the tasks draw their own bar
  const plan = style === 'rich' ? runPlan(run, running(run)) : null
  return plan === null ? draw({ headline: line }) : finish([line], [plan])
}

const barLength = 12

function running(run: RunView): string {
  const { progress } = run
  const stage = stageWords[run.stage ?? progress?.stage ?? 'starting']
  if (!progress) return stage
  const rate = progress.bytesPerSecond ? `${formatBytes(progress.bytesPerSecond)}/s` : null
  const left =
    progress.remainingMs === null ? null : `about ${formatDuration(wholeSeconds(progress.remainingMs))} left`
  return joined(stage, moved(progress), rate, left)
}

function moved({ bytes, expectedBytes }: Progress): string | null {
  if (bytes === 0) return null
  return expectedBytes && bytes <= expectedBytes
    ? `${formatBytes(bytes)} of about ${formatBytes(expectedBytes)}`
    : `${formatBytes(bytes)} so far`
}

/** Never full before the end, and none at all when nobody knows how much is to come. */
function bar(progress: Progress | null): string {
  if (!progress?.expectedBytes) return ''
  const share = Math.min(0.99, progress.bytes / progress.expectedBytes)
  const full = Math.floor(share * barLength)
  return `${'▓'.repeat(full)}${'░'.repeat(barLength - full)} ${Math.floor(share * 100)} %  `
}

function wholeSeconds(ms: number): number {
  return Math.max(1000, Math.round(ms / 1000) * 1000)
}

function backupResult(run: RunView, backup: BackupResult): Drawn {
  const raw = backup.rawBytes === null ? '' : ` (${formatBytes(backup.rawBytes)} raw)`
  const where = backup.storages.map((storage) => safeLine(storage, 80)).join(', ')
  const times = `dump ${formatDuration(backup.dumpMs)}, upload ${formatDuration(backup.uploadMs)}`
  const keeps = keepsWords(backup, run.timezone)
  const stored = `${formatBytes(backup.storedBytes)} stored${raw} in ${where || 'no place'}`
  return draw({
    headline: `${signOf(run)} ${joined(stored, times, change(backup.sizeChange), keeps)}`,
    lines: [
      ...oddLine(backup),
      ...placeLines(run).map((words) => sentence(safeLine(words))),
      ...warnings(backup.warnings),
    ],
    small: [joined(code(backup.id), levelText(backup), contents(backup.tables, backup.rows))],
  })
}

function oddLine({ odd = [] }: BackupResult): string[] {
  return odd.length === 0 ? [] : [sentence(`Suspicious: ${safeLine(oddWords(odd), limits.headlineText)}`)]
}

function change(share: number | null): string | null {
  if (share === null) return null
  const percent = Math.round(share * 100)
  if (percent === 0) return 'same size as the last'
  return `${percent > 0 ? '+' : '−'}${Math.abs(percent)} % on the last`
}

function restoreResult(run: RunView, restore: RestoreResult): Drawn {
  const into = `${contents(restore.tables, restore.rows)} in ${code(restore.target)} on ${safeLine(restore.endpoint, 200)}`
  const times = `fetch ${formatDuration(restore.fetchMs)}, restore ${formatDuration(restore.restoreMs)}`
  return draw({
    headline: `${signOf(run)} ${joined(into, times)}`,
    lines: [
      ...(restore.swap ? swapLines(restore.swap, run.timezone) : []).map((line) => sentence(safeLine(line))),
      ...(restore.clone ? cloneLines(restore.clone, run.timezone) : []).map((line) =>
        sentence(safeLine(line)),
      ),
      ...(restore.open === null ? [] : [`Open it: ${code(restore.open)}`]),
      ...warnings(restore.warnings),
    ],
    small: [`from ${code(restore.backup)}`],
    buttons: [undoButton(run, restore.swap)],
  })
}

function verifyResult(run: RunView, verify: VerifyResult): Drawn {
  const facts = safeLine(verify.all ? allWords(verify.all) : verifiedWords(verify), 600)
  return draw({
    headline: `${signOf(run)} ${joined(facts, took(run))}`,
    small: verify.all ? [] : [code(verify.backup)],
  })
}

function keepsWords({ keepsUntil, keepsBy }: BackupResult, timezone: string): string {
  if (keepsUntil !== null) return `keeps until ${day(keepsUntil, timezone)}`
  return keepsBy === undefined ? 'keeps for ever' : `keeps by calendar: ${safeLine(keepsBy, 100)}`
}

const mostWarnings = 5

function warnings(texts: string[]): string[] {
  const shown = texts.slice(0, mostWarnings).map((text) => `Note: ${safeLine(text, 400)}`)
  const more = texts.length - shown.length
  return more > 0 ? [...shown, `and ${more} more: see View Log`] : shown
}

function stopped(run: RunView): string {
  const at = run.stage === null ? null : `at “${stageWords[run.stage]}”`
  const words = [endings[run.state] ?? 'ended', at, took(run) && `after ${took(run)}`]
  return words.filter(Boolean).join(' ')
}

const endings: Partial<Record<RunView['state'], string>> = {
  failed: '❌ stopped',
  interrupted: '🟠 interrupted',
  cancelled: '⚪ cancelled',
  skipped: '⚪ skipped',
}

function explanation(run: RunView): string {
  if (!run.fault) return ''
  const next = failureHint(run)
  const hint = next === null ? '' : `\n${sentence(safe(next, 400))}`
  return people(`${sentence(`${safe(run.fault.text)} (${run.fault.code})`)}${hint}`)
}
