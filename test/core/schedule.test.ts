import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DateTime } from 'luxon'
import {
  expectedMaxAge,
  jitterFor,
  nextSlot,
  parseSchedule,
  previousSlot,
  slotsBetween,
  type ScheduleSpec,
} from '../../src/core/schedule.ts'

const hour = 3_600_000
const day = 24 * hour

function spec(value: unknown): ScheduleSpec {
  const parsed = parseSchedule(value)
  assert.ok('spec' in parsed, JSON.stringify(parsed))
  return parsed.spec
}

/** The next slots after an instant, each as the wall shows it. */
function next(value: unknown, zone: string, from: string, count = 1): string[] {
  return slotsBetween(spec(value), zone, Date.parse(from), Infinity, count).map((slot) => wall(slot, zone))
}

function wall(instant: number, zone: string): string {
  return DateTime.fromMillis(instant, { zone }).toFormat('yyyy-MM-dd HH:mm ZZ')
}

test('durations that divide a day are aligned to local midnight', () => {
  const expected = [
    '2026-06-01 12:00 +02:00',
    '2026-06-01 18:00 +02:00',
    '2026-06-02 00:00 +02:00',
    '2026-06-02 06:00 +02:00',
  ]
  assert.deepEqual(next('6h', 'Europe/Paris', '2026-06-01T06:30+02:00', 4), expected)
  assert.deepEqual(next('12h', 'Asia/Kathmandu', '2026-06-01T06:30+05:45', 2), [
    '2026-06-01 12:00 +05:45',
    '2026-06-02 00:00 +05:45',
  ])
  assert.deepEqual(next('15m', 'Asia/Kathmandu', '2026-06-01T06:30+05:45'), ['2026-06-01 06:45 +05:45'])
  assert.deepEqual(next('90m', 'UTC', '2026-06-01T00:00Z', 2), [
    '2026-06-01 01:30 +00:00',
    '2026-06-01 03:00 +00:00',
  ])
})

test('a day is a calendar day, a week begins on Monday, and at and on shift them', () => {
  // 2026-06-03 is a Wednesday.
  assert.deepEqual(next('1d', 'America/New_York', '2026-06-03T12:00Z'), ['2026-06-04 00:00 -04:00'])
  assert.deepEqual(next('1w', 'America/New_York', '2026-06-03T12:00Z'), ['2026-06-08 00:00 -04:00'])
  assert.deepEqual(next({ every: '1d', at: '02:30' }, 'UTC', '2026-06-03T02:30Z'), [
    '2026-06-04 02:30 +00:00',
  ])
  assert.deepEqual(next({ every: '1w', on: 'sunday', at: '03:00' }, 'UTC', '2026-06-03T00:00Z', 2), [
    '2026-06-07 03:00 +00:00',
    '2026-06-14 03:00 +00:00',
  ])
  assert.deepEqual(next({ every: '1w', at: '3:00' }, 'UTC', '2026-06-03T00:00Z'), ['2026-06-08 03:00 +00:00'])
})

test('other durations count elapsed time from Monday 1970-01-05 00:00 local', () => {
  for (const [text, ms] of [
    ['5h', 5 * hour],
    ['36h', 36 * hour],
    ['10d', 10 * day],
    ['2w', 14 * day],
  ] as const) {
    for (const [zone, origin] of [
      ['Europe/Paris', '1970-01-05T00:00+01:00'],
      ['Europe/London', '1970-01-05T00:00+01:00'],
      ['Asia/Kathmandu', '1970-01-05T00:00+05:30'],
    ] as const) {
      const slots = slotsBetween(spec(text), zone, Date.parse('2026-10-20T00:00Z'), Infinity, 30)
      assert.deepEqual(
        slots.filter((slot) => (slot - Date.parse(origin)) % ms !== 0),
        [],
        `${text} ${zone}`,
      )
      assert.deepEqual(
        slots.slice(1).map((slot, index) => slot - slots[index]!),
        slots.slice(1).map(() => ms),
      )
    }
  }
})

test('several days with at stay at that time of day when clocks change', () => {
  assert.deepEqual(next({ every: '2d', at: '02:30' }, 'Europe/Berlin', '2026-10-23T00:00+02:00', 3), [
    '2026-10-24 02:30 +02:00',
    '2026-10-26 02:30 +01:00',
    '2026-10-28 02:30 +01:00',
  ])
})

