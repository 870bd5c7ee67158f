import type { DrillConfig } from '../core/drill.ts'
import { parseDuration } from '../core/duration.ts'
import { parseSchedule } from '../core/schedule.ts'
import { defaults } from './defaults.ts'
import type { Examination } from './examine.ts'
import { child, isMapping } from './pointer.ts'
import type { StrategyFile } from './schema/strategy.ts'
import { shown } from './shown.ts'

type Written = NonNullable<StrategyFile['drill']>

/** What the schema alone cannot tell of one `drill`. @param at its position */
export function checkDrill(drill: unknown, at: string, { findings }: Examination): void {
  if (!isMapping(drill) || !findings.clean(at)) return
  const { scratch, database_url: url, checks } = drill as Written
  const scratchAt = child(at, 'scratch')
  if (scratch === true && url !== undefined)
    findings.keyMistake(scratchAt, 'the server is given twice', 'keep either scratch: true or database_url')
  if (scratch === false && url === undefined)
    findings.mistake(scratchAt, 'then there is nothing to restore to', 'write database_url, or remove it')
  const seen = new Set<string>()
  for (const [index, check] of (Array.isArray(checks) ? checks : []).entries()) {
    const place = child(child(at, 'checks'), index)
    if (seen.has(check.name))
      findings.mistake(child(place, 'name'), `the name ${shown(check.name)} is there twice`, 'rename one')
    seen.add(check.name)
    checkExpect(check.expect, child(place, 'expect'), { findings })
  }
}

function checkExpect(expect: unknown, at: string, { findings }: Pick<Examination, 'findings'>): void {
  if (!isMapping(expect) || !findings.clean(at)) return
  const { min, max } = expect as { min?: number; max?: number }
  if (min === undefined && max === undefined)
    findings.mistake(at, 'it sets no limit', 'write min, max or both')
  if (min !== undefined && max !== undefined && min > max)
    findings.mistake(at, `nothing is at least ${min} and at most ${max}`, 'exchange them')
}

/** null where nothing is written: then a drill is done by hand only, in a scratch of its own. */
export function drillOf(written: StrategyFile['drill']): DrillConfig | null {
  if (written === undefined) return null
  const read = parseSchedule(written.schedule ?? defaults.drill.schedule)
  if ('mistake' in read) throw new TypeError(`unchecked schedule: ${read.mistake}`)
  return {
    schedule: read.spec,
    scratch: written.database_url === undefined,
    databaseUrl: written.database_url ?? null,
    checks: written.checks ?? [],
    maxDurationMs: written.max_duration === undefined ? null : parseDuration(written.max_duration),
  }
}
