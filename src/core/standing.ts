import type { StrategyView } from './model.ts'

/** There were backups, and nothing is left to restore from: all were found corrupt, or are gone from their places. */
export function hasLostAll({ lastGood, lastRun, backups }: StrategyView): boolean {
  return lastGood === null && (lastRun?.state === 'succeeded' || backups > 0)
}
