import { createHash } from 'node:crypto'
import { parseDuration, spellDuration } from './duration.ts'
import { cronGrid, parseCron, shortestGap } from './schedule/cron.ts'
import { everyGrid, firstMonday, parseEvery, shown } from './schedule/every.ts'
import { evenSeries, inZone, type Series } from './schedule/grid.ts'
import { firstInstant } from './schedule/zone.ts'

/** When a strategy runs by itself. Plain JSON; `text` is how people read it ("every 6h", "Sundays at 03:00").
 * `on` is an ISO weekday, 1 = Monday. */
export type ScheduleSpec =
  | { type: 'manual' }
  | {
      type: 'every'
      everyMs: number
      at: { hour: number; minute: number } | null
      on: 1 | 2 | 3 | 4 | 5 | 6 | 7 | null
      jitterMs: number
      catchUp: boolean
      text: string
    }
  | { type: 'cron'; expression: string; jitterMs: number; catchUp: boolean; text: string }

/** What is wrong, and what to write instead. */
export interface Mistake {
  mistake: string
  hint: string
}

const keys = ['every', 'cron', 'at', 'on', 'jitter', 'catch_up']
const examples = 'write a duration such as 6h or 1d, cron such as "30 2 * * *", or manual'

/** Reads a schedule as the configuration has it.
 * @param value a duration, five cron fields, a nickname, `manual`, or `{every | cron, at, on, jitter, catch_up}` */
export function parseSchedule(value: unknown): { spec: ScheduleSpec } | Mistake {
  const settings = typeof value === 'string' ? settingsOf(value.trim()) : value
  if (settings === 'manual') return { spec: { type: 'manual' } }
  if (typeof settings === 'number')
    return {
      mistake: `the number ${settings} has no unit`,
      hint: `write ${settings}h for hours, ${settings}d for days`,
    }
  if (!isMapping(settings)) return { mistake: `${shown(value)} is not a schedule`, hint: examples }
  const timing = parseTiming(settings)
  if ('mistake' in timing) return timing
  return withOptions(timing, settings)
}

/** The first slot strictly after an instant; null for `manual`, and when a cron expression has no more.
 *
 * A slot is the instant at which a wall time of the schedule happens in the zone. A wall time that does not exist is a slot
 * at the first instant that does; one that exists twice is a slot at its first instant, and for hourly and shorter schedules
 * at both. Durations that neither divide a day nor are calendar days are slots at multiples of elapsed time since Monday
 * 1970-01-05 00:00 in the zone. Slots depend on nothing but the schedule and the zone (promise 8).
 * @throws RangeError when the zone is unknown */
export function nextSlot(spec: ScheduleSpec, zone: string, after: number): number | null {
  return slotsOf(spec, zone)?.next(after) ?? null
}

/** The latest slot at or before an instant; null for `manual`. */
export function previousSlot(spec: ScheduleSpec, zone: string, atOrBefore: number): number | null {
  return slotsOf(spec, zone)?.last(atOrBefore) ?? null
}

/** The slots after one instant and up to another, oldest first, at most `limit` of them. */
export function slotsBetween(
  spec: ScheduleSpec,
  zone: string,
  afterExclusive: number,
  untilInclusive: number,
  limit: number,
): number[] {
  const series = slotsOf(spec, zone)
  const slots: number[] = []
  let slot = series?.next(afterExclusive) ?? null
  while (series && slot !== null && slot <= untilInclusive && slots.length < limit) {
    slots.push(slot)
    slot = series.next(slot)
  }
  return slots
}

/** How long after its slot a run starts: 0 to jitterMs, the same each time it is asked, spread over strategies and slots.
 * The slot itself stays where it is: it is the key that a run is counted by. */
export function jitterFor(spec: ScheduleSpec, strategy: string, slot: number): number {
  if (spec.type === 'manual' || spec.jitterMs === 0) return 0
  const fraction = createHash('sha256').update(`${strategy}\n${slot}`).digest().readUInt32BE() / 2 ** 32
  return Math.floor(fraction * (spec.jitterMs + 1))
}

