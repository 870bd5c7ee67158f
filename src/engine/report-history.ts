import type { Strategy } from '../core/config.ts'
import { outcomes } from '../core/model.ts'
import type { FailureSpell, LateSpell, Listed, ReportedRuns, ReportPeriod } from '../core/report.ts'
import { expectedMaxAge } from '../core/schedule.ts'
import type { Read } from '../state/database.ts'
import { recall } from '../state/memory.ts'
import { endings, firstRunAt, goodAround, slotsWithout, type Ending } from '../state/report.ts'
import { runsMs } from './forget.ts'
import { firstSeenKey } from './slots.ts'

const mostSpells = 1_000

/** What became of the backups of one strategy in a period. */
export interface History {
  runs: ReportedRuns
  failures: FailureSpell[]
  late: LateSpell[]
}

/** Walks the ends of a strategy's backups once; memory grows with trouble, not with runs.
 * @param strategy  null: it is configured no more, so nobody knows what was promised */
export async function historyOf(
  db: Read,
  name: string,
  { strategy, period, now }: { strategy: Strategy | null; period: ReportPeriod; now: number },
): Promise<History> {
  const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Omit<
    ReportedRuns,
    'strategy' | 'missed' | 'paused'
  >
  const failures: FailureSpell[] = []
  const late: LateSpell[] = []
  let spell: FailureSpell | null = null
  let last = (await goodAround(db, name, { before: period.since })) ?? (await begun(db, name, now))
  for await (const end of endings(db, name, period)) {
    if (end.state in counts) counts[end.state as keyof typeof counts] += 1
    if (isGood(end)) {
      if (spell) spell.goodAt = end.endedAt
      spell = null
      late.push(...lateness(strategy, { last, next: end.endedAt, period }))
      last = end
    } else if (end.state === 'failed' || end.state === 'interrupted') {
      if (spell === null) failures.push((spell = begin(name, end)))
      else Object.assign(spell, { runs: spell.runs + 1, why: end.why ?? end.state })
    }
  }
  if (spell) spell.goodAt = (await goodAround(db, name, { from: spell.from }))?.endedAt ?? null
  late.push(
    ...lateness(strategy, { last, next: null, period: { ...period, until: Math.min(period.until, now) } }),
  )
  for (const one of late)
    one.paused = (await slotsWithout(db, name, { since: one.from, until: one.to ?? period.until })).paused
  return { runs: { strategy: name, ...counts, ...(await slotsWithout(db, name, period)) }, failures, late }
}

/** Without a good backup the time counts from where the strategy is known, as `overdueSince` has it; what is forgotten may have been good. */
async function begun(
  db: Read,
  name: string,
  now: number,
): Promise<{ startedAt: number; endedAt: number } | null> {
  const seen = await recall(db, firstSeenKey(name))
  const known = [seen === null ? null : Number(seen), await firstRunAt(db, name)].filter((at) => at !== null)
  if (known.length === 0) return null
  const at = Math.max(Math.min(...known), now - runsMs)
  return { startedAt: at, endedAt: at }
}

/** The oldest of many lists; `total` counts them all. */
export function merged<Row extends { from: number; strategy: string }>(lists: Row[][]): Listed<Row> {
  const all = lists.flat().toSorted((a, b) => a.from - b.from || (a.strategy < b.strategy ? -1 : 1))
  return { rows: all.slice(0, mostSpells), total: all.length }
}

const isGood = ({ state }: Ending): boolean => state === 'succeeded' || state === 'degraded'

function begin(strategy: string, { endedAt, why, state }: Ending): FailureSpell {
  return { strategy, from: endedAt, runs: 1, why: why ?? state, goodAt: null }
}

/** From when on the newest good backup was too old, until the next was there. By what is promised now: what was promised then is not kept. */
function lateness(
  strategy: Strategy | null,
  {
    last,
    next,
    period,
  }: { last: { startedAt: number; endedAt: number } | null; next: number | null; period: ReportPeriod },
): LateSpell[] {
  if (strategy === null || last === null) return []
  const promisedMs = promiseOf(strategy, last)
  if (promisedMs === null) return []
  const from = Math.max(period.since, last.startedAt + promisedMs)
  if (from >= (next ?? period.until)) return []
  const tookMs = (next ?? period.until) - from
  return [{ strategy: strategy.name, from, to: next, tookMs, promisedMs, paused: 0 }]
}

/** As `overdueSince` has it: `expect.max_age`, else schedule × 1.5 and how long the last one took. */
function promiseOf(
  { expect, schedule, timezone }: Strategy,
  { startedAt, endedAt }: { startedAt: number; endedAt: number },
): number | null {
  if (expect.maxAgeMs !== null) return expect.maxAgeMs
  const interval = expectedMaxAge(schedule, timezone, endedAt)
  return interval === null ? null : interval * 1.5 + endedAt - startedAt
}
