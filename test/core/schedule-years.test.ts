import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  nextSlot,
  parseSchedule,
  previousSlot,
  slotsBetween,
  type ScheduleSpec,
} from '../../src/core/schedule.ts'

const minuteMs = 60_000
const dayMs = 1440 * minuteMs

/** Each schedule, and the same in other words for somebody who watches the clock on the wall.
 * Day 0 is Thursday 1970-01-01, so that Monday is day % 7 = 4 and Sunday day % 7 = 3. */
const schedules: { value: unknown; rule: WallRule }[] = [
  { value: '6h', rule: once((wall) => wall % 360 === 0) },
  { value: '1d', rule: once((wall) => wall % 1440 === 0) },
  { value: '1w', rule: once((wall) => wall % 1440 === 0 && (wall / 1440) % 7 === 4) },
  { value: { every: '1d', at: '02:30' }, rule: once((wall) => wall % 1440 === 150) },
  { value: '30 2 * * *', rule: once((wall) => wall % 1440 === 150) },
  { value: '0 0 * * *', rule: once((wall) => wall % 1440 === 0) },
  { value: '15 1 * * 0', rule: once((wall) => wall % 1440 === 75 && Math.floor(wall / 1440) % 7 === 3) },
  { value: '0 */6 * * *', rule: once((wall) => wall % 360 === 0) },
]
/** Those with many slots: compared where clocks change, the first of them for a whole year. */
const shortSchedules: typeof schedules = [
  { value: '*/15 * * * *', rule: both((wall) => wall % 15 === 0) },
  { value: '1h', rule: both((wall) => wall % 60 === 0) },
  { value: '20m', rule: both((wall) => wall % 20 === 0) },
  { value: '90m', rule: once((wall) => wall % 90 === 0) },
  { value: '*/10 0-3 * * *', rule: once((wall) => wall % 10 === 0 && wall % 1440 < 240) },
  { value: '30 * * * 6', rule: both((wall) => wall % 60 === 30 && Math.floor(wall / 1440) % 7 === 2) },
]
const zones = [
  'America/New_York',
  'Europe/London',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Africa/Cairo',
  'Europe/Berlin',
]

const otherSchedules = [
  '1m',
  '45m',
  '2h',
  '5h',
  '36h',
  '10d',
  '@monthly',
  '0 3 L * *',
  '*/7 1 * * *',
  '0 0 29 2 *',
  '* * * * 0',
]
const anySchedule = fc.constantFrom<unknown>(
  ...[...schedules, ...shortSchedules].map(({ value }) => value),
  ...otherSchedules,
  { every: '2d', at: '01:30' },
  { every: '1w', on: 'sunday', at: '00:30' },
)
const changes = {
  'America/New_York': ['2026-03-08T07:00Z', '2026-11-01T06:00Z'],
  'Europe/London': ['2026-03-29T01:00Z', '2026-10-25T01:00Z'],
  'Asia/Beirut': ['2026-03-28T22:00Z', '2026-10-24T21:00Z'],
  'Australia/Lord_Howe': ['2026-04-04T15:00Z', '2026-10-03T15:30Z'],
  'Africa/Cairo': ['2026-04-23T22:00Z', '2026-10-29T21:00Z'],
  'Pacific/Apia': ['2011-12-30T10:00Z', '2012-03-31T14:00Z'],
  'Africa/Casablanca': ['2026-02-15T02:00Z', '2026-03-22T02:00Z'],
  'Asia/Kathmandu': ['1985-12-31T18:30Z'],
}
/** Half of the instants lie within hours of a change of their zone's clock. */
const anyMoment = fc.constantFrom(...Object.entries(changes)).chain(([zone, changed]) => {
  const anytime = fc.integer({ min: Date.UTC(1975, 0, 1), max: Date.UTC(2090, 0, 1) })
  const near = fc
    .tuple(
      fc.constantFrom(...changed),
      fc.integer({ min: -300, max: 300 }),
      fc.constantFrom(-1, 0, 1, 30_000),
    )
    .map(([change, minutes, ms]) => Date.parse(change) + minutes * minuteMs + ms)
  return fc.record({ zone: fc.constant(zone), from: fc.oneof(anytime, near) })
})

for (const zone of zones) {
  test(`ten years in ${zone} have every slot once`, () => {
    compare(schedules, zone, { from: Date.UTC(2024, 0, 1), until: Date.UTC(2034, 0, 1) })
  })
  test(`a year of quarters of an hour in ${zone} has every slot once`, () => {
    compare(shortSchedules.slice(0, 1), zone, { from: Date.UTC(2026, 0, 1), until: Date.UTC(2027, 0, 1) })
  })
}