/** How far apart slots are around now, in ms: the longer of the gap now is in and the one before it, since until the newest
 * slot's run has ended the newest backup is that of the slot before. Null for `manual`, and when no slot is left. */
export function expectedMaxAge(spec: ScheduleSpec, zone: string, now: number): number | null {
  const series = slotsOf(spec, zone)
  const newest = series?.last(now) ?? null
  if (!series || newest === null) return null
  const next = series.next(newest)
  const before = series.last(newest - 1)
  const gaps = [next === null ? 0 : next - newest, before === null ? 0 : newest - before]
  return Math.max(...gaps) || null
}

function slotsOf(spec: ScheduleSpec, zone: string): Series | null {
  if (spec.type === 'manual') return null
  if (spec.type === 'cron') return inZone(cronGrid(spec.expression), zone)
  const grid = everyGrid(spec)
  return grid ? inZone(grid, zone) : evenSeries(firstInstant(zone, firstMonday), spec.everyMs)
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function settingsOf(text: string): Record<string, unknown> | string {
  if (parseDuration(text) !== null) return { every: text }
  // Four fields are a mistake in a cron expression; "6 hours" is a mistake of another kind.
  return text.startsWith('@') || text.includes('*') || text.split(/\s+/).length >= 4 ? { cron: text } : text
}

type Timing =
  | Omit<Extract<ScheduleSpec, { type: 'every' }>, 'jitterMs' | 'catchUp'>
  | Omit<Extract<ScheduleSpec, { type: 'cron' }>, 'jitterMs' | 'catchUp'>

function parseTiming(settings: Record<string, unknown>): Timing | Mistake {
  const unknown = Object.keys(settings).find((key) => !keys.includes(key))
  if (unknown !== undefined) return { mistake: `unknown key "${unknown}"`, hint: `write ${keys.join(', ')}` }
  const { every, cron, at, on } = settings
  if ((every === undefined) === (cron === undefined))
    return { mistake: 'a schedule has either every or cron', hint: examples }
  if (cron === undefined) {
    const parsed = parseEvery({ every, at, on })
    return 'mistake' in parsed ? parsed : { type: 'every', ...parsed }
  }
  if (at !== undefined || on !== undefined)
    return { mistake: 'at and on go with every', hint: 'put the time and the weekday into cron' }
  const parsed =
    typeof cron === 'string'
      ? parseCron(cron.trim())
      : { mistake: `cron: ${shown(cron)} is not text`, hint: 'write cron: "30 2 * * *", in quotes' }
  return 'mistake' in parsed ? parsed : { type: 'cron', ...parsed }
}

function withOptions(timing: Timing, settings: Record<string, unknown>): { spec: ScheduleSpec } | Mistake {
  const { jitter, catch_up: catchUp = true } = settings
  if (typeof catchUp !== 'boolean')
    return { mistake: `catch_up: ${shown(catchUp)} is neither true nor false`, hint: 'write true or false' }
  const jitterMs =
    jitter === undefined || jitter === 0 ? 0 : typeof jitter === 'string' ? parseDuration(jitter) : null
  if (jitterMs === null)
    return { mistake: `jitter: ${shown(jitter)} is not a duration`, hint: 'write a duration such as 5m' }
  if (jitterMs === 0) return { spec: { ...timing, jitterMs, catchUp } }
  const interval = timing.type === 'every' ? timing.everyMs : shortestGap(timing.expression)
  if (jitterMs * 2 < interval) return { spec: { ...timing, jitterMs, catchUp } }
  return {
    mistake: `jitter: ${spellDuration(jitterMs)} is not less than half of the ${spellDuration(interval)} between two runs`,
    hint: `write less than ${spellDuration(interval / 2)}`,
  }
}
