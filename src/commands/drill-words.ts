import type { DrillCheckResult, DrillResult, DrillVerdict } from '../core/drill.ts'
import { formatAge, formatDuration } from '../core/duration.ts'
import type { Lost } from '../core/incidents.ts'
import type { BackupView, StrategyView } from '../core/model.ts'
import { contents, levelWords, plural } from './phrases.ts'

/** What drills found, in words that are the same on every face. */

export const verdictWords: Record<DrillVerdict, string> = {
  pass: 'drill passed',
  fail: 'drill failed',
  inconclusive: 'drill inconclusive',
}

/** The fact in one line: "drill passed · restored in 3 min 12 s, 12 % slower than the last · 8 tables, 4,812,330 rows". */
export function drillFact(drill: DrillResult): string {
  const { verdict, why } = drill
  if (verdict !== 'pass') return why === null ? verdictWords[verdict] : `${verdictWords[verdict]}: ${why}`
  const compared = drill.tables === null ? [] : [contents(drill)]
  return [verdictWords.pass, ...restoreWords(drill), ...compared].join(' · ')
}

/** "restored in 3 min 12 s, 12 % slower than the last"; nothing when it was not restored. */
export function restoreWords({
  restoreMs,
  previousMs,
}: Pick<DrillResult, 'restoreMs' | 'previousMs'>): string[] {
  if (restoreMs === null) return []
  const trend = previousMs === null ? '' : `, ${trendWords(restoreMs, previousMs)}`
  return [`restored in ${formatDuration(restoreMs)}${trend}`]
}

const noiseMs = 1_000 // what is over in a blink has no trend

/** "12 % slower than the last (2 min 51 s)" */
export function trendWords(ms: number, before: number): string {
  const percent = before === 0 ? 0 : Math.round((ms / before - 1) * 100)
  if (percent === 0 || Math.abs(ms - before) < noiseMs) return 'like the last'
  const last = `the last (${formatDuration(before)})`
  if (percent >= 200) return `${Math.round((ms / before) * 10) / 10} times as long as ${last}`
  return `${Math.abs(percent)} % ${percent > 0 ? 'slower' : 'faster'} than ${last}`
}

/** What was compared with the manifest: "8 tables, 4,812,330 rows", "6 kinds of objects". */
export function comparedWords({ tables, rows, objects }: DrillResult): string[] {
  return [
    ...(tables === null ? [] : [contents({ tables, rows })]),
    ...(objects === null ? [] : [`${plural(objects, 'kind')} of objects`]),
  ]
}

const mostChecks = 10

/** A line each, those that do not hold first: "✗ recent orders: found 0, expected at least 1". */
export function checkLines({ checks }: DrillResult): string[] {
  const sorted = checks.toSorted((a, b) => Number(a.ok) - Number(b.ok))
  const more = sorted.length - mostChecks
  return [
    ...sorted.slice(0, mostChecks).map(checkLine),
    ...(more > 0 ? [`and ${plural(more, 'more check')}: the evidence has them`] : []),
  ]
}

/** All of it, a line each: what was restored where, what was compared, where the evidence lies. */
export function drillLines(drill: DrillResult): string[] {
  const { backup, server, verdict, evidence, notes = [] } = drill
  const isTold = verdict === 'pass' // its sentence has the numbers
  return [
    server === 'nowhere' ? backup : `${backup} → ${server}`,
    ...(isTold ? [] : [[...restoreWords(drill), ...comparedWords(drill)].join(' · ')].filter(Boolean)),
    ...checkLines(drill),
    ...notes,
    ...(evidence ? [`evidence: ${evidence.storage}: ${evidence.key}`] : []),
  ]
}

function checkLine({ name, ok, found, expected }: DrillCheckResult): string {
  if (found === null) return `– ${name}: could not be asked, expected ${expected}`
  return `${ok ? '✓' : '✗'} ${name}: found ${found}, expected ${expected}`
}

/** "2 of 3 checks hold"; nothing without checks. */
export function checksFact({ checks }: DrillResult): string[] {
  if (checks.length === 0) return []
  const good = checks.filter(({ ok }) => ok).length
  if (good === checks.length)
    return [{ 1: 'the check holds', 2: 'both checks hold' }[good] ?? `all ${good} checks hold`]
  if (checks.length === 1) return ['the check does not hold']
  return [`${good} of ${checks.length} checks ${good === 1 ? 'holds' : 'hold'}`]
}

/** What a failed drill means for who has to restore today: what is not offered any more, and what is.
 * @param at  when the drill ended: ages are counted to it */
export function consequence({ backup, stillGood }: Lost, at: number): string {
  const gone = `${backup} is not offered for restore until a drill of it passes`
  if (stillGood === null) return `${gone}, and no other good backup is left: make one now`
  const age = formatAge(at - stillGood.createdAt)
  return `${gone}; the newest good one is ${stillGood.id}, ${age} (${levelWords[stillGood.level]})`
}

/** There are backups, and none was ever restored. Absent: nobody looked. */
export function isUnproven({ proven, backups }: Pick<StrategyView, 'proven' | 'backups'>): boolean {
  return proven === null && backups > 0
}

/** Of those, where no drill has failed either: nobody has tried. */
export function isUntried(strategy: Pick<StrategyView, 'proven' | 'backups' | 'drills'>): boolean {
  return isUnproven(strategy) && badDrill(strategy) === null
}

/** Never restored comes first, then whose last proof is longest ago. */
export function oldestProofFirst(a: StrategyView, b: StrategyView): number {
  return provenAt(a) - provenAt(b)
}

const provenAt = (strategy: StrategyView): number =>
  isUnproven(strategy) ? 0 : (strategy.proven?.at ?? Number.MAX_SAFE_INTEGER)

/** "restored and compared 3 d ago (drill, in 3 min 12 s)" */
export function proofWords(
  { at, by, restoreMs = null }: NonNullable<StrategyView['proven']>,
  now: number,
): string {
  const how = by === undefined ? [] : [by]
  const time = restoreMs === null ? [] : [`in ${formatDuration(restoreMs)}`]
  const small = [...how, ...time].join(', ')
  return `restored and compared ${formatAge(now - at)}${small === '' ? '' : ` (${small})`}`
}

/** Why the last drill is something to look at; null when it passed, or there was none. */
export function badDrill({ drills }: Pick<StrategyView, 'drills'>): string | null {
  const last = drills?.last
  if (last?.verdict !== 'fail') return null
  return `its last drill failed${last.why === null ? '' : `: ${last.why}`}`
}

/** What is known of one backup: "drill passed 3 d ago", "drill failed 2 h ago: …". */
export function drilledWords({ drilled }: Pick<BackupView, 'drilled'>, now: number): string | null {
  if (!drilled) return null
  const { verdict, at, why } = drilled
  return `${verdictWords[verdict]} ${formatAge(now - at)}${verdict === 'pass' || why === null ? '' : `: ${why}`}`
}
