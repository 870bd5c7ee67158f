import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  parseDuration,
  spellDuration,
} from '../../src/core/duration.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Each input beside what becomes of it. */
function becomes<In, Out>(change: (value: In) => Out, table: [In, Out][]): void {
  assert.deepEqual(
    table.map(([value]) => [value, change(value)]),
    table,
  )
}

test('durations are whole numbers of seconds, minutes, hours, days and weeks', () => {
  becomes(parseDuration, [
    ['30s', 30_000],
    ['90m', 90 * minute],
    ['6h', 6 * hour],
    ['30d', 30 * day],
    ['2w', 14 * day],
    ['1h30m', 90 * minute],
    ['1w2d3h4m5s', 9 * day + 3 * hour + 4 * minute + 5000],
    ['0s', 0],
  ])
})

test('what is not a duration is null, never a guess', () => {
  for (const text of [
    '',
    '6',
    'h',
    '6H',
    '1.5h',
    '-6h',
    '6 h',
    '30m1h',
    '1h1h',
    '6min',
    '1mo',
    '5ms',
    '99999999999999w',
  ]) {
    assert.equal(parseDuration(text), null, text)
  }
})

test('a duration that is spelled is read back as the same duration', () => {
  becomes(spellDuration, [
    [90 * minute, '90m'],
    [36 * hour, '36h'],
    [day, '1d'],
    [10 * day, '10d'],
    [14 * day, '2w'],
    [0, '0s'],
  ])
  fc.assert(
    fc.property(
      fc.nat(10_000_000),
      (seconds) => parseDuration(spellDuration(seconds * 1000)) === seconds * 1000,
    ),
  )
})

test('durations read as people say them', () => {
  becomes(formatDuration, [
    [-5, '0 s'],
    [0, '0 s'],
    [0.2, '1 ms'],
    [400, '400 ms'],
    [999.7, '1 s'],
    [6200, '6.2 s'],
    [9000, '9 s'],
    [9960, '10 s'],
    [59_600, '1 min'],
    [192_000, '3 min 12 s'],
    [5 * minute, '5 min'],
    [hour - 100, '1 h'],
    [4 * hour + 52 * minute + 10_000, '4 h 52 min'],
    [day - 10_000, '1 d'],
    [2 * day + 3 * hour, '2 d 3 h'],
    [10 * day, '10 d'],
  ])
})

test('ages read as people say them, in completed units', () => {
  becomes(formatAge, [
    [-hour, 'just now'],
    [59_999, 'just now'],
    [minute, '1 min ago'],
    [hour - 1, '59 min ago'],
    [11 * hour + 50 * minute, '11 h ago'],
    [3 * day + hour, '3 d ago'],
  ])
})

test('bytes read as people say them', () => {
  becomes(formatBytes, [
    [0, '0 B'],
    [512, '512 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1_240_000_000, '1.2 GB'],
    [341_200_000, '341 MB'],
    [9_960_000, '10 MB'],
    [999_600_000, '1 GB'],
    [2e18, '2000 PB'],
  ])
})

test('counts are grouped by thousands', () => {
  assert.equal(formatCount(4_812_330), '4,812,330')
})