test('a wall time that does not exist is a slot at the first instant that does, once', () => {
  assert.deepEqual(next({ every: '1d', at: '02:30' }, 'America/New_York', '2026-03-07T12:00Z', 2), [
    '2026-03-08 03:00 -04:00',
    '2026-03-09 02:30 -04:00',
  ])
  assert.deepEqual(next('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00Z'), [
    '2026-10-04 02:30 +11:00',
  ])
  assert.deepEqual(next('15 2 * * *', 'Australia/Lord_Howe', '2026-10-04T00:00Z'), [
    '2026-10-05 02:15 +11:00',
  ])
  assert.deepEqual(next('1d', 'Asia/Beirut', '2026-03-28T12:00Z', 2), [
    '2026-03-29 01:00 +03:00',
    '2026-03-30 00:00 +03:00',
  ])
  assert.deepEqual(next('0 0 * * *', 'Africa/Cairo', '2026-04-23T12:00Z', 2), [
    '2026-04-24 01:00 +03:00',
    '2026-04-25 00:00 +03:00',
  ])
  assert.deepEqual(next('*/15 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', 2), [
    '2026-03-29 03:00 +02:00',
    '2026-03-30 02:00 +02:00',
  ])
})

test('a day that a zone never had runs once, when the next one begins', () => {
  assert.deepEqual(next('6h', 'Pacific/Apia', '2011-12-29T12:00-10:00', 3), [
    '2011-12-29 18:00 -10:00',
    '2011-12-31 00:00 +14:00',
    '2011-12-31 06:00 +14:00',
  ])
  assert.deepEqual(next({ every: '1d', at: '02:30' }, 'Pacific/Apia', '2011-12-29T12:00-10:00', 2), [
    '2011-12-31 00:00 +14:00',
    '2011-12-31 02:30 +14:00',
  ])
})

test('a wall time that exists twice is a slot the first time only', () => {
  assert.deepEqual(next('30 1 * * *', 'America/New_York', '2026-10-31T12:00Z', 2), [
    '2026-11-01 01:30 -04:00',
    '2026-11-02 01:30 -05:00',
  ])
  assert.deepEqual(next('45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00Z', 2), [
    '2026-04-05 01:45 +11:00',
    '2026-04-06 01:45 +10:30',
  ])
  assert.deepEqual(next('30 1 * * *', 'America/New_York', '2026-11-01T01:10-05:00'), [
    '2026-11-02 01:30 -05:00',
  ])
  // 00:00 on the 25th is followed by a second 23:00 on the 24th.
  assert.deepEqual(next('0 23 * * *', 'Asia/Beirut', '2026-10-24T12:00+03:00', 2), [
    '2026-10-24 23:00 +03:00',
    '2026-10-25 23:00 +02:00',
  ])
})

test('hourly and shorter schedules run in both hours that look the same', () => {
  const twice = ['2026-11-01 01:00 -04:00', '2026-11-01 01:00 -05:00', '2026-11-01 02:00 -05:00']
  for (const value of ['1h', '0 * * * *', '@hourly', '0 0-23 * * *', '0 */1 * * 0']) {
    assert.deepEqual(next(value, 'America/New_York', '2026-11-01T00:30-04:00', 3), twice, value)
  }
  for (const value of ['30m', '*/30 * * * *']) {
    const slots = next(value, 'Australia/Lord_Howe', '2026-04-05T01:00+11:00', 3)
    assert.deepEqual(
      slots,
      ['2026-04-05 01:30 +11:00', '2026-04-05 01:30 +10:30', '2026-04-05 02:00 +10:30'],
      value,
    )
  }
  // Not in every hour, so a time of day and not a repetition.
  assert.deepEqual(next('*/30 0-2 * * *', 'America/New_York', '2026-11-01T01:30-04:00'), [
    '2026-11-01 02:00 -05:00',
  ])
})

test('an hourly slot inside a gap of half an hour is not lost', () => {
  const slots = next('1h', 'Australia/Lord_Howe', '2026-10-04T00:30+10:30', 3)
  assert.deepEqual(slots, ['2026-10-04 01:00 +10:30', '2026-10-04 02:30 +11:00', '2026-10-04 03:00 +11:00'])
})

