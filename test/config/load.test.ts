import assert from 'node:assert/strict'
import { test } from 'node:test'
import { composeUrl } from '../../src/config/database.ts'
import { drivers } from './catalogue.ts'
import { around, load, path } from './load.ts'

const smallest = `
global:
  storages: { disk: { type: local, path: ./backups } }
strategies:
  - name: shop
    database_url: postgres://me:secret@db/shop
`

test('a file with one database and one folder is enough', () => {
  const config = load(smallest)
  const [shop] = config.strategies
  assert.equal(config.file, path)
  assert.equal(config.slack, null)
  assert.equal(config.health, null)
  assert.equal(config.maxParallel, 2)
  assert.deepEqual(config.warnings, [])
  assert.deepEqual(shop!.source, {
    kind: 'postgres',
    url: 'postgres://me:secret@db/shop',
    dumpUrl: null,
    restoreUrl: null,
    options: {},
    databases: null,
    tunnel: null,
  })
  assert.equal(shop!.timezone, 'UTC')
  assert.equal(shop!.schedule.type === 'every' && shop!.schedule.everyMs, 86_400_000)
  assert.equal(shop!.retention, null)
  assert.deepEqual(shop!.compression, { type: 'gzip', level: null })
  assert.deepEqual(shop!.retry, { maxAttempts: 3, delayMs: 10_000, maxDelayMs: 300_000 })
  assert.deepEqual(shop!.timeout, { backupMs: 0, uploadMs: 0, restoreMs: 0, stallMs: 300_000 })
  assert.deepEqual(shop!.expect, { maxAgeMs: null, size: 0.5, rows: 0.5, duration: 3 })
  assert.deepEqual(shop!.restore, { expiresMs: 1_800_000, undoMs: 86_400_000, freshnessSql: null })
  assert.deepEqual(shop!.storages, ['disk'])
  assert.equal(shop!.prove, true)
})

test('folders are relative to the file, not to where the service was started', () => {
  const config = load(smallest)
  assert.equal(config.stateDir, '/etc/easy-backup/data')
  assert.deepEqual(config.storages, [
    { name: 'disk', kind: 'local', options: { path: '/etc/easy-backup/backups' } },
  ])
})

const day = 86_400_000
const noCalendar = {
  keepLast: 0,
  keepHourly: 0,
  keepDaily: 0,
  keepWeekly: 0,
  keepMonthly: 0,
  keepYearly: 0,
}

test('retention by calendar, and a place with one of its own', () => {
  const [shop] = load(
    around(
      ['retention: { keep_daily: 7, keep_weekly: 4, max_age: 90d, min_keep: 3 }'],
      ['storage: [{ name: disk, retention: { keep_last: 5 } }]'],
    ),
  ).strategies
  const calendar = { ...noCalendar, keepDaily: 7, keepWeekly: 4 }
  const text = '7 daily, 4 weekly, 90d at most'
  assert.deepEqual(shop!.retention, { ...calendar, maxAgeMs: 90 * day, minKeep: 3, text })
  assert.deepEqual(shop!.placeRetention, {
    disk: { ...noCalendar, keepLast: 5, maxAgeMs: null, minKeep: 2, text: '5 last' },
  })
})

test('retention rules that cannot do what they say are warnings, once however many strategies share them', () => {
  const said = (...rules: string[]): string[][] =>
    load(
      around([`retention: { ${rules.join(', ')} }`]) +
        '  - name: second\n    database_url: postgres://db/second\n',
    ).warnings.map((line) => line.replace(`${path}:`, '').split('  '))
  assert.deepEqual(said('keep_monthly: 6', 'max_age: 90d'), [
    [
      '3:14',
      'global.retention',
      'keep_monthly: 6 reaches back 5 months, but max_age deletes after 90d',
      'write max_age: 155d or more, or leave it out',
    ],
  ])
  assert.deepEqual(said('keep_daily: 7', 'keep_weekly: 4', 'max_age: 30d'), [])
  assert.deepEqual(said('keep_monthly: 600'), [])
  assert.deepEqual(said('min_keep: 5'), [
    [
      '3:14',
      'global.retention',
      'this retention deletes nothing',
      'write max_age: 30d, keep_daily: 7, or remove it',
    ],
  ])
})

test('what a strategy sets wins, and the rest comes from global', () => {
  const { strategies } = load(
    around(
      ['schedule: 6h', 'retention: { max_age: 2w, min_keep: 5 }', 'timezone: Europe/Paris', 'prove: false'],
      ['schedule: 12h', 'compression: { type: zstd, level: 9 }', 'tags: [prod]', 'timeout: { backup: 0 }'],
    ),
  )
  const [shop] = strategies
  assert.equal(shop!.schedule.type === 'every' && shop!.schedule.everyMs, 12 * 3_600_000)
  assert.deepEqual(shop!.retention, { ...noCalendar, maxAgeMs: 14 * day, minKeep: 5, text: '14d' })
  assert.deepEqual(shop!.compression, { type: 'zstd', level: 9 })
  assert.equal(shop!.timezone, 'Europe/Paris')
  assert.equal(shop!.prove, false)
  assert.deepEqual(shop!.tags, ['prod'])
})

