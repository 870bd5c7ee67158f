import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadEnvironment, namesDatabase } from '../../src/config/environment.ts'
import { ConfigMistakes } from '../../src/config/mistakes.ts'
import { redactedYaml } from '../../src/config/print.ts'
import type { Config } from '../../src/core/config.ts'
import { filters } from '../../src/filters/registry.ts'
import { notifiers } from '../../src/notifiers/registry.ts'
import { sources } from '../../src/sources/registry.ts'
import { storages } from '../../src/storages/registry.ts'

interface Outside {
  dotenv?: string
  files?: Record<string, string>
}

function outside(environment: Record<string, string>, { dotenv, files = {} }: Outside) {
  const readFile = (path: string): string => {
    if (files[path] === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' })
    return files[path]
  }
  return { environment, dotenv: dotenv ?? null, readFile }
}

function load(environment: Record<string, string>, more: Outside = {}): Config {
  const input = { folder: '/srv', ...outside(environment, more) }
  return loadEnvironment(input, { sources, storages, filters, notifiers })
}

function mistakes(environment: Record<string, string>, more: Outside = {}): string[] {
  try {
    load(environment, more)
  } catch (error) {
    assert.ok(error instanceof ConfigMistakes)
    return error.message.split('\n')
  }
  return assert.fail('nothing was found wrong')
}

const url = 'postgres://ann:hunter-two@db:5432/My_Shop'

test('one strategy comes out, named after its database, with the same defaults as from a file', () => {
  const config = load({ DATABASE_URL: url, STORAGE_PATH: 'backups' })
  assert.deepEqual(
    config.strategies.map(({ name, storages: places, source }) => [name, places, source.url]),
    [['my_shop', ['local'], url]],
  )
  assert.equal(config.storages[0]!.options.path, '/srv/backups')
  assert.deepEqual([config.file, config.maxParallel, config.metrics], ['environment', 2, null])
})

test('single fields, sizes and times are read as the file reads them', () => {
  const config = load({
    DB_HOST: 'db',
    DB_PORT: '6543',
    DB_NAME: 'shop',
    DB_USER: 'ann',
    DB_PASSWORD: 'hunter/two',
    SCHEDULE: '6h',
    TIMEZONE: 'Europe/Paris',
    COMPRESSION: 'zstd',
    MAX_AGE_DAYS: '30',
    ALERT_AFTER_HOURS: '26',
    STORAGE_PATH: '/b',
    METRICS_PORT: '9090',
    STATE_DIR: 'state',
    TEMP_DIR: '/tmp/x',
    LOG_LEVEL: 'debug',
  })
  const [shop] = config.strategies
  assert.equal(shop!.source.url, 'postgres://ann:hunter%2Ftwo@db:6543/shop')
  assert.deepEqual(
    [shop!.schedule.type, shop!.timezone, shop!.compression.type],
    ['every', 'Europe/Paris', 'zstd'],
  )
  assert.equal(shop!.retention!.maxAgeMs, 30 * 86_400_000)
  assert.equal(shop!.expect.maxAgeMs, 26 * 3_600_000)
  assert.deepEqual(config.metrics, { bind: '127.0.0.1', port: 9090, path: '/metrics' })
  assert.deepEqual([config.stateDir, config.tempDir, config.logLevel], ['/srv/state', '/tmp/x', 'debug'])
})

test('each variable may come from a file, and .env is below the environment', () => {
  const config = load(
    { DATABASE_URL_FILE: '/run/secrets/url', SCHEDULE: '6h' },
    { dotenv: 'SCHEDULE=1h\nSTORAGE_PATH=/b\nTIMEZONE=', files: { '/run/secrets/url': `${url}\n` } },
  )
  assert.equal(config.strategies[0]!.source.url, url)
  assert.equal(
    config.strategies[0]!.schedule.type === 'every' && config.strategies[0]!.schedule.everyMs,
    6 * 3_600_000,
  )
  assert.equal(config.strategies[0]!.timezone, 'UTC')
})

test('what came out is printed without its secrets', () => {
  const config = load({
    DATABASE_URL: url,
    STORAGE_PATH: '/b',
    SLACK_BOT_TOKEN: 'xoxb-canary',
    SLACK_CHANNEL_ID: 'C0123456789',
  })
  const printed = redactedYaml(config)
  assert.match(printed, /name: my_shop/)
  assert.doesNotMatch(printed, /hunter-two|canary/)
  assert.ok(config.secrets.includes('hunter-two') && config.secrets.includes('xoxb-canary'))
})

test('every mistake names its variable, and none its secret', () => {
  const found = mistakes({
    DB_HOST: 'db',
    DB_PORT: 'abc',
    DB_PASSWORD: 'hunter-two',
    SCHEDULE: '6x',
    MAX_AGE_DAYS: 'many',
    LOG_LEVEL: 'loud',
    SLACK_BOT_TOKEN: 'xoxb-canary',
  })
  assert.deepEqual(
    found.map((line) => line.split('  ')[0]!).sort((a, b) => a.localeCompare(b)),
    ['DB_NAME', 'DB_PORT', 'LOG_LEVEL', 'MAX_AGE_DAYS', 'SCHEDULE', 'SLACK_CHANNEL_ID', 'STORAGE_PATH'],
  )
  assert.doesNotMatch(found.join(), /hunter-two|canary/)
  assert.ok(found.includes('DB_NAME  is missing  write myapp'))
})

test('what is said twice, or in a file that cannot be read, is a mistake', () => {
  const twice = {
    DATABASE_URL: url,
    DB_HOST: 'db',
    DB_NAME: 'shop',
    STORAGE_PATH: '/b',
    STORAGE_PATH_FILE: '/c',
  }
  assert.deepEqual(
    mistakes(twice).map((line) => line.split('  ')[0]),
    ['STORAGE_PATH_FILE', 'DB_HOST'],
  )
  const lost = mistakes({ DATABASE_URL_FILE: '/run/secrets/none', STORAGE_PATH: '/b' })
  assert.deepEqual(lost, [
    'DATABASE_URL_FILE  the file "/run/secrets/none" does not exist  correct the path, or its rights',
  ])
})

test('without a database nothing is made up', () => {
  assert.equal(namesDatabase(outside({ STORAGE_PATH: '/b', DATABASE_URL: '' }, {})), false)
  assert.equal(namesDatabase(outside({ DB_HOST_FILE: '/h' }, {})), true)
  assert.equal(namesDatabase(outside({}, { dotenv: 'DATABASE_URL=x' })), true)
})
