import assert from 'node:assert/strict'
import { test } from 'node:test'
import { around, load, mistakesIn } from './load.ts'

const clonesOf = (...lines: string[]): string => around([], ['clones:', ...lines.map((line) => `  ${line}`)])

test('places for copies are read with their files beside the configuration, and their passwords are secrets', () => {
  const text = clonesOf(
    'staging: { database_url: "postgres://app:s3cr3t-copy@staging-db/shop", sanitize: [clean.sql, /srv/more.sql], drop_after: 7d, protected: true }',
    'demo: { database_url: "postgres://app@demo-db/shop" }',
  )
  const config = load(text, {
    files: { '/etc/easy-backup/clean.sql': 'SELECT 1', '/srv/more.sql': 'SELECT 2' },
  })
  const { staging, demo } = config.strategies[0]!.clones
  assert.deepEqual(staging, {
    url: 'postgres://app:s3cr3t-copy@staging-db/shop',
    sanitize: ['/etc/easy-backup/clean.sql', '/srv/more.sql'],
    dropAfterMs: 7 * 86_400_000,
    protected: true,
  })
  assert.deepEqual([demo!.sanitize, demo!.dropAfterMs, demo!.protected], [[], null, false])
  assert.ok(config.secrets.includes('s3cr3t-copy'))
  assert.doesNotMatch(JSON.stringify(config.redacted), /s3cr3t/)
  assert.deepEqual(
    config.warnings.filter((words) => words.includes('sanitize')),
    [],
  )
})

test('a file of SQL that is not there is a warning', () => {
  const text = clonesOf('staging: { database_url: "postgres://a@b/c", sanitize: [nowhere.sql] }')
  assert.match(load(text).warnings.join('\n'), /clones\.staging\.sanitize\[0\] .*nowhere\.sql cannot be read/)
})

test('a copy over what is backed up here, another kind of database and unknown keys are mistakes', () => {
  const wrong = (place: string): string => mistakesIn(clonesOf(place)).join('\n')
  const own = /database_url: "?([^"\n]+)"?/.exec(around([]))![1]!
  assert.match(wrong(`staging: { database_url: "${own}" }`), /is the database of strategy .* itself/)
  assert.match(wrong('staging: { database_url: "sqlite:///x.db" }'), /a SQLite URL, but the database is/)
  assert.match(wrong('Stage One: { database_url: "postgres://a@b/c" }'), /Stage One/)
  assert.match(wrong('staging: { sanitize: [] }'), /database_url/)
  assert.match(
    wrong('staging: { database_url: "postgres://a@b/c", sanitise: [x] }'),
    /did you mean sanitize\?/,
  )
  assert.match(wrong('staging: { database_url: "postgres://a@b/c", drop_after: 7 }'), /no unit/)
})

test('a copy over one of many databases of a server is told with its name, and beside a strategy that is broken nothing crashes', () => {
  const server = 'postgres://backup:s3cr3t-pw@db/postgres'
  const lines = (more: string[]): string =>
    around([], ['clones: { staging: { database_url: "postgres://copy:${PW}@db/shop_staging" } }', ...more])
  const surroundings = { environment: { PW: 's3cr3t-pw' } }
  const whole = lines([]) + `  - { name: server, database_url: "${server}", databases: all }\n`
  assert.match(
    mistakesIn(whole, surroundings).join('\n'),
    /"shop_staging" is a database that strategy "server" backs up with its server: .*exclude: \[shop_staging\]/,
  )
  const broken = lines([]) + '  - { name: crm, connection: { type: postgres, host: crm, user: app } }\n'
  assert.match(
    mistakesIn(broken, surroundings).join('\n'),
    /^\S+ {2}strategies\[1\]\.connection\.database {2}is missing/,
  )
})