test('timeout, retry, expect and restore are merged key by key', () => {
  const [shop] = load(
    around(
      [
        'timeout: { backup: 30m, upload: 10m }',
        'retry: { max_attempts: 5 }',
        'restore: { expires: 1h }',
        'expect: { max_age: 2d }',
      ],
      [
        'timeout: { backup: 0, stall: 1m }',
        'retry: { delay: 1s }',
        'restore: { database_url: postgres://owner@db/shop }',
      ],
    ),
  ).strategies
  assert.deepEqual(shop!.timeout, { backupMs: 0, uploadMs: 600_000, restoreMs: 0, stallMs: 60_000 })
  assert.deepEqual(shop!.retry, { maxAttempts: 5, delayMs: 1000, maxDelayMs: 300_000 })
  assert.equal(shop!.restore.expiresMs, 3_600_000)
  assert.equal(shop!.source.restoreUrl, 'postgres://owner@db/shop')
  assert.equal(shop!.expect.maxAgeMs, 2 * 86_400_000)
})

const slack = [
  'slack:',
  '  bot_token: xoxb-1',
  '  channel_id: C00000000',
  '  channels: { success: C11111111, failure: C22222222, approvals: C33333333 }',
  '  mention_on_failure: [S0123456789]',
]

test('messages go to the channel of their status', () => {
  const config = load(around(slack))
  const routing = {
    channel: 'C00000000',
    success: 'C11111111',
    failure: 'C22222222',
    approvals: 'C33333333',
    digest: null,
    mentionOnFailure: ['S0123456789'],
  }
  assert.deepEqual(config.slack, {
    botToken: 'xoxb-1',
    appToken: null,
    apiUrl: 'https://slack.com/api/',
    blocks: 'basic',
    silenceMs: 1_800_000,
    routing,
  })
  assert.deepEqual(config.strategies[0]!.slack, routing)
})

test('Slack is listened to in Socket Mode, or over HTTP with a signing secret', () => {
  const slackWith = (more: string) =>
    load(
      around([
        `slack: { bot_token: xoxb-1, channel_id: C0123456789, ${more} }`,
        'monitoring: { bind: 0.0.0.0 }',
      ]),
    )
  const listen = { bind: '0.0.0.0', port: 3000 }
  assert.deepEqual(slackWith('signing_secret: s3cr3t').slack?.http, { signingSecret: 's3cr3t', listen })
  assert.equal(slackWith('signing_secret: s3cr3t, port: 4001').slack?.http?.listen.port, 4001)
  assert.ok(slackWith('signing_secret: s3cr3t').secrets.includes('s3cr3t'))
  assert.match(slackWith('signing_secret: s3cr3t, app_token: xapp-1').warnings[0]!, /Socket Mode/)
  assert.match(slackWith('port: 4001').warnings[0]!, /nothing listens there without a signing secret/)
})

test("a strategy's own channel beats the global channels, and its other keys merge", () => {
  const own = load(around(slack, ['slack: { channel_id: C99999999 }'])).strategies[0]!.slack
  assert.deepEqual(own, {
    channel: 'C99999999',
    success: null,
    failure: null,
    approvals: null,
    digest: null,
    mentionOnFailure: ['S0123456789'],
  })
  const one = load(around(slack, ['slack: { channels: { failure: C88888888 }, mention_on_failure: [] }']))
  assert.deepEqual(one.strategies[0]!.slack, {
    channel: 'C00000000',
    success: 'C11111111',
    failure: 'C88888888',
    approvals: 'C33333333',
    digest: null,
    mentionOnFailure: [],
  })
})

test('strategies may be a map from name to strategy', () => {
  const { strategies } = load(`
global: { storages: { disk: { type: local, path: /b } } }
strategies:
  shop: { database_url: postgres://db/shop }
  blog: { database_url: "sqlite:///blog.db", schedule: manual }
`)
  assert.deepEqual(
    strategies.map(({ name, source }) => [name, source.kind]),
    [
      ['shop', 'postgres'],
      ['blog', 'sqlite'],
    ],
  )
})

