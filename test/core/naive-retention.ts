import type { Retention } from '../../src/core/config.ts'
import type { Candidate, Circumstances } from '../../src/core/retention.ts'

/** What product §3 says about retention, word for word and as slowly as it likes: it shares nothing with the code it judges but
 * the types, asks Temporal for the calendar, and looks at every backup against all others.
 * @returns for each id why it stays, or null when it goes */
export function naiveRetention(
  all: readonly Candidate[],
  policy: Retention | null,
  { now, timezone, intervalMs, listed }: Circumstances,
): Map<string, string | null> {
  const everything = (why: string): Map<string, string | null> => new Map(all.map(({ id }) => [id, why]))
  if (policy === null) return everything('nothing is configured')
  const counts = {
    last: policy.keepLast,
    hour: policy.keepHourly,
    day: policy.keepDaily,
    week: policy.keepWeekly,
    month: policy.keepMonthly,
    year: policy.keepYearly,
  }
  const usesCalendar = Object.values(counts).some((count) => count > 0)
  if (policy.maxAgeMs === null && !usesCalendar) return everything('nothing is configured')

  const ours = all.filter((one) => !one.foreign)
  const good = ours.filter((one) => one.good)
  const isFrozen =
    !listed ||
    good.length === 0 ||
    ours.some((one) => one.createdAt > now) ||
    (intervalMs !== null && good.every((one) => now - one.createdAt > 2 * intervalMs))
  const labels = new Map<string, string>()
  const label = (one: Candidate, unit: string): string => {
    const key = `${one.id} ${unit}`
    if (!labels.has(key)) labels.set(key, wallLabel(one, unit, timezone))
    return labels.get(key)!
  }

  /** The newest of each bucket of a pool, newest first, cut to the rule's count. */
  const chosen = (pool: Candidate[], unit: string, count: number): Candidate[] => {
    const best = new Map<string, Candidate>()
    for (const one of pool) {
      const rival = best.get(label(one, unit))
      if (!rival || isNewer(one, rival)) best.set(label(one, unit), one)
    }
    return [...best.values()].sort((a, b) => (isNewer(a, b) ? -1 : 1)).slice(0, count)
  }
  const amongGood = new Map(
    Object.entries(counts).map(([unit, count]) => [unit, chosen(good, unit, count).map(({ id }) => id)]),
  )
  const places = (one: Candidate): string[] =>
    Object.entries(counts).flatMap(([unit, count]) => {
      if (count === 0) return []
      const winners = one.good
        ? amongGood.get(unit)!
        : chosen([...good, one], unit, count).map(({ id }) => id)
      const at = winners.indexOf(one.id)
      return at < 0 ? [] : [`${unit} ${label(one, unit)} ${at + 1}/${count}`]
    })

  const why = (one: Candidate): string | null => {
    if (one.foreign) return 'foreign'
    if (one.pin && (one.pin.until === null || one.pin.until > now)) return 'pinned'
    if (isFrozen) return 'frozen'
    const newer = good.filter((other) => isNewer(other, one)).length
    if (one.good && newer === 0) return 'newest'
    if (one.good && newer < policy.minKeep) return 'min-keep'
    if (policy.maxAgeMs !== null && now - one.createdAt > policy.maxAgeMs) return null
    if (!usesCalendar) return 'young'
    const held = places(one)
    return held.length === 0 ? null : held.join(', ')
  }
  return new Map(all.map((one) => [one.id, why(one)]))
}

function isNewer(a: Candidate, b: Candidate): boolean {
  return a.createdAt === b.createdAt ? a.id > b.id : a.createdAt > b.createdAt
}

interface Zoned {
  year: number
  month: number
  day: number
  hour: number
  weekOfYear: number
  yearOfWeek: number
  offset: string
}
/** The compiler's library has no Temporal yet; Node has. */
const { Temporal } = globalThis as unknown as {
  Temporal: {
    Instant: { fromEpochMilliseconds(ms: number): { toZonedDateTimeISO(zone: string): Zoned } }
  }
}

function wallLabel({ id, createdAt }: Candidate, unit: string, zone: string): string {
  const two = (amount: number): string => String(amount).padStart(2, '0')
  if (unit === 'last') return id
  const at = Temporal.Instant.fromEpochMilliseconds(createdAt).toZonedDateTimeISO(zone)
  const date = `${at.year}-${two(at.month)}-${two(at.day)}`
  if (unit === 'hour') return `${date} ${two(at.hour)}h ${at.offset}`
  if (unit === 'day') return date
  if (unit === 'week') return `${at.yearOfWeek}-W${two(at.weekOfYear)}`
  return unit === 'month' ? date.slice(0, 7) : String(at.year)
}
