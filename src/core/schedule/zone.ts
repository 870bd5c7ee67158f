import { IANAZone } from 'luxon'

/** A wall time is what a clock on the wall shows, written as the milliseconds UTC would have at that reading. */
export type WallTime = number

const dayMs = 86_400_000

/** Whether this runtime knows the zone (`Europe/Paris`, `UTC`). */
export function isZone(zone: string): boolean {
  return IANAZone.isValidZone(zone)
}

/** Wall time minus UTC, in ms, at an instant.
 * @throws RangeError when the zone is unknown */
export function offsetAt(zone: string, instant: number): number {
  const day = Math.floor(instant / dayMs)
  const offset = offsetAtStart(zone, day)
  // no zone has changed its clocks and changed them back within a day
  return offset === offsetAtStart(zone, day + 1) ? offset : lookUp(zone, instant)
}

const starts = new Map<string, Map<number, number>>() // asking the system takes 10 µs; retention asks for every backup
const mostStarts = 20_000

/** The offset at the start of a day of UTC. */
function offsetAtStart(zone: string, day: number): number {
  let known = starts.get(zone)
  if (!known || known.size >= mostStarts) starts.set(zone, (known = new Map<number, number>()))
  let offset = known.get(day)
  if (offset === undefined) known.set(day, (offset = lookUp(zone, day * dayMs)))
  return offset
}

function lookUp(zone: string, instant: number): number {
  const minutes = IANAZone.create(zone).offset(instant)
  if (Number.isNaN(minutes)) throw new RangeError(`unknown time zone ${zone}`)
  // Before standard time zones had offsets of odd seconds, which luxon returns as fractions of a minute.
  return Math.round(minutes * 60) * 1000
}

/** When a wall time happens: the first time if it happens twice, and for one that never happens the first instant after
 * the gap. Never decreases as the wall time grows, so slots keep their order.
 *
 * Offsets stay within 14 h of UTC, so a day to each side of the reading lies outside of any one change of the clock. */
export function firstInstant(zone: string, wall: WallTime): number {
  const before = offsetAt(zone, wall - dayMs)
  const after = offsetAt(zone, wall + dayMs)
  if (before === after) return wall - before
  const real = [wall - before, wall - after].filter((instant) => instant + offsetAt(zone, instant) === wall)
  return real.length > 0 ? Math.min(...real) : changeBetween(zone, wall - dayMs, wall + dayMs)
}

/** The instant at which the offset changes, between two instants with different offsets. */
function changeBetween(zone: string, from: number, to: number): number {
  const before = offsetAt(zone, from)
  let same = from
  let changed = to
  while (changed - same > 1) {
    const middle = Math.floor((same + changed) / 2)
    if (offsetAt(zone, middle) === before) same = middle
    else changed = middle
  }
  return changed
}