test('in every zone of the world each change of the clock from 1973 to 2050 loses no slot and doubles none', () => {
  const zone = fc.constantFrom(...Intl.supportedValuesOf('timeZone'))
  // Until 1972 Liberia's offset had odd seconds, which this test's clock does not show.
  const year = fc.integer({ min: 1973, max: 2050 })
  fc.assert(
    fc.property(zone, year, (zone, year) => {
      const clock = wallClock(zone)
      for (let from = Date.UTC(year, 0, 1); from < Date.UTC(year + 1, 0, 1); from += dayMs) {
        if (clock(from + dayMs) - clock(from) === 1440) continue
        compare([...schedules, ...shortSchedules], zone, { from: from - dayMs, until: from + 3 * dayMs })
      }
    }),
    {
      numRuns: 60,
      examples: [
        ['Pacific/Apia', 2011],
        ['Pacific/Kwajalein', 1993],
        ['Asia/Kathmandu', 1986],
        ['Antarctica/Troll', 2026],
        ['Africa/Casablanca', 2026],
      ],
    },
  )
})

test('slots between two instants are those that nextSlot names one after the other', () => {
  fc.assert(
    fc.property(anySchedule, anyMoment, (value, { zone, from }) => {
      const slots = slotsBetween(spec(value), zone, from, Infinity, 20)
      let slot: number | null = from
      for (const expected of slots) {
        const after: number = slot
        slot = nextSlot(spec(value), zone, after)
        assert.equal(slot, expected)
        assert.ok(slot > after)
      }
    }),
  )
})

test('no instant before a slot has another next one, and the slot is its own previous one', () => {
  fc.assert(
    fc.property(
      anySchedule,
      anyMoment,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (value, { zone, from }, part) => {
        const slot = nextSlot(spec(value), zone, from)!
        const between = from + Math.floor((slot - 1 - from) * part)
        assert.equal(nextSlot(spec(value), zone, between), slot)
        assert.equal(previousSlot(spec(value), zone, slot), slot)
        const before = previousSlot(spec(value), zone, slot - 1)!
        assert.ok(before <= from)
        assert.equal(previousSlot(spec(value), zone, between), before)
        assert.equal(nextSlot(spec(value), zone, before), slot)
      },
    ),
    { numRuns: 1000 },
  )
})

function compare(cases: typeof schedules, zone: string, span: { from: number; until: number }): void {
  const watched = watchTheClock(
    cases.map(({ rule }) => rule),
    zone,
    span,
  )
  for (const [index, { value }] of cases.entries()) {
    const slots = slotsBetween(spec(value), zone, span.from - 1, span.until, Infinity)
    // deepEqual over so many numbers is slow, and its report unreadable.
    const different = slots.findIndex((slot, at) => slot !== watched[index]![at])
    const where = new Date(slots[different] ?? watched[index]![slots.length] ?? 0).toISOString()
    assert.ok(
      different === -1 && slots.length === watched[index]!.length,
      `${JSON.stringify(value)} in ${zone} near ${where}`,
    )
  }
}

function spec(value: unknown): ScheduleSpec {
  const parsed = parseSchedule(value)
  assert.ok('spec' in parsed, JSON.stringify(parsed))
  return parsed.spec
}

function once(matches: WallRule['matches']): WallRule {
  return { matches, both: false }
}

function both(matches: WallRule['matches']): WallRule {
  return { matches, both: true }
}

interface WallRule {
  /** Whether a wall minute (minutes since 1970-01-01 00:00 as the wall shows it) is one of the schedule's. */
  matches(wallMinute: number): boolean
  /** Whether both of two equal wall times count. */
  both: boolean
}

/** The slots of each rule, by watching the wall clock of a zone from one minute to another.
 * A day before `from` is watched too, so as to know which wall times have been seen already. */
function watchTheClock(rules: WallRule[], zone: string, span: { from: number; until: number }): number[][] {
  const slots: number[][] = rules.map(() => [])
  const clock = wallClock(zone)
  const begin = span.from - 2 * 1440 * minuteMs
  let latest = clock(begin) - 1
  for (let instant = begin; instant <= span.until; instant += minuteMs) {
    const shown = clock(instant)
    const seenBefore = shown <= latest
    for (const [index, rule] of rules.entries()) {
      if (instant < span.from) continue
      if (seenBefore ? rule.both && rule.matches(shown) : anyBetween(rule, latest + 1, shown))
        slots[index]!.push(instant)
    }
    latest = Math.max(latest, shown)
  }
  return slots
}

/** The wall shows `last` now; all that it has leapt over since `first` is due now too, once. */
function anyBetween(rule: WallRule, first: number, last: number): boolean {
  for (let wall = first; wall <= last; wall += 1) if (rule.matches(wall)) return true
  return false
}

/** Asks Intl once an hour, and minute by minute only in hours in which the clock was changed. */
function wallClock(zone: string): (instant: number) => number {
  const read = reader(zone)
  let hour = Number.NaN
  let shift: number | null = null
  return (instant) => {
    const start = Math.floor(instant / 3_600_000)
    if (start !== hour) {
      hour = start
      const first = read(start * 60)
      shift = read(start * 60 + 59) - first === 59 ? first - start * 60 : null
    }
    return shift === null ? read(instant / minuteMs) : instant / minuteMs + shift
  }
}

function reader(zone: string): (minute: number) => number {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (minute) => Date.parse(`${format.format(minute * minuteMs).replace(' ', 'T')}Z`) / minuteMs
}