test('schedules go on after 2038 and wait for leap days', () => {
  assert.deepEqual(next('30 2 * * *', 'Europe/Berlin', '2090-07-01T12:00Z'), ['2090-07-02 02:30 +02:00'])
  assert.deepEqual(next('6h', 'Europe/Berlin', '2090-12-01T12:00Z'), ['2090-12-01 18:00 +01:00'])
  assert.deepEqual(next('0 0 29 2 *', 'UTC', '2096-03-01T00:00Z'), ['2104-02-29 00:00 +00:00'])
})

test('manual never runs by itself', () => {
  const manual = spec('manual')
  assert.equal(nextSlot(manual, 'UTC', 0), null)
  assert.equal(previousSlot(manual, 'UTC', 0), null)
  assert.deepEqual(slotsBetween(manual, 'UTC', 0, Infinity, 5), [])
  assert.equal(expectedMaxAge(manual, 'UTC', 0), null)
  assert.equal(jitterFor(manual, 'shop', 0), 0)
})

test('an unknown zone is refused', () => {
  assert.throws(() => nextSlot(spec('6h'), 'Europe/Atlantis', 0), RangeError)
})

test('slots between two instants exclude the first, include the last, and stop at the limit', () => {
  const slots = slotsBetween(spec('6h'), 'UTC', 0, day, 10)
  assert.deepEqual(slots, [6 * hour, 12 * hour, 18 * hour, 24 * hour])
  assert.deepEqual(slotsBetween(spec('6h'), 'UTC', 0, day, 2), [6 * hour, 12 * hour])
  assert.deepEqual(slotsBetween(spec('6h'), 'UTC', 0, 6 * hour - 1, 10), [])
})

test('jitter is the same for the same slot, differs between strategies, and stays within its bound', () => {
  const jittered = spec({ every: '6h', jitter: '10m' })
  assert.equal(jitterFor(jittered, 'shop', day), jitterFor(jittered, 'shop', day))
  const offsets = Array.from({ length: 500 }, (_, index) => jitterFor(jittered, `strategy-${index}`, day))
  assert.ok(offsets.every((offset) => Number.isInteger(offset) && offset >= 0 && offset <= 600_000))
  assert.ok(Math.min(...offsets) < 30_000 && Math.max(...offsets) > 570_000, 'spread over the whole bound')
  assert.equal(nextSlot(jittered, 'UTC', 0), 6 * hour, 'the slot itself does not move')
  assert.equal(jitterFor(spec('6h'), 'shop', day), 0)
})

test('a weekend without slots is not overdue, nor is the Monday after it before its run ends', () => {
  const workdays = spec('0 2 * * 1-5')
  const age = (now: string): number => expectedMaxAge(workdays, 'UTC', Date.parse(now))! / hour
  assert.equal(age('2026-06-03T12:00Z'), 24, 'Wednesday')
  assert.equal(age('2026-06-06T12:00Z'), 72, 'Saturday')
  assert.equal(age('2026-06-08T02:05Z'), 72, 'Monday, while it runs')
  assert.equal(age('2026-06-09T02:05Z'), 24, 'Tuesday')
})

test('the interval of a duration is the duration, and an hour more where the clock goes back', () => {
  const age = (value: unknown, now: string): number =>
    expectedMaxAge(spec(value), 'Europe/Paris', Date.parse(now))! / hour
  assert.equal(age('6h', '2026-06-03T12:00Z'), 6)
  assert.equal(age('36h', '2026-06-03T12:00Z'), 36)
  assert.equal(age('1w', '2026-06-03T12:00Z'), 168)
  assert.equal(age('6h', '2026-10-25T03:00Z'), 7)
})

test('a thousand strategies find their next slots in well under a second', () => {
  const begun = process.cpuUsage()
  for (const value of ['6h', '1d', '36h', '30 2 * * *', '*/15 * * * *']) {
    const timed = spec(value)
    for (let count = 0; count < 200; count += 1)
      nextSlot(timed, 'America/New_York', 1.8e12 + count * 13 * hour)
  }
  assert.ok(process.cpuUsage(begun).user < 1e6)
})
