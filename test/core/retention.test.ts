import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Retention } from '../../src/core/config.ts'
import type { Pin } from '../../src/core/model.ts'
import {
  heldBack,
  judge,
  keptFor,
  sayJudgement,
  type Candidate,
  type Circumstances,
} from '../../src/core/retention.ts'
import { policyText } from '../../src/core/retention/rules.ts'

const day = 24 * 3_600_000
const now = Date.parse('2026-11-20T06:00:00Z')
const usual: Circumstances = { now, timezone: 'UTC', intervalMs: day, listed: true }
const noBuckets = { keepLast: 0, keepHourly: 0, keepDaily: 0, keepWeekly: 0, keepMonthly: 0, keepYearly: 0 }
const policy = { maxAgeMs: 30 * day, minKeep: 2, ...noBuckets, text: '30d' }

/** `d5` is a good backup five days old; `!` broken, `~` of another installation. */
function backups(...words: string[]): Candidate[] {
  return words.map((word) => ({
    id: word,
    createdAt: now - Number(/[\d.]+/.exec(word)![0]) * day,
    good: !word.includes('!'),
    foreign: word.includes('~'),
  }))
}

const goes = (...args: Parameters<typeof judge>): string[] =>
  judge(...args).flatMap(({ id, keep }) => (keep ? [] : [id]))

