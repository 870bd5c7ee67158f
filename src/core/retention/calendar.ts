import { offsetAt } from '../schedule/zone.ts'

export type CalendarUnit = 'hour' | 'day' | 'week' | 'month' | 'year'

const dayMs = 86_400_000

/** The calendar bucket in which an instant lies, as people read it: `2026-11-20 06h +01:00`, `2026-11-20`, `2026-W47` (ISO 8601),
 * `2026-11`, `2026`. Equal text = the same bucket. Days, weeks, months and years are those on the wall of the zone; hours are hours
 * that pass: where the clock is set back, the hour that the wall shows twice is two buckets.
 * @throws RangeError when the zone is unknown */
export function bucketOf(instant: number, unit: CalendarUnit, zone: string): string {
  const offset = offsetAt(zone, instant)
  const wall = instant + offset
  if (unit === 'week') return weekOf(Math.floor(wall / dayMs))
  const text = new Date(wall).toISOString()
  switch (unit) {
    case 'hour':
      return `${text.slice(0, 10)} ${text.slice(11, 13)}h ${offsetText(offset)}`
    case 'day':
      return text.slice(0, 10)
    case 'month':
      return text.slice(0, 7)
    case 'year':
      return text.slice(0, 4)
  }
}

/** ISO 8601: weeks start on Monday and belong to the year that has their Thursday.
 * @param day  days since Thursday 1970-01-01 */
function weekOf(day: number): string {
  const monday = day - ((((day + 3) % 7) + 7) % 7)
  const year = new Date((monday + 3) * dayMs).getUTCFullYear()
  const firstDay = Date.UTC(year, 0, 1) / dayMs
  const week = Math.floor((monday + 3 - firstDay) / 7) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}

function offsetText(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / 60_000)
  const two = (amount: number): string => String(amount).padStart(2, '0')
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
