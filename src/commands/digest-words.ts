import type { DigestSize, DigestTrouble, DigestView, Some } from '../core/digest.ts'
import { formatAge, formatBytes, formatCount, formatDuration } from '../core/duration.ts'
import { dateText, plural } from './phrases.ts'

/** A digest in words, the same on every face. */
export interface DigestWords {
  /** "Backups of the last week" */
  title: string
  /** The fact: "42 of 44 succeeded, 2 failed". */
  fact: string
  /** What needs somebody comes first. `lines`: one each. */
  parts: { label: string; lines: string[] }[]
  /** Names under each other with their sizes. */
  sizes: { rows: { name: string; size: string; change: string }[]; more: number } | null
  period: string
}

export function digestWords(digest: DigestView): DigestWords {
  return {
    title: titleOf(digest),
    fact: factOf(digest),
    parts: [
      attention(digest),
      recovered(digest),
      paused(digest),
      restores(digest),
      unproven(digest),
      drilled(digest),
      reread(digest),
      growth(digest),
      stored(digest),
      next(digest),
      requests(digest),
    ].filter((part) => part.lines.length > 0),
    sizes: sizesOf(digest),
    period: `${dateText(digest.sinceAt, digest.timezone)} to ${dateText(digest.untilAt, digest.timezone)} (${digest.timezone})`,
  }
}

const dayMs = 24 * 3600_000
const summerTimeMs = 3600_000 // a day may have 25 hours

function titleOf({ sinceAt, untilAt, timezone }: DigestView): string {
  const length = untilAt - sinceAt
  const isAbout = (ms: number): boolean => Math.abs(length - ms) <= summerTimeMs
  if (isAbout(dayMs)) return 'Backups of the last day'
  if (isAbout(7 * dayMs)) return 'Backups of the last week'
  return `Backups since ${dateText(sinceAt, timezone)}`
}

function factOf({ runs, missed }: DigestView): string {
  const { succeeded, degraded, failed, interrupted, cancelled, skipped } = runs
  const all = succeeded + degraded + failed + interrupted + cancelled
  const good = succeeded + degraded
  const lost = missed + skipped
  const bad = [
    degraded > 0 && `${formatCount(degraded)} not in every place`,
    failed > 0 && `${formatCount(failed)} failed`,
    interrupted > 0 && `${formatCount(interrupted)} interrupted`,
    cancelled > 0 && `${formatCount(cancelled)} cancelled`,
    lost > 0 && `${formatCount(lost)} did not begin`,
  ].filter((words) => words !== false)
  if (all === 0) return ['no backup was made', ...bad].join(', ')
  const fact =
    good === all
      ? `all ${formatCount(all)} succeeded`
      : `${formatCount(good)} of ${formatCount(all)} succeeded`
  return [all === 1 && good === 1 ? 'one, and it succeeded' : fact, ...bad].join(', ')
}

function attention({
  attention: { shown, more },
  strategies,
  madeAt,
}: DigestView): DigestWords['parts'][number] {
  const bad = shown.length + more
  const fine = strategies - bad
  if (bad === 0)
    return {
      label: 'Now',
      lines: [`${fine === 1 ? 'the one strategy is' : `all ${plural(fine, 'strategy')} are`} fine`],
    }
  const rest =
    fine === 0
      ? []
      : [fine === 1 ? '1 more strategy is fine' : `${formatCount(fine)} more strategies are fine`]
  const lines = shown.map((trouble) => troubleLine(trouble, madeAt))
  return {
    label: `Needs attention (${bad})`,
    lines: [...lines, ...(more > 0 ? [`${more} more: status shows them`] : []), ...rest],
  }
}

function troubleLine(
  { strategy, state, failuresInARow, why, lastGoodAt }: DigestTrouble,
  now: number,
): string {
  const what = {
    lost: 'no good backup is left: run one now',
    overdue: 'overdue',
    failed: failuresInARow > 1 ? `failed ${failuresInARow} times in a row` : 'failed',
    interrupted: 'interrupted',
    degraded: 'not in every place',
    unrestorable: 'its last drill failed',
    odd: 'succeeded, but not as usual',
  }[state]
  const good =
    state === 'lost'
      ? ''
      : ` · ${lastGoodAt === null ? 'no good backup yet' : `last good ${formatAge(now - lastGoodAt)}`}`
  return `${strategy}: ${what}${why === null ? '' : `: ${why}`}${good}`
}

function recovered({ recovered: found }: DigestView): DigestWords['parts'][number] {
  const times = (failed: number): string =>
    failed === 1 ? 'once' : failed === 2 ? 'twice' : `${failed} times`
  return listed('Failed and recovered', found, ({ strategy, failed }) => `${strategy} (${times(failed)})`)
}

function paused({ paused: found, timezone }: DigestView): DigestWords['parts'][number] {
  return listed('Paused', found, ({ strategy, until }) =>
    until === null ? `${strategy} until resumed` : `${strategy} until ${dateText(until, timezone)}`,
  )
}

