import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  emptiedTables,
  floors,
  leastBefore,
  median,
  oddities,
  unlike,
  type Measures,
  type Oddity,
} from '../../src/core/usual.ts'

const limits = { size: 0.5, rows: 0.5, duration: 3 }
const mb = 1_000_000
const usual: Measures = { storedBytes: 341 * mb, tookMs: 60_000, rows: 4_800_000 }
const kinds = (found: Oddity[]): string[] => found.map(({ of }) => of)

/** What was said of each backup, one after the other. */
function through(sizes: readonly number[]): string[][] {
  return sizes.map((storedBytes, at) => {
    const before = sizes.slice(0, at).toReversed()
    const all = before.map((bytes) => ({ ...usual, storedBytes: bytes }))
    return kinds(oddities({ ...usual, storedBytes }, all, limits))
  })
}

test('ten normal backups and one odd one: the odd one is said, with what is usual', () => {
  const before = Array.from({ length: 10 }, (_, at) => ({ ...usual, storedBytes: (336 + at) * mb }))
  const found = oddities({ ...usual, storedBytes: 98 * mb }, before, limits)
  assert.deepEqual(found, [{ of: 'size', now: 98 * mb, usual: 340.5 * mb }])
  assert.deepEqual(kinds(oddities({ ...usual, rows: 2_000_000 }, before, limits)), ['rows'])
  assert.deepEqual(kinds(oddities({ ...usual, tookMs: 3_600_000 }, before, limits)), ['duration'])
  assert.deepEqual(oddities({ ...usual, storedBytes: 200 * mb }, before, limits), [])
  assert.deepEqual(
    oddities({ ...usual, storedBytes: 0 }, before, { size: null, rows: null, duration: null }),
    [],
  )
})

test('a limit of 100 % or more allows growth only: a backup that lost nine tenths is odd, and one that is accepted stays so', () => {
  const before = Array.from({ length: 10 }, () => usual)
  for (const share of [1, 3, 100]) {
    const wide = { size: share, rows: share, duration: null }
    const lost = { ...usual, storedBytes: 2_000, rows: 0 }
    assert.deepEqual(kinds(oddities(lost, before, wide)), ['size', 'rows'])
    assert.deepEqual(oddities({ ...usual, storedBytes: 40 * mb, rows: 500_000 }, before, wide), [])
    assert.deepEqual(oddities({ ...usual, storedBytes: (1 + share) * 341 * mb }, before, wide), [])
    const found = oddities(lost, before, wide)
    assert.deepEqual(unlike(found, found, wide), [])
  }
})

test('slow growth over 60 backups is never odd', () => {
  const growth = fc.record({
    first: fc.integer({ min: 1, max: 50_000 * mb }),
    share: fc.double({ min: -0.06, max: 0.06, noNaN: true }),
  })
  fc.assert(
    fc.property(growth, ({ first, share }) => {
      const sizes = Array.from({ length: 60 }, (_, at) => Math.round(first * (1 + share) ** at))
      assert.deepEqual(through(sizes).flat(), [])
    }),
    { numRuns: 200 },
  )
})

test('a new normal is odd until half of the last ten are like it, and then no more', () => {
  const said = through([
    ...Array.from({ length: 10 }, () => 341 * mb),
    ...Array.from({ length: 12 }, () => 98 * mb),
  ])
  const odd = said.map((found) => found.length > 0)
  assert.deepEqual(odd.slice(10), [
    true,
    true,
    true,
    true,
    true,
    true,
    ...Array.from({ length: 6 }, () => false),
  ])
})

