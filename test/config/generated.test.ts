import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv2020, type AnySchemaObject } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { referencePage } from '../../src/config/reference/page.ts'
import { schemaFile } from '../../src/config/reference/schema-file.ts'
import { scheduleForm } from '../../src/config/schema/schedule.ts'
import { starterFile } from '../../src/config/starter.ts'
import { parseSchedule } from '../../src/core/schedule.ts'
import { filters } from '../../src/filters/registry.ts'
import { notifiers } from '../../src/notifiers/registry.ts'
import { sources } from '../../src/sources/registry.ts'
import { storages } from '../../src/storages/registry.ts'
import { tunnels } from '../../src/tunnels/registry.ts'

const drivers = { sources, storages, filters, notifiers, tunnels }
const checkedIn = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const stale = 'it is older than the schema: run node scripts/generate-config-docs.ts'

const environment = {
  SLACK_BOT_TOKEN: 'xoxb-1',
  DB_PASSWORD: 'p/w#1',
  OWNER_PASSWORD: 'owner',
  DATABASE_URL: 'postgres://me:secret@db/shop',
}
const loadReal = (path: string, text: string) =>
  loadConfig({ path, text, environment, dotenv: null, readFile: () => 'from-a-file\n' }, drivers)

test('config/schema.json and docs/configuration.md are as the schema and the drivers make them', () => {
  assert.ok(checkedIn('config/schema.json') === schemaFile(drivers), `config/schema.json: ${stale}`)
  assert.ok(checkedIn('docs/configuration.md') === referencePage(drivers), `docs/configuration.md: ${stale}`)
})

test('the example loads without a mistake or a warning', () => {
  const config = loadReal('/etc/easy-backup/config.yml', checkedIn('config/example.yml'))
  assert.deepEqual(config.warnings, [])
  assert.deepEqual(
    config.strategies.map(({ name, source, storages: places }) => [name, source.kind, places]),
    [
      ['production-db', 'postgres', ['s3', 'nas']],
      ['analytics-db', 'postgres', ['s3', 'nas']],
      ['website', 'sqlite', ['disk']],
    ],
  )
})

test('the file that init writes loads as it is, and again with its commented lines', () => {
  const config = loadReal('/srv/easy-backup.yml', starterFile())
  assert.deepEqual(config.warnings, [])
  assert.equal(config.strategies[0]!.compression.type, 'zstd')
  assert.equal(config.strategies[0]!.retention!.text, '30d')
  const uncommented = starterFile().replaceAll(/^( +)# (?=( *)([a-z_]+:|- name))/gm, '$1')
  const whole = loadReal('/srv/easy-backup.yml', uncommented.replace('${SLACK_APP_TOKEN}', 'xapp-1'))
  assert.equal(whole.strategies.length, 2)
  assert.equal(whole.slack!.routing.channel, 'C0123456789')
})

test('an editor with config/schema.json accepts the example and the starter file, and sees a mistake', () => {
  const check = new Ajv2020({ strict: false }).compile(
    JSON.parse(checkedIn('config/schema.json')) as AnySchemaObject,
  )
  for (const text of [checkedIn('config/example.yml'), starterFile()])
    assert.ok(check(parse(text)), JSON.stringify(check.errors))
  assert.ok(!check(parse(starterFile().replace('retention: 30d', 'retenton: 30d'))))
  assert.ok(!check(parse(starterFile().replace('type: local', 'type: lokal'))))
  assert.ok(check(parse(starterFile().replace('port: 8080', 'port: "${PORT}"'))))
})

test('every key of a schedule that the reference names is one that schedules have', () => {
  for (const [key, facts] of Object.entries(scheduleForm.properties)) {
    const [example] = (facts as { examples?: unknown[] }).examples ?? []
    const base = key === 'cron' ? {} : { every: key === 'on' ? '1w' : '1d' }
    assert.ok('spec' in parseSchedule({ ...base, [key]: example }), key)
  }
})
