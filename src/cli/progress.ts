import { runSentence, stageWords } from '../commands/phrases.ts'
import { formatBytes, formatDuration } from '../core/duration.ts'
import type { RunView } from '../core/model.ts'
import { subjectOf } from '../core/subject.ts'

const cells = 12

/** One line for what runs now; for several runs, how many have ended and the one that was heard of last. */
export function progressLine(runs: readonly RunView[], latest: RunView): string {
  const ended = runs.filter(({ endedAt }) => endedAt !== null).length
  const count = runs.length > 1 ? `${ended} of ${runs.length} done · ${subjectOf(latest)} · ` : ''
  return count + runProgress(latest)
}

/** `▓▓▓▓▓▓▓▓░░░░ 64 %  dump and upload · 212 MB of about 330 MB · 48 MB/s · about 3 s left` */
function runProgress(run: RunView): string {
  const { progress } = run
  if (run.state !== 'running' || !progress) return runSentence(run)
  const { bytes, expectedBytes, bytesPerSecond, remainingMs } = progress
  const of = expectedBytes && expectedBytes > bytes ? ` of about ${formatBytes(expectedBytes)}` : ''
  const moved = bytes === 0 ? [] : [formatBytes(bytes) + of]
  const rate = bytesPerSecond ? [`${formatBytes(bytesPerSecond)}/s`] : []
  const left = remainingMs ? [`about ${formatDuration(remainingMs)} left`] : []
  return [bar(bytes, expectedBytes) + stageWords[progress.stage], ...moved, ...rate, ...left].join(' · ')
}

/** Never full before the end: the expectation is the size of the last run. */
function bar(bytes: number, expectedBytes: number | null): string {
  if (!expectedBytes) return ''
  const share = Math.min(0.99, bytes / expectedBytes)
  const full = Math.floor(share * cells)
  return `${'▓'.repeat(full)}${'░'.repeat(cells - full)} ${Math.floor(share * 100)} %  `
}
