import { firstInstant, offsetAt, type WallTime } from './zone.ts'

const hourMs = 3_600_000

/** Moments in order. Wall times or instants: the type says which. */
export interface Series<Moment extends number = number> {
  /** The first one strictly after; null when there is none. */
  next(after: Moment): Moment | null
  /** The last one at or before; null when there is none. */
  last(atOrBefore: Moment): Moment | null
}

/** The wall times of a schedule, whatever the zone. */
export interface WallGrid extends Series<WallTime> {
  /** Whether a wall time that happens twice runs both times (hourly and shorter schedules). */
  repeats: boolean
}

/** Moments at equal distances, on both sides of an origin. */
export function evenSeries(origin: number, step: number): Series {
  const last = (atOrBefore: number): number => origin + Math.floor((atOrBefore - origin) / step) * step
  return { last, next: (after) => last(after) + step }
}

/** The instants at which the wall times of a grid happen in a zone.
 *
 * Each wall time counts at its first instant; two that fall into one gap share its end and are one slot. */
export function inZone(grid: WallGrid, zone: string): Series {
  return {
    next: (after) => nextInZone(grid, zone, after),
    last: (atOrBefore) => lastInZone(grid, zone, atOrBefore),
  }
}

function nextInZone(grid: WallGrid, zone: string, after: number): number | null {
  const first = nextFirst(grid, zone, after)
  if (first === null || !grid.repeats) return first
  return nextRepeated(grid, zone, { after, before: first }) ?? first
}

function lastInZone(grid: WallGrid, zone: string, atOrBefore: number): number | null {
  const wall = grid.last(atOrBefore + offsetAt(zone, atOrBefore))
  if (wall === null) return null
  const following = (slot: number): number | null => nextInZone(grid, zone, slot)
  // In the second pass of a repeated hour later wall times have already happened.
  let slot = firstInstant(zone, wall)
  for (let next = following(slot); next !== null && next <= atOrBefore; next = following(next)) slot = next
  return slot
}

function nextFirst(grid: WallGrid, zone: string, after: number): number | null {
  // In the second pass of a repeated hour the next wall times have had their turn.
  for (let wall = grid.next(after + offsetAt(zone, after)); wall !== null; wall = grid.next(wall)) {
    const slot = firstInstant(zone, wall)
    if (slot > after) return slot
  }
  return null
}

/** The first slot between two instants that is a second occurrence, given that no first occurrence lies between them. */
function nextRepeated(grid: WallGrid, zone: string, span: { after: number; before: number }): number | null {
  // What repeats soonest has been shown by the clock already, and no clock was ever set back by more than a day.
  const offset = offsetAt(zone, Math.min(span.before, span.after + 25 * hourMs))
  let wall = grid.next(span.after + offset)
  while (wall !== null && wall - offset < span.before) {
    if (offsetAt(zone, wall - offset) === offset) return wall - offset
    wall = grid.next(wall)
  }
  return null
}