test('whatever comes, fewer than five before it and differences that are too small to matter say nothing', () => {
  const any = fc.record({
    storedBytes: fc.nat({ max: 1e12 }),
    tookMs: fc.nat({ max: 1e8 }),
    rows: fc.option(fc.nat({ max: 1e9 })),
  })
  fc.assert(
    fc.property(any, fc.array(any, { maxLength: leastBefore - 1 }), (now, before) => {
      assert.deepEqual(oddities(now, before, limits), [])
    }),
  )
  const tiny = fc.record({
    storedBytes: fc.nat({ max: floors.size - 1 }),
    tookMs: fc.nat({ max: floors.duration - 1 }),
    rows: fc.option(fc.nat({ max: floors.rows - 1 })),
  })
  fc.assert(
    fc.property(tiny, fc.array(tiny, { minLength: 10, maxLength: 12 }), (now, before) => {
      assert.deepEqual(oddities(now, before, limits), [])
    }),
  )
})

test('the order of those before does not matter, and an odd one among them neither', () => {
  const size = fc.integer({ min: 300 * mb, max: 400 * mb })
  fc.assert(
    fc.property(fc.array(size, { minLength: 9, maxLength: 9 }), fc.nat({ max: 1e12 }), (sizes, odd) => {
      const before = [...sizes, odd].map((storedBytes) => ({ ...usual, storedBytes }))
      const small = { ...usual, storedBytes: 100 * mb }
      const [found] = oddities(small, before, limits)
      assert.deepEqual(oddities(small, before.toReversed(), limits), [found])
      assert.ok(found && found.usual >= 300 * mb && found.usual <= 400 * mb)
      assert.deepEqual(oddities({ ...usual, storedBytes: 350 * mb }, before, limits), [])
    }),
  )
})

test('the median is one of the values or between two, and half are on each side', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 30 }), (values) => {
      const middle = median(values)
      assert.ok(values.filter((value) => value < middle).length <= values.length / 2)
      assert.ok(values.filter((value) => value > middle).length <= values.length / 2)
    }),
  )
})

test('a table that always had rows and has none now is said, one that is empty now and then is not', () => {
  const tables = (orders: number, queue: number) => [
    { name: 'public.orders', rows: orders },
    { name: 'public.queue', rows: queue },
  ]
  const before = Array.from({ length: 10 }, (_, at) => tables(5_000 + at, at % 3 === 0 ? 0 : 40))
  assert.deepEqual(emptiedTables(tables(0, 0), before), [
    { of: 'table', table: 'public.orders', now: 0, usual: 5_004.5 },
  ])
  assert.deepEqual(emptiedTables([{ name: 'public.queue', rows: 3 }], before), [
    { of: 'table', table: 'public.orders', now: null, usual: 5_004.5 },
  ])
  assert.deepEqual(emptiedTables(tables(1, 0), before), [])
  assert.deepEqual(emptiedTables(tables(0, 0), before.slice(0, 4)), [])
  assert.deepEqual(emptiedTables(null, before), [])
  assert.deepEqual(
    emptiedTables(
      tables(0, 0),
      Array.from({ length: 10 }, () => null),
    ),
    [],
  )
  const emptied = Array.from({ length: 6 }, () => tables(0, 0))
  assert.deepEqual(kinds(emptiedTables(tables(0, 0), [...emptied.slice(0, 4), ...before])), ['table'])
  assert.deepEqual(emptiedTables(tables(0, 0), [...emptied, ...before]), [])
})

test('what somebody found right is not said again, and what is worse is', () => {
  const accepted: Oddity[] = [{ of: 'size', now: 98 * mb, usual: 341 * mb }]
  const like = (now: number): Oddity[] => [{ of: 'size', now, usual: 341 * mb }]
  assert.deepEqual(unlike(like(90 * mb), accepted, limits), [])
  assert.equal(unlike(like(20 * mb), accepted, limits).length, 1)
  assert.equal(unlike([{ of: 'rows', now: 1, usual: 9_000 }], accepted, limits).length, 1)
  const gone: Oddity[] = [{ of: 'table', table: 'public.orders', now: 0, usual: 5_000 }]
  assert.deepEqual(unlike(gone, gone, limits), [])
  assert.equal(unlike(gone, accepted, limits).length, 1)
})
