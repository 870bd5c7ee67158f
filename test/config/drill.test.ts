import assert from 'node:assert/strict'
import { test } from 'node:test'
import { around, load, mistakesIn } from './load.ts'

const drillOf = (global: string[], strategy: string[] = []) =>
  load(around(global, strategy)).strategies[0]!.drill

test('without `drill` nothing is drilled by itself, and with an empty one neither', () => {
  assert.equal(drillOf([]), null)
  assert.deepEqual(drillOf(['drill: {}']), {
    schedule: { type: 'manual' },
    scratch: true,
    databaseUrl: null,
    checks: [],
    maxDurationMs: null,
  })
})

test('a strategy’s own drill takes the place of the global one, whole', () => {
  const global = [
    'drill: { schedule: 1w, max_duration: 30m, checks: [{ name: a, sql: SELECT 1, expect: 1 }] }',
  ]
  const [inherited, own] = [drillOf(global), drillOf(global, ['drill: { max_duration: 5m }'])]
  assert.equal(inherited?.maxDurationMs, 30 * 60_000)
  assert.deepEqual(inherited?.checks, [{ name: 'a', sql: 'SELECT 1', expect: 1 }])
  assert.deepEqual([own?.schedule.type, own?.maxDurationMs, own?.checks], ['manual', 5 * 60_000, []])
})

test('a server for drills is used instead of a scratch one, and its password is never printed', () => {
  const config = load(around([], ['drill: { database_url: "postgres://me:s3cr3t-word@spare/postgres" }']))
  const { drill, redacted } = config.strategies[0]!
  assert.deepEqual([drill?.scratch, drill?.databaseUrl], [false, 'postgres://me:s3cr3t-word@spare/postgres'])
  assert.ok(config.secrets.includes('s3cr3t-word'))
  assert.ok(!JSON.stringify([redacted, config.redacted]).includes('s3cr3t-word'))
})

test('every mistake in a drill is told at its place', () => {
  const wrong = (drill: string): string => mistakesIn(around([`drill: ${drill}`])).join('\n')
  const said: [drill: string, pattern: RegExp][] = [
    ['{ schedule: sometimes }', /^3:22 .*drill\.schedule .*not a schedule/],
    ['{ scratch: false }', /drill\.scratch .*nothing to restore to .*write database_url/],
    ['{ scratch: true, database_url: "postgres://spare/x" }', /drill\.scratch .*given twice/],
    [
      '{ database_url: "sqlite:///x.db" }',
      /drill\.database_url .*SQLite URL, but the database is PostgreSQL/,
    ],
    ['{ database_url: "postgres://spare/" }', /drill\.database_url .*names no database/],
    ['{ max_duration: 5 }', /drill\.max_duration .*no unit/],
    ['{ checks: [{ name: a, sql: SELECT 1 }] }', /drill\.checks\[0\].*expect/],
    ['{ checks: [{ name: a, sql: SELECT 1, expect: {} }] }', /checks\[0\]\.expect .*no limit/],
    [
      '{ checks: [{ name: a, sql: SELECT 1, expect: { min: 2, max: 1 } }] }',
      /nothing is at least 2 and at most 1/,
    ],
    [
      '{ checks: [{ name: a, sql: x, expect: 1 }, { name: a, sql: y, expect: 1 }] }',
      /checks\[1\]\.name .*twice/,
    ],
    ['{ every: 1w }', /drill\.every/],
  ]
  for (const [drill, pattern] of said) assert.match(wrong(drill), pattern, drill)
})