suite('what retention lets go (promise 5)', () => {
  const table: [string, string[], Partial<Circumstances>, Partial<typeof policy>, string[]][] = [
    ['older than the age', ['d0', 'd1', 'd31', 'd40'], {}, {}, ['d31', 'd40']],
    ['exactly as old as the age stays', ['d0', 'd1', 'd30'], {}, {}, []],
    ['min_keep holds old ones', ['d0', 'd31', 'd40', 'd50'], {}, { minKeep: 3 }, ['d50']],
    ['broken ones do not count for min_keep', ['d0', 'd1!', 'd31', 'd40'], {}, {}, ['d40']],
    ['broken ones go by age', ['d0', 'd1', 'd31!'], {}, {}, ['d31!']],
    ['young broken ones stay', ['d0', 'd1', 'd2!'], {}, {}, []],
    [
      'those of another installation stay and do not count',
      ['d0', 'd40~', 'd0.1~', 'd35', 'd36'],
      {},
      {},
      ['d36'],
    ],
    ['min_keep 0 still keeps the newest good', ['d0', 'd1!', 'd40'], {}, { minKeep: 0 }, ['d40']],
    ['frozen: the listing failed', ['d0', 'd31', 'd40', 'd50'], { listed: false }, {}, []],
    ['frozen: the newest is older than twice the schedule', ['d2.1', 'd31', 'd40', 'd50'], {}, {}, []],
    ['manual cannot be late', ['d40', 'd50', 'd60'], { intervalMs: null }, {}, ['d60']],
    ['frozen: only broken ones', ['d40!', 'd50!'], {}, {}, []],
    ['frozen: the newest is in the future', ['d-1', 'd31', 'd40', 'd50'], {}, {}, []],
    ['frozen: a broken one is in the future', ['d0', 'd-1!', 'd31', 'd40', 'd50'], {}, {}, []],
    ['another installation’s clock is not ours', ['d0', 'd-1~', 'd31', 'd40'], {}, {}, ['d40']],
    ['nothing there', [], {}, {}, []],
  ]
  for (const [title, words, circumstances, changed, expected] of table)
    test(title, () => {
      const given = backups(...words).map((one) =>
        one.id.startsWith('d-1') ? { ...one, createdAt: now + day } : one,
      )
      assert.deepEqual(goes(given, { ...policy, ...changed }, { ...usual, ...circumstances }), expected)
    })

  test('without a policy nothing is deleted', () => {
    assert.deepEqual(goes(backups('d0', 'd999'), null, usual), [])
  })

  const candidate = fc.record({
    id: fc.uuid(),
    createdAt: fc.integer({ min: now - 400 * day, max: now + 2 * day }),
    good: fc.boolean(),
    foreign: fc.boolean(),
  })
  const given = fc.record({
    all: fc.uniqueArray(candidate, { selector: ({ createdAt }) => createdAt, maxLength: 40 }),
    minKeep: fc.integer({ min: 0, max: 6 }),
    maxAgeMs: fc.integer({ min: 0, max: 90 * day }),
    intervalMs: fc.option(fc.integer({ min: 60_000, max: 40 * day })),
    listed: fc.boolean(),
  })

  test('whatever there is: never the newest good, never below min_keep, never foreign, never young, never when frozen', () => {
    fc.assert(
      fc.property(given, ({ all, minKeep, maxAgeMs, intervalMs, listed }) => {
        const circumstances = { now, timezone: 'UTC', intervalMs, listed }
        const judged = judge(all, { minKeep, maxAgeMs, ...noBuckets, text: 'x' }, circumstances)
        assert.deepEqual(
          judged.map(({ id }) => id),
          all.map(({ id }) => id),
        )
        assert.ok(judged.every(({ reason }) => reason !== ''))
        const gone = new Set(judged.flatMap(({ id, keep }) => (keep ? [] : [id])))
        const good = all
          .filter((one) => one.good && !one.foreign)
          .toSorted((a, b) => b.createdAt - a.createdAt)
        const floor = good.slice(0, Math.max(1, minKeep))
        assert.ok(floor.every(({ id }) => !gone.has(id)))
        for (const one of all.filter(({ id }) => gone.has(id))) {
          assert.ok(!one.foreign)
          assert.ok(now - one.createdAt > maxAgeMs)
        }
        const isFrozen =
          !listed ||
          good.length === 0 ||
          all.some((one) => !one.foreign && one.createdAt > now) ||
          (intervalMs !== null && now - good[0]!.createdAt > 2 * intervalMs)
        if (isFrozen) assert.equal(gone.size, 0)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a new good backup never makes the one that was the newest go at once', () => {
    fc.assert(
      fc.property(given, ({ all, maxAgeMs, intervalMs }) => {
        const good = all.filter((one) => one.good && !one.foreign && one.createdAt <= now)
        const before = good.toSorted((a, b) => b.createdAt - a.createdAt)[0]
        fc.pre(before !== undefined && before.createdAt < now)
        const fresh = { id: 'fresh', createdAt: now, good: true, foreign: false }
        const gone = goes(
          [...all, fresh],
          { minKeep: 2, maxAgeMs, ...noBuckets, text: 'x' },
          { ...usual, intervalMs },
        )
        assert.ok(!gone.includes('fresh'))
        assert.ok(!gone.includes(before!.id))
      }),
    )
  })
})

suite('calendar rules', () => {
  const berlin: Circumstances = { ...usual, timezone: 'Europe/Berlin' }
  const calendar = (rules: Partial<Retention>): Retention => {
    const whole = { maxAgeMs: null, minKeep: 1, ...noBuckets, ...rules }
    return { ...whole, text: policyText(whole) }
  }
  const at = (...times: string[]): Candidate[] =>
    times.map((time) => ({
      id: time,
      createdAt: Date.parse(`${time.replace(/[!~]$/, '')}Z`),
      good: !time.endsWith('!'),
      foreign: time.endsWith('~'),
    }))
  const told = (candidates: Candidate[], rules: Partial<Retention>, zone = 'Europe/Berlin'): string[] =>
    judge(candidates, calendar(rules), { ...berlin, timezone: zone }).map(sayJudgement)

  test('every backup is told why it stays or goes', () => {
    const all = at(
      '2026-11-20T05:00',
      '2026-11-19T23:30',
      '2026-11-19T22:30',
      '2026-11-19T05:00',
      '2026-11-15T22:59',
    )
    assert.deepEqual(told(all, { keepDaily: 2, keepWeekly: 3 }), [
      'kept: the newest good backup',
      'goes: not one of 2 daily, 3 weekly', // half past midnight in Berlin: the same day as the newest
      'kept: newest of day 2026-11-19 (daily 2 of 2)',
      'goes: not one of 2 daily, 3 weekly',
      'kept: newest of week 2026-W46 (weekly 2 of 3)', // Sunday, a minute before midnight
    ])
  })

  test('a bucket is one of the zone: midnight in Auckland is not midnight in New York', () => {
    const all = at('2026-11-20T05:30', '2026-11-20T04:30', '2026-11-19T11:30', '2026-11-19T10:30')
    const days = (zone: string): string[] =>
      judge(all, calendar({ keepDaily: 9 }), { ...usual, timezone: zone }).flatMap(({ id, keep }) =>
        keep ? [id] : [],
      )
    assert.deepEqual(days('UTC'), ['2026-11-20T05:30', '2026-11-19T11:30'])
    assert.deepEqual(days('America/New_York'), ['2026-11-20T05:30', '2026-11-20T04:30'])
    assert.deepEqual(days('Pacific/Auckland'), ['2026-11-20T05:30', '2026-11-19T10:30'])
  })

  test('the hour that a clock shows twice is two hours', () => {
    const night = { ...berlin, now: Date.parse('2026-10-25T03:30Z') }
    const all = at('2026-10-25T02:30', '2026-10-25T01:30', '2026-10-25T00:30', '2026-10-24T23:30')
    const judged = judge(all, calendar({ keepHourly: 3 }), night)
    assert.deepEqual(judged.map(sayJudgement), [
      'kept: the newest good backup',
      'kept: newest of hour 2026-10-25 02h +01:00 (hourly 2 of 3)',
      'kept: newest of hour 2026-10-25 02h +02:00 (hourly 3 of 3)',
      'goes: not one of 3 hourly',
    ])
  })

  test('hours without a backup do not use up a rule', () => {
    assert.equal(
      told(at('2026-11-20T05:00', '2026-05-01T05:00'), { keepDaily: 2 })[1],
      'kept: newest of day 2026-05-01 (daily 2 of 2)',
    )
  })

  test('with an age a backup must also be younger', () => {
    const all = at('2026-11-20T05:00', '2026-10-20T05:00', '2026-07-01T05:00')
    assert.deepEqual(told(all, { keepMonthly: 6, maxAgeMs: 90 * day }), [
      'kept: the newest good backup',
      'kept: newest of month 2026-10 (monthly 2 of 6)',
      'goes: older than 90d (142 d)',
    ])
  })

  test('a broken one takes no place, and stays where a good one would', () => {
    const all = at(
      '2026-11-20T05:00',
      '2026-11-19T05:00!',
      '2026-11-18T07:00',
      '2026-11-18T05:00!',
      '2026-11-17T05:00',
      '2026-11-16T05:00!',
    )
    assert.deepEqual(told(all, { keepDaily: 3 }), [
      'kept: the newest good backup',
      'kept: not good, so it does not count; newest of day 2026-11-19 (daily 2 of 3)',
      'kept: newest of day 2026-11-18 (daily 2 of 3)',
      'goes: not good, so it does not count; not one of 3 daily',
      'kept: newest of day 2026-11-17 (daily 3 of 3)',
      'goes: not good, so it does not count; not one of 3 daily',
    ])
  })

  test('one of another installation takes no bucket', () => {
    const all = at('2026-11-20T05:00~', '2026-11-20T04:00', '2026-11-19T05:00')
    assert.deepEqual(told(all, { keepDaily: 2 }).slice(1), [
      'kept: the newest good backup',
      'kept: newest of day 2026-11-19 (daily 2 of 2)',
    ])
  })

  test('without an age and without rules nothing goes', () => {
    assert.deepEqual(
      told(at('2026-11-20T05:00', '2016-11-20T05:00'), {}),
      Array(2).fill('kept: neither an age nor a calendar rule: nothing is deleted'),
    )
  })
})

suite('pins', () => {
  const pin = (until: number | null): Pin => ({
    until,
    note: 'before 2.14',
    by: { via: 'slack', id: 'U123' },
    at: now,
  })
  const old = (until: number | null): Candidate[] =>
    backups('d0', 'd1', 'd34').map((one) => (one.id === 'd34' ? { ...one, pin: pin(until) } : one))
  const told = (until: number | null): string =>
    sayJudgement(judge(old(until), policy, { ...usual, timezone: 'Europe/Berlin' })[2]!)

  test('a pinned one stays until its end date, and says by whom', () => {
    assert.equal(told(null), 'kept: pinned by U123 — before 2.14')
    assert.equal(
      told(Date.parse('2026-12-31T23:00:00Z')),
      'kept: pinned until 1 Jan 2027 by U123 — before 2.14',
    )
    assert.equal(told(now + 1), 'kept: pinned until 20 Nov 2026 by U123 — before 2.14')
    assert.equal(told(now), 'goes: older than 30d (34 d)')
  })

  test('a pinned one still takes its bucket', () => {
    const rules = { ...policy, maxAgeMs: null, keepDaily: 2, minKeep: 1 }
    const all = backups('d0', 'd1', 'd2').map((one) => (one.id === 'd1' ? { ...one, pin: pin(null) } : one))
    assert.deepEqual(goes(all, rules, usual), ['d2'])
  })
})

test('a freeze is worth a word only when something would have gone', () => {
  const frozen = { ...usual, listed: false }
  assert.deepEqual(
    heldBack(backups('d0', 'd1', 'd40'), policy, frozen).map(({ id }) => id),
    ['d40'],
  )
  assert.deepEqual(heldBack(backups('d0', 'd1'), policy, frozen), [])
})

test('what can be said of a backup alone: its last day, the rules that decide, or no end', () => {
  const byCalendar = { ...policy, maxAgeMs: null, keepDaily: 7, text: '7 daily' }
  assert.deepEqual(keptFor([policy], now), { until: now + 30 * day, by: null })
  assert.deepEqual(keptFor([policy, { ...policy, maxAgeMs: 60 * day }], now), {
    until: now + 60 * day,
    by: null,
  })
  assert.deepEqual(keptFor([policy, byCalendar], now), { until: null, by: '7 daily' })
  assert.deepEqual(keptFor([policy, null], now), { until: null, by: null })
  assert.deepEqual(keptFor([], now), { until: null, by: null })
})

test('adding any backup, good or not, never lets the newest good one go (promise 5)', () => {
  const candidate = fc.record({
    id: fc.uuid(),
    createdAt: fc.integer({ min: now - 400 * day, max: now }),
    good: fc.boolean(),
    foreign: fc.boolean(),
  })
  const count = fc.nat({ max: 4 })
  const rules = fc.record({
    maxAgeMs: fc.option(fc.integer({ min: 0, max: 90 * day })),
    minKeep: fc.nat({ max: 3 }),
    keepLast: count,
    keepHourly: count,
    keepDaily: count,
    keepWeekly: count,
    keepMonthly: count,
    keepYearly: count,
    text: fc.constant('x'),
  })
  const newestGood = (all: Candidate[]): Candidate | undefined =>
    all
      .filter((one) => one.good && !one.foreign)
      .reduce<Candidate | undefined>(
        (best, one) => (best && best.createdAt >= one.createdAt ? best : one),
        undefined,
      )
  fc.assert(
    fc.property(
      fc.uniqueArray(candidate, { selector: ({ createdAt }) => createdAt, maxLength: 30 }),
      candidate,
      rules,
      (all, added, given) => {
        fc.pre(all.every(({ createdAt }) => createdAt !== added.createdAt))
        const gone = goes([...all, added], given, { ...usual, intervalMs: null })
        const newest = newestGood([...all, added])
        assert.ok(newest === undefined || !gone.includes(newest.id))
        const before = newestGood(all)
        if (!added.good || added.foreign) assert.ok(before === undefined || !gone.includes(before.id))
      },
    ),
    { numRuns: 1_000 },
  )
})

suite('backups of a database that is gone', () => {
  const keeping = { ...policy, keepGoneMs: 90 * day }
  /** Missed 100 days ago, a day after its last backup; other databases were backed up each day. */
  const gone = { at: now - 100 * day, others: { newestAt: now, earlierAt: now - day } }
  const its = backups('d101', 'd130')
  const grounds = (circumstances: Partial<Circumstances>): string[] => [
    ...new Set(judge(its, keeping, { ...usual, gone, ...circumstances }).map(({ ground }) => ground)),
  ]

  test('all go when keep_gone is over, the newest too, and not a day before', () => {
    assert.deepEqual(goes(its, keeping, { ...usual, gone }), ['d101', 'd130'])
    assert.deepEqual(goes(its, keeping, { ...usual, gone: { ...gone, at: now - 89 * day } }), [])
  })

  test('a clock that was wrong when it was missed makes nothing older than the newest backup', () => {
    const young = backups('d1', 'd2')
    const [first] = judge(young, keeping, { ...usual, gone: { ...gone, at: 60_000 } })
    assert.deepEqual([first!.keep, first!.ground], [true, 'gone'])
  })

  test('a clock that cannot be right freezes them', () => {
    assert.deepEqual(grounds({ now: now - 102 * day }), ['gone'], 'not due either')
    const others = { newestAt: now + 3_650 * day, earlierAt: now - day }
    const missed = { at: now - day, others }
    const later = { ...usual, now: now + 3_650 * day, gone: missed }
    const found = judge(backups('d2'), keeping, later)
    assert.match(found[0]!.reason, /frozen: .*no earlier backup of another one tells that the clock is right/)
    assert.equal(heldBack(backups('d2'), keeping, later).length, 1, 'which is worth a word')
  })

  test('without a recent good backup of another database they stay', () => {
    for (const others of [
      { newestAt: null, earlierAt: null },
      { newestAt: now - 3 * day, earlierAt: now - 4 * day },
      { newestAt: now, earlierAt: null },
    ])
      assert.deepEqual(grounds({ gone: { ...gone, others } }), ['frozen'])
  })
})
