import type { Strategy } from '../core/config.ts'
import { parseDuration } from '../core/duration.ts'
import { defaults } from './defaults.ts'
import type { StrategyFile } from './schema/strategy.ts'

/** What is normal, with every default; it was judged before. */
export function expectOf(own: StrategyFile['expect'], global: StrategyFile['expect']): Strategy['expect'] {
  const { max_age, size_change, rows_change, duration_change } = { ...defaults.expect, ...global, ...own }
  return {
    maxAgeMs: max_age === undefined ? null : parseDuration(max_age),
    size: share(size_change),
    rows: share(rows_change),
    duration: share(duration_change),
  }
}

/** `50%` → 0.5 */
function share(written: string): number | null {
  return written === 'off' ? null : Number.parseFloat(written) / 100
}