function restores({
  proven,
  oldestProof,
  proofs,
  strategies,
  madeAt,
}: DigestView): DigestWords['parts'][number] {
  if (proven === 0) return { label: 'Restored', lines: [] }
  const all =
    proven === strategies
      ? `all ${plural(strategies, 'strategy')}`
      : `${proven} of ${plural(strategies, 'strategy')}`
  const named = proofs?.shown ?? (oldestProof === null ? [] : [oldestProof])
  const ages = named.map(({ strategy, at }) => `${strategy} ${formatAge(madeAt - at)}`).join(', ')
  return { label: 'Restored', lines: [`${all} at least once; longest ago ${ages}`] }
}

function drilled({ drills }: DigestView): DigestWords['parts'][number] {
  const { pass = 0, fail = 0, inconclusive = 0 } = drills ?? {}
  const all = pass + fail + inconclusive
  const words = [
    pass > 0 && `${formatCount(pass)} passed`,
    fail > 0 && `${formatCount(fail)} failed`,
    inconclusive > 0 && `${formatCount(inconclusive)} inconclusive`,
  ].filter((one) => one !== false)
  return { label: 'Drills', lines: all === 0 ? [] : [words.join(', ')] }
}

function unproven({ unproven: found }: DigestView): DigestWords['parts'][number] {
  const part = listed('Unproven', found, (strategy) => strategy)
  return { ...part, lines: part.lines.map((line) => `never restored: ${line}`) }
}

/** What is stored was looked at again, and what of it is not what was written. */
function reread({ reread: found }: DigestView): DigestWords['parts'][number] {
  const { copies = 0, bytes = 0, broken = 0 } = found ?? {}
  const lines = [
    ...(copies > 0
      ? [`${formatCount(copies)} stored ${copies === 1 ? 'copy' : 'copies'}, ${formatBytes(bytes)}`]
      : []),
    ...(broken > 0
      ? [`${formatCount(broken)} ${broken === 1 ? 'is' : 'are'} broken: list --status corrupt shows them`]
      : []),
  ]
  return { label: 'Read again', lines: lines.length === 0 ? [] : [lines.join('; ')] }
}

function growth({ trend }: DigestView): DigestWords['parts'][number] {
  const [before, now] = [trend.at(-2), trend.at(-1)]
  if (!now) return { label: 'Size', lines: [] }
  const change = before ? `, ${changeWords(now.bytes / before.bytes - 1)}` : ''
  const bars = trend.length > 2 ? ` ${sparkline(trend.map(({ bytes }) => bytes))}` : ''
  return { label: 'Size', lines: [`the newest backups together ${formatBytes(now.bytes)}${change}${bars}`] }
}

const bars = '▁▂▃▄▅▆▇█'

/** The smallest is half as high as the largest, whatever they are: the numbers beside it say how much. */
export function sparkline(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const height = (value: number): number =>
    most === least ? 0.5 : 0.5 + (value - least) / (most - least) / 2
  return values.map((value) => bars[Math.round(height(value) * (bars.length - 1))]).join('')
}

function changeWords(ratio: number): string {
  const percent = Math.round(ratio * 100)
  return percent === 0 ? 'same as before' : signed(percent)
}

function signed(percent: number): string {
  return `${percent > 0 ? '+' : '−'}${formatCount(Math.abs(percent))} %`
}

function sizesOf({ sizes: { shown, more } }: DigestView): DigestWords['sizes'] {
  const moved = shown.filter(({ change }) => change !== null)
  if (moved.length === 0) return null
  const change = ({ change }: DigestSize): string => {
    if (change === null) return 'new'
    const percent = Math.round(change * 100)
    return percent === 0 ? 'same' : signed(percent)
  }
  const rows = shown.map((size) => ({
    name: size.strategy,
    size: formatBytes(size.bytes),
    change: change(size),
  }))
  return { rows, more }
}

function stored({ places }: DigestView): DigestWords['parts'][number] {
  const words = places.map(
    ({ storage, backups, storedBytes }) =>
      `${storage} ${formatBytes(storedBytes)} (${plural(backups, 'backup')})`,
  )
  return { label: 'Stored', lines: words.length === 0 ? [] : [words.join(' · ')] }
}

function next({ next: { shown }, madeAt }: DigestView): DigestWords['parts'][number] {
  const words = shown.map(({ strategy, at }) => `${strategy} in ${formatDuration(wholeMinutes(at - madeAt))}`)
  return { label: 'Next', lines: words.length === 0 ? [] : [words.join(' · ')] }
}

const wholeMinutes = (ms: number): number => Math.max(60_000, Math.round(ms / 60_000) * 60_000)

function requests({ requests: count }: DigestView): DigestWords['parts'][number] {
  const lines =
    count === 0 ? [] : [`${plural(count, 'request')} ${count === 1 ? 'waits' : 'wait'} for an answer`]
  return { label: 'Open', lines }
}

/** Names in one line, with how many others there are. */
function listed<T>(
  label: string,
  { shown, more }: Some<T>,
  say: (one: T) => string,
): DigestWords['parts'][number] {
  if (shown.length === 0) return { label, lines: [] }
  return { label, lines: [`${shown.map(say).join(', ')}${more > 0 ? ` and ${more} more` : ''}`] }
}
