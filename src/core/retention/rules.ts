import type { Retention } from '../config.ts'
import { formatDuration, spellDuration } from '../duration.ts'
import { bucketOf, type CalendarUnit } from './calendar.ts'

type RuleKey = 'keepLast' | 'keepHourly' | 'keepDaily' | 'keepWeekly' | 'keepMonthly' | 'keepYearly'

/** The calendar rules, finest first; `unit` null = each backup is a bucket of its own. */
export const rules: readonly { key: RuleKey; name: string; unit: CalendarUnit | null }[] = [
  { key: 'keepLast', name: 'last', unit: null },
  { key: 'keepHourly', name: 'hourly', unit: 'hour' },
  { key: 'keepDaily', name: 'daily', unit: 'day' },
  { key: 'keepWeekly', name: 'weekly', unit: 'week' },
  { key: 'keepMonthly', name: 'monthly', unit: 'month' },
  { key: 'keepYearly', name: 'yearly', unit: 'year' },
]

export function hasCalendar(policy: Retention): boolean {
  return rules.some(({ key }) => policy[key] > 0)
}

/** The calendar rules as people say them: `7 daily, 4 weekly`; '' when there is none. */
export function calendarText(policy: Pick<Retention, RuleKey>): string {
  return rules.flatMap(({ key, name }) => (policy[key] > 0 ? [`${policy[key]} ${name}`] : [])).join(', ')
}

/** A whole policy: `30d`, `7 daily, 4 weekly`, or `7 daily, 90d at most`. */
export function policyText(policy: Omit<Retention, 'text'>): string {
  const age = policy.maxAgeMs === null ? null : spellAge(policy.maxAgeMs)
  const calendar = calendarText(policy)
  if (calendar === '') return age ?? 'no end'
  return age === null ? calendar : `${calendar}, ${age} at most`
}

const longestDays: Record<CalendarUnit, number> = { hour: 1 / 24, day: 1, week: 7, month: 31, year: 366 }

/** What is legal and hardly meant: calendar rules that reach further back than the age lets anything live, and no rule at all. */
export function doubtfulRules(policy: Retention): { wrong: string; instead: string }[] {
  const { maxAgeMs } = policy
  if (!hasCalendar(policy))
    return maxAgeMs === null && policy.keepGoneMs == null
      ? [
          {
            wrong: 'this retention deletes nothing',
            instead: 'write max_age: 30d, keep_daily: 7, or remove it',
          },
        ]
      : []
  if (maxAgeMs === null) return []
  return rules.flatMap(({ key, name, unit }) => {
    const needsMs = unit === null ? 0 : (policy[key] - 1) * longestDays[unit] * dayMs
    if (needsMs <= maxAgeMs) return []
    const wrong = `keep_${name}: ${policy[key]} reaches back ${policy[key] - 1} ${unit}s, but max_age deletes after ${spellAge(maxAgeMs)}`
    return [{ wrong, instead: `write max_age: ${Math.ceil(needsMs / dayMs)}d or more, or leave it out` }]
  })
}

const dayMs = 86_400_000

/** An age limit as people write it: in days where it is whole days. */
export function spellAge(ms: number): string {
  if (ms > 0 && ms % dayMs === 0) return `${ms / dayMs}d`
  return ms % 1000 === 0 ? spellDuration(ms) : formatDuration(ms)
}

/** Why the calendar rules hold a backup, by its id; who is missing is held by none.
 *
 * Each rule goes from the newest to the oldest and holds the newest good backup of each of its first n buckets that have one.
 * A backup that is not good never takes a bucket from a good one: it is held where a good one in its place would be.
 * @param newestFirst  those that retention judges */
export function heldByCalendar(
  newestFirst: readonly { id: string; createdAt: number; good: boolean }[],
  policy: Retention,
  zone: string,
): Map<string, string[]> {
  const held = new Map<string, string[]>()
  for (const { key, name, unit } of rules) {
    const taken = new Set<string>()
    for (const { id, createdAt, good } of newestFirst) {
      if (taken.size >= policy[key]) break
      const bucket = unit === null ? id : bucketOf(createdAt, unit, zone)
      if (taken.has(bucket)) continue
      const place = `${name} ${taken.size + 1} of ${policy[key]}`
      held.set(id, [
        ...(held.get(id) ?? []),
        unit === null ? place : `newest of ${unit} ${bucket} (${place})`,
      ])
      if (good) taken.add(bucket)
    }
  }
  return held
}
