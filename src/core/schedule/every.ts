import { parseDuration, spellDuration } from '../duration.ts'
import type { Mistake, ScheduleSpec } from '../schedule.ts'
import { evenSeries, type WallGrid } from './grid.ts'

type EverySpec = Extract<ScheduleSpec, { type: 'every' }>

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const weekMs = 7 * dayMs
const longestMs = 366 * dayMs

/** Monday 1970-01-05 00:00: what all durations count from. */
export const firstMonday = 4 * dayMs

const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']

/** Reads `every`, `at` and `on`. */
export function parseEvery(given: {
  every: unknown
  at?: unknown
  on?: unknown
}): Pick<EverySpec, 'everyMs' | 'at' | 'on' | 'text'> | Mistake {
  const everyMs = typeof given.every === 'string' ? parseDuration(given.every) : null
  if (everyMs === null) return notADuration(given.every)
  if (everyMs === 0 || everyMs > longestMs) return outOfRange(everyMs)
  const at = given.at === undefined ? null : parseAt(given.at, everyMs)
  if (at && 'mistake' in at) return at
  const on = given.on === undefined ? null : parseOn(given.on, everyMs)
  if (on && typeof on === 'object') return on
  return { everyMs, at, on, text: everyText(everyMs, at, on) }
}

/** The wall times of a duration, or null when it counts elapsed time.
 *
 * What divides a day is aligned to midnight. A day and a week are calendar days; so is any number of whole days with
 * `at`, since who names a time of day means the clock on the wall. Everything else (`5h`, `36h`, `10d`) is elapsed time. */
export function everyGrid(spec: EverySpec): WallGrid | null {
  const { everyMs } = spec
  if (dayMs % everyMs !== 0 && everyMs !== weekMs && !spec.at) return null
  const at = spec.at ? spec.at.hour * hourMs + spec.at.minute * 60_000 : 0
  const on = spec.on ? (spec.on - 1) * dayMs : 0
  return { ...evenSeries(firstMonday + on + at, everyMs), repeats: everyMs <= hourMs }
}

function parseAt(at: unknown, everyMs: number): NonNullable<EverySpec['at']> | Mistake {
  const clock =
    typeof at === 'string' ? /^(?<hour>[01]?\d|2[0-3]):(?<minute>[0-5]\d)$/.exec(at)?.groups : undefined
  if (!clock)
    return { mistake: `at: ${shown(at)} is not a time of day`, hint: 'write at: "02:30", in quotes' }
  if (everyMs % dayMs === 0) return { hour: Number(clock.hour), minute: Number(clock.minute) }
  return {
    mistake: `at needs whole days, and ${spellDuration(everyMs)} is not`,
    hint: `write every: 1d or 1w, or cron such as "${Number(clock.minute)} */6 * * *"`,
  }
}

function parseOn(on: unknown, everyMs: number): NonNullable<EverySpec['on']> | Mistake {
  const index = weekdays.findIndex(
    (name) => typeof on === 'string' && [name, name.slice(0, 3)].includes(on.toLowerCase()),
  )
  if (index < 0) {
    const hint = Array.isArray(on)
      ? 'for several days write cron such as "0 3 * * 1,4"'
      : `write ${weekdays.join(', ')}`
    return { mistake: `on: ${shown(on)} is not a weekday`, hint }
  }
  if (everyMs === weekMs) return (index + 1) as NonNullable<EverySpec['on']>
  return {
    mistake: `on needs every: 1w, and this is ${spellDuration(everyMs)}`,
    hint: 'write every: 1w, or leave out on',
  }
}

function everyText(everyMs: number, at: EverySpec['at'], on: EverySpec['on']): string {
  const clock = `${twoDigits(at?.hour ?? 0)}:${twoDigits(at?.minute ?? 0)}`
  if (everyMs === dayMs) return `daily at ${clock}`
  if (everyMs === weekMs) return `${capital(weekdays[(on ?? 1) - 1]!)}s at ${clock}`
  return at ? `every ${spellDuration(everyMs)} at ${clock}` : `every ${spellDuration(everyMs)}`
}

function notADuration(every: unknown): Mistake {
  const hint = 'write a whole number with s, m (minutes), h, d or w, such as 6h'
  return { mistake: `${shown(every)} is not a duration`, hint }
}

function outOfRange(everyMs: number): Mistake {
  if (everyMs === 0)
    return { mistake: 'a schedule of no time at all', hint: 'write 15m, 6h, 1d …, or manual' }
  return { mistake: `${spellDuration(everyMs)} is longer than a year`, hint: 'write at most 366d, or manual' }
}

/** A value as the person wrote it, near enough to find it again. */
export function shown(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
}

function twoDigits(amount: number): string {
  return String(amount).padStart(2, '0')
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1)
}
