import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { redactedYaml } from '../../src/config/print.ts'
import { around, load, mistakesIn } from './load.ts'

const canary = 'kanarie-7f3a'
const full = `
global:
  slack: { bot_token: "xoxb-${canary}", app_token: "xapp-${canary}", channel_id: C0123456789 }
  storages: { disk: { type: local, path: /b } }
  restore: { database_url: "postgres://owner:${canary}-restore@db/shop" }
strategies:
  - name: shop
    database_url: postgres://me:${canary}%2Furl@db/shop?sslpassword=${canary}-param
    dump_url: postgres://me:${canary}-dump@db/shop
  - name: blog
    connection: { type: postgres, user: me, password: "${canary}/field", database: blog }
  - name: file
    database_url: postgres://me:\${DB_PASSWORD}@db/file
    tags: ["\${file:/tag}"]
`
const outside = { environment: { DB_PASSWORD: `${canary}-env` }, files: { '/tag': 'kanarie-tag' } }

test('every secret is known to the scrubber, as written and decoded', () => {
  const { secrets } = load(full, outside)
  for (const secret of [
    `xoxb-${canary}`,
    `xapp-${canary}`,
    `${canary}-restore`,
    `${canary}%2Furl`,
    `${canary}/url`,
    `${canary}-param`,
    `${canary}-dump`,
    `${canary}/field`,
    `${canary}-env`,
    'kanarie-tag',
  ])
    assert.ok(secrets.includes(secret), secret)
})

test('what is printed shows every key and no secret', () => {
  const config = load(full, outside)
  const printed = redactedYaml(config)
  assert.ok(!printed.includes('kanarie'), printed)
  assert.ok(!JSON.stringify(config.strategies.map(({ redacted }) => redacted)).includes('kanarie'))
  assert.ok(!config.warnings.join('\n').includes('kanarie'))
  const again = parse(printed) as typeof config.redacted
  assert.deepEqual(again, config.redacted)
  assert.deepEqual((again as { strategies: unknown[] }).strategies[0], {
    name: 'shop',
    database_url: 'postgres://me:***@db/shop?sslpassword=***',
    dump_url: 'postgres://me:***@db/shop',
  })
})

test('a password that is an everyday word hides only where it is the password', () => {
  const config = load(around([], []).replace('postgres://db', 'postgres://postgres:postgres@db'))
  assert.equal(
    (config.redacted as { strategies: { database_url: string }[] }).strategies[0]!.database_url,
    'postgres://postgres:***@db/shop',
  )
  assert.ok(config.secrets.includes('postgres'))
})

test('a secret too short for the scrubber is hidden where it stands', () => {
  const text = full.replace(`xapp-${canary}`, 'x9').replace(`password: "${canary}/field"`, 'password: "pw"')
  const shown = load(text, outside).redacted as {
    global: { slack: { app_token: string } }
    strategies: { connection?: { password: string } }[]
  }
  assert.equal(shown.global.slack.app_token, '***')
  assert.equal(shown.strategies[1]!.connection!.password, '***')
})

test('no mistake quotes a secret that a driver quotes', () => {
  const lines = mistakesIn(
    `
global: { storages: { disk: { type: local, path: /b } } }
strategies:
  - { name: a, database_url: "postgres://db/shop?mode=\${MY_SECRET}" }
  - { name: b, database_url: "sqlite://me:other-${canary}@host/x" }
`,
    { environment: { MY_SECRET: `my-${canary}` } },
  )
  assert.deepEqual(
    lines.map((line) => line.split('  ')[2]),
    ['unknown mode ***', 'sqlite://me:***@host/x has no absolute path'],
  )
})

test('no mistake quotes a secret, not even in the wrong place or cut short', () => {
  const long = `${canary}-`.repeat(12)
  const text = `
global:
  slack: { bot_token: 12345678, channel_id: "\${SLACK_TOKEN}" }
  storages: { disk: { type: local, path: /b } }
  storage: postgres://me:${canary}@db/shop
  schedule: \${MY_PASSWORD}
  log_level: \${file:/level}
strategies:
  - name: a
    database_url: postgres://me:${canary}/x#y@db:port/shop
  - name: b
    database_url: other://me:${canary}@db/shop
    connection: { type: "\${MY_SECRET}", database: x }
`
  const environment = { SLACK_TOKEN: canary, MY_PASSWORD: long, MY_SECRET: canary }
  const lines = mistakesIn(text, { environment, files: { '/level': long } })
  assert.equal(lines.length, 7)
  assert.ok(!lines.join('\n').includes('kanarie'), lines.join('\n'))
  assert.ok(!lines.join('\n').includes('12345678'), lines.join('\n'))
})
