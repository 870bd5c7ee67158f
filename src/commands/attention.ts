import type { StrategyView } from '../core/model.ts'
import { hasLostAll } from '../core/standing.ts'
import { badDrill } from './drill-words.ts'
import { dateText, worstFirst } from './phrases.ts'
import type { Cell } from './reply.ts'

type State = Extract<Cell, { kind: 'state' }>['state']

/** One word for a strategy: overdue beats all, then what runs, then a pause, then how the last run ended. */
export function stateOf(strategy: StrategyView): State {
  if (strategy.overdueSince !== null) return 'overdue'
  if (strategy.runningId !== null) return 'running'
  if (strategy.paused !== null) return 'paused'
  // the last run is forgotten with the state; a backup in a place says how it ended
  return strategy.lastRun?.state ?? (strategy.lastGood ? 'succeeded' : 'never')
}

const bad: readonly State[] = ['overdue', 'failed', 'interrupted', 'degraded']

export function needsAttention(strategy: StrategyView): boolean {
  return (
    bad.includes(stateOf(strategy)) ||
    hasLostAll(strategy) ||
    isUntested(strategy) ||
    badDrill(strategy) !== null ||
    isOdd(strategy)
  )
}

/** Its newest backup is good, and nobody has found out yet why it is not as usual. */
export function isOdd({ odd }: StrategyView): boolean {
  return odd !== undefined && odd !== null
}

function isUntested({ encryption }: StrategyView): boolean {
  return encryption?.untested ?? false
}

/** The worse, the lower: what needs attention comes before what is well, however its last run ended. */
export function urgencyOf(strategy: StrategyView): number {
  const order = worstFirst.indexOf(stateOf(strategy))
  return needsAttention(strategy) ? Math.min(order, worstFirst.indexOf('degraded')) : order
}

/** Why, and what is known of it: "failed twice in a row: password refused". */
export function attentionTo(strategy: StrategyView): string {
  const state = stateOf(strategy)
  if (!bad.includes(state) && hasLostAll(strategy)) return 'no good backup is left: run one now'
  if (!bad.includes(state) && isUntested(strategy))
    return `encrypted, and nobody has shown yet that it can be decrypted: decrypt-test ${strategy.name}`
  const drill = badDrill(strategy)
  if (!bad.includes(state) && drill !== null) return drill
  if (!bad.includes(state) && strategy.odd) return `succeeded, but ${strategy.odd.why}`
  const fault = strategy.lastRun?.fault
  const row = strategy.failuresInARow > 1 ? ` ${strategy.failuresInARow} times in a row` : ''
  const hint = fault?.hint ? ` (${fault.hint})` : ''
  return `${state}${row}${fault ? `: ${fault.text}${hint}` : ''}`
}

/** "by ann, until 20 Nov 2026, 14:00"; null while nothing is paused. */
export function pauseWords({ paused, timezone }: StrategyView): string | null {
  if (paused === null) return null
  const until = paused.until === null ? 'until resumed' : `until ${dateText(paused.until, timezone)}`
  return `by ${paused.by.via === 'slack' ? '@' : ''}${paused.by.id}, ${until}`
}
