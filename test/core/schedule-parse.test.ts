import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Mistake, parseSchedule, type ScheduleSpec } from '../../src/core/schedule.ts'
import { isZone } from '../../src/core/schedule/zone.ts'

function spec(value: unknown): ScheduleSpec {
  const parsed = parseSchedule(value)
  assert.ok('spec' in parsed, JSON.stringify(parsed))
  return parsed.spec
}

function text(value: unknown): string {
  const parsed = spec(value)
  return parsed.type === 'manual' ? 'manual' : parsed.text
}

function mistake(value: unknown): Mistake {
  const parsed = parseSchedule(value)
  assert.ok('mistake' in parsed, JSON.stringify(parsed))
  return parsed
}

test('a schedule is read the way people say it', () => {
  assert.equal(text('6h'), 'every 6h')
  assert.equal(text('90m'), 'every 90m')
  assert.equal(text('1h30m'), 'every 90m')
  assert.equal(text('1d'), 'daily at 00:00')
  assert.equal(text('24h'), 'daily at 00:00')
  assert.equal(text('7d'), 'Mondays at 00:00')
  assert.equal(text('10d'), 'every 10d')
  assert.equal(text({ every: '1d', at: '02:30' }), 'daily at 02:30')
  assert.equal(text({ every: '1w', on: 'sunday', at: '03:00' }), 'Sundays at 03:00')
  assert.equal(text({ every: '1w', on: 'Wed' }), 'Wednesdays at 00:00')
  assert.equal(text({ every: '2d', at: '3:05' }), 'every 2d at 03:05')
  assert.equal(text(' 0  2 * * * '), 'cron 0 2 * * *')
  assert.equal(text('@weekly'), 'Sundays at 00:00')
  assert.equal(text('manual'), 'manual')
})

test('jitter is none and missed slots are caught up unless said otherwise', () => {
  assert.deepEqual(spec('6h'), {
    type: 'every',
    everyMs: 21_600_000,
    at: null,
    on: null,
    jitterMs: 0,
    catchUp: true,
    text: 'every 6h',
  })
  assert.deepEqual(spec({ cron: '0 2 * * mon-fri', jitter: '10m', catch_up: false }), {
    type: 'cron',
    expression: '0 2 * * mon-fri',
    jitterMs: 600_000,
    catchUp: false,
    text: 'cron 0 2 * * mon-fri',
  })
})

test('a schedule is plain JSON, so it can be stored', () => {
  for (const value of ['manual', '6h', { every: '1w', on: 'sun', at: '03:00' }, '@monthly']) {
    assert.deepEqual(JSON.parse(JSON.stringify(spec(value))), spec(value))
  }
})

test('what is not a schedule says so and shows some that are', () => {
  for (const value of [
    null,
    undefined,
    true,
    [],
    'hourly',
    '6 hours',
    'every 6h',
    '',
    '1.5h',
    '6H',
    '1mo',
    '-1h',
  ]) {
    assert.match(mistake(value).mistake, /is not a schedule$/, String(value))
    assert.match(mistake(value).hint, /6h.*30 2 \* \* \*.*manual/)
  }
  assert.deepEqual(mistake(6), {
    mistake: 'the number 6 has no unit',
    hint: 'write 6h for hours, 6d for days',
  })
})

test('a mistake in a duration names what would be right', () => {
  assert.match(mistake('0h').mistake, /no time/)
  assert.match(mistake('367d').mistake, /^367d is longer than a year$/)
  assert.match(mistake({ every: '6 h' }).mistake, /^"6 h" is not a duration$/)
  assert.match(mistake({ every: 6 }).mistake, /^6 is not a duration$/)
  assert.match(mistake({ every: '6h', att: '02:00' }).mistake, /^unknown key "att"$/)
  assert.match(mistake({ every: '6h', cron: '0 2 * * *' }).mistake, /either every or cron/)
  assert.match(mistake({ at: '02:30' }).mistake, /either every or cron/)
  assert.match(mistake({ cron: '0 2 * * *', at: '02:30' }).mistake, /at and on go with every/)
  assert.match(mistake({ every: '1d', catch_up: 'yes' }).mistake, /neither true nor false/)
})

test('a time of day goes with whole days, a weekday with a week', () => {
  assert.deepEqual(mistake({ every: '6h', at: '02:30' }), {
    mistake: 'at needs whole days, and 6h is not',
    hint: 'write every: 1d or 1w, or cron such as "30 */6 * * *"',
  })
  for (const at of ['24:00', '2:3', '12:60', 150, '2am', null]) {
    assert.match(mistake({ every: '1d', at }).mistake, /is not a time of day$/, String(at))
  }
  assert.match(mistake({ every: '1d', on: 'sunday' }).mistake, /^on needs every: 1w, and this is 1d$/)
  assert.match(
    mistake({ every: '2w', on: 'sunday', at: '03:00' }).mistake,
    /^on needs every: 1w, and this is 2w$/,
  )
  assert.match(mistake({ every: '1w', on: 'sun day' }).mistake, /is not a weekday$/)
  assert.match(mistake({ every: '1w', on: ['mon', 'thu'] }).hint, /cron such as "0 3 \* \* 1,4"/)
})

test('a mistake in cron names the field', () => {
  assert.match(mistake('60 2 * * *').mistake, /^the minute "60" of cron "60 2 \* \* \*" is wrong$/)
  assert.match(mistake('0 24 * * *').mistake, /^the hour "24" of cron/)
  assert.match(mistake('0 0 32 * *').mistake, /^the day of month "32" of cron/)
  assert.match(mistake('0 0 * 13 *').mistake, /^the month "13" of cron/)
  assert.match(mistake('0 0 * * 8').hint, /0 and 7 are Sunday/)
  assert.match(mistake('*/0 * * * *').mistake, /^the minute "\*\/0" of cron/)
  assert.match(mistake('* * * *').mistake, /^cron has five fields, "\* \* \* \*" has 4$/)
  assert.equal(mistake('0 30 2 * * *').hint, 'leave out the seconds: "30 2 * * *"')
  assert.match(mistake('0 0 30 2 *').mistake, /never happens$/)
  assert.match(mistake('@yearly').hint, /@hourly, @daily, @weekly, @monthly/)
  assert.match(mistake('@toString').mistake, /unknown nickname/)
  assert.match(mistake({ cron: 5 }).mistake, /is not text$/)
})

test('jitter stays below half of the time between two runs', () => {
  assert.ok(spec({ every: '1h', jitter: '29m' }))
  assert.deepEqual(mistake({ every: '1h', jitter: '30m' }), {
    mistake: 'jitter: 30m is not less than half of the 1h between two runs',
    hint: 'write less than 30m',
  })
  assert.match(mistake({ cron: '0,20 3 * * *', jitter: '10m' }).hint, /^write less than 10m$/)
  assert.ok(spec({ cron: '0 3 1 * *', jitter: '12h' }))
  assert.match(mistake({ every: '1h', jitter: 5 }).mistake, /^jitter: 5 is not a duration$/)
})

test('a zone is known or not', () => {
  assert.ok(isZone('Europe/Paris') && isZone('UTC'))
  assert.ok(!isZone('Europe/Atlantis') && !isZone(''))
})