test('single connection fields become a URL, with every character where it belongs', () => {
  const urlOf = (fields: string) =>
    load(`
global: { storages: { disk: { type: local, path: /b } } }
strategies: { shop: { connection: { ${fields} } } }
`).strategies[0]!.source.url
  assert.equal(
    urlOf(
      'type: postgres, host: db, port: 5433, user: "a@b", password: "p/w#1?", database: "my shop", tls: true',
    ),
    'postgres://a%40b:p%2Fw%231%3F@db:5433/my%20shop?sslmode=require',
  )
  assert.equal(urlOf('type: postgresql, database: shop'), 'postgresql://localhost/shop')
  assert.equal(urlOf('type: postgres, host: "::1", database: shop'), 'postgres://[::1]/shop')
  assert.equal(urlOf('type: sqlite, database: /var/my app.db'), 'sqlite:///var/my%20app.db')
  assert.equal(
    urlOf('type: postgres, socket: /run/pg, port: 5433, user: me, database: shop, tls: verify-full'),
    'postgres://me@localhost:5433/shop?host=%2Frun%2Fpg&sslmode=verify-full',
  )
  const hosts = { type: 'postgres', host: ['a', 'b:5433', '::1', '[::2]:5434'], port: 5432, database: 'shop' }
  const source = drivers.sources.find(({ kind }) => kind === 'postgres')!
  assert.equal(composeUrl(hosts, source), 'postgres://a:5432,b:5433,[::1]:5432,[::2]:5434/shop')
  assert.equal(
    urlOf('type: postgres, host: db, database: shop, tls: { ca: ./ca.pem, cert: /c.pem, key: c.key }'),
    'postgres://db/shop?sslmode=verify-full&sslrootcert=%2Fetc%2Feasy-backup%2Fca.pem&sslcert=%2Fc.pem&sslkey=%2Fetc%2Feasy-backup%2Fc.key',
  )
  assert.equal(urlOf('type: postgres, host: db, database: x, tls: {}'), 'postgres://db/x?sslmode=require')
})

test('health is served where the file says', () => {
  const { health } = load(around(['monitoring: { bind: 0.0.0.0, health_check: { port: 0 } }']))
  assert.deepEqual(health, { bind: '0.0.0.0', port: 0, path: '/health' })
})

test('the same text gives the same result, and the hash tells another content', () => {
  assert.deepEqual(load(smallest), load(smallest))
  const reordered = smallest.replace('{ type: local, path: ./backups }', '{ path: ./backups, type: local }')
  assert.equal(load(smallest).hash, load(`# comment\n${reordered}`).hash)
  assert.notEqual(load(smallest).hash, load(smallest.replace('secret', 'secreu')).hash)
  assert.match(load(smallest).hash, /^[0-9a-f]{64}$/)
})

test('nothing of a configuration can be changed', () => {
  const config = load(around(slack))
  assert.throws(() => config.strategies[0]!.tags.push('x'), TypeError)
  assert.throws(() => (config.slack!.routing.mentionOnFailure[0] = 'x'), TypeError)
})

test('what is normal is read as shares, each of which may be off', () => {
  const config = load(
    around(
      ['expect: { size_change: 30%, duration_change: off }'],
      ['expect: { rows_change: 12.5%, size_change: off }'],
    ),
  )
  assert.deepEqual(config.strategies[0]!.expect, { maxAgeMs: null, size: null, rows: 0.125, duration: null })
})

test('so much is read again a day as the place may cost, and what a place is given of its own goes first', () => {
  assert.deepEqual(load(around([])).reread, { disk: 10 * 1024 ** 3 })
  assert.deepEqual(load(around(['verify: { budget: off }'])).reread, { disk: 0 })
  assert.deepEqual(load(around(['verify: { budget: off, places: { disk: 200MiB } }'])).reread, {
    disk: 200 * 1024 ** 2,
  })
})

test('what is legal but hardly meant is a warning with its place', () => {
  const warnings = load(
    around(
      [
        'slack: { bot_token: my-token, app_token: xoxb-1, channel_id: C0123456789, channels: { digest: C0123456789 } }',
        'retention: 1d',
        'monitoring: { metrics: { port: 9090 } }',
      ],
      ['expect: { max_age: 12h }'],
    ),
  ).warnings
  assert.deepEqual(
    warnings.map((line) => line.replace(`${path}:`, '').split('  ').slice(0, 3)),
    [
      ['3:23', 'global.slack.bot_token', 'a bot token begins with xoxb-'],
      ['3:44', 'global.slack.app_token', 'an app token begins with xapp-'],
      ['3:97', 'global.slack.channels.digest', 'without global.digest there is no digest to be said there'],
      ['4:14', 'global.retention', 'retention 1d is shorter than two runs of shop, up to 1d apart'],
      ['9:13', 'strategies[0].expect', 'runs of shop are up to 1d apart: it will be overdue in between'],
    ],
  )
  const silent = load(around([], ['protected: true', 'slack: { channel_id: C0123456789 }'])).warnings
  assert.deepEqual(
    silent.map((line) => line.split('  ')[2]),
    ['without Slack nobody can approve', 'nothing is said without a bot token'],
  )
})
