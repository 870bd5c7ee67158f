import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigMistakes } from '../../src/config/mistakes.ts'
import { notifiers } from '../../src/notifiers/registry.ts'
import { tunnels } from '../../src/tunnels/registry.ts'
import { drivers } from './catalogue.ts'

/** Whatever is compared with something else in the file is in it. */
const whole = {
  global: {
    storages: { disk: { type: 'local', path: '/mnt/a' }, nas: { type: 'local', path: '/mnt/b' } },
    storage: ['disk'],
    compression: { type: 'zstd', level: 3 },
    encryption: { type: 'age', passphrase: 'correct horse battery staple' },
    slack: { bot_token: 'xoxb-1', app_token: 'xapp-1', channel_id: 'C012345678' },
    access: { operate: ['S012345678'], restore: ['U012345678'], groups: { S012345678: ['U012345678'] } },
    monitoring: { health_check: { port: 8080, path: '/health' }, metrics: { port: 8080, path: '/metrics' } },
    verify: { budget: '1GiB', places: { nas: 'off' } },
    hooks: { before: [['true']], timeout: '5s' },
    notifications: [
      { type: 'webhook', tags: ['prod'], config: { url: 'https://hooks.example.com/x' } },
      {
        type: 'heartbeat',
        strategies: ['shop'],
        on: ['success'],
        config: { url: 'https://hc.example.com/x' },
      },
    ],
    drill: { schedule: '7d', checks: [{ name: 'rows', sql: 'SELECT 1', expect: { min: 1 } }] },
    restore: { database_url: 'postgres://owner@db/shop' },
  },
  strategies: [
    {
      name: 'shop',
      database_url: 'postgres://app@db/shop',
      dump_url: 'postgres://app@replica/shop',
      schedule: '1d',
      tags: ['prod'],
      clones: {
        staging: { database_url: 'postgres://app@staging/shop', sanitize: ['clean.sql'], drop_after: '7d' },
      },
    },
    {
      name: 'crm',
      connection: {
        type: 'postgres',
        host: 'crm',
        port: 5432,
        user: 'app',
        database: 'crm',
        tls: { mode: 'require' },
      },
      dump_url: 'postgres://app@crm-replica/crm',
      databases: { include: ['*'], exclude: ['scratch'] },
      tunnel: {
        ssh: {
          host: 'bastion',
          user: 'deploy',
          private_key_file: 'id',
          fingerprint: `SHA256:${'A'.repeat(43)}`,
        },
      },
      schedule: '1h',
      storage: [{ name: 'nas' }],
      tags: ['prod', 'eu'],
      access: { operate: ['S012345678'] },
      options: { schemas: ['public'] },
    },
  ],
}

/** What may stand at a place instead: nothing, one thing, a list. */
const odd = [undefined, 7, [7]]

function* brokenCopies(): Generator<{ where: string; broken: unknown }> {
  for (const place of placesIn(whole))
    for (const value of odd) {
      const broken = structuredClone(whole)
      const above = place.slice(0, -1).reduce<Holder>((at, key) => at[key] as Holder, broken as never)
      above[place.at(-1)!] = value
      yield { where: `${place.join('.')} = ${JSON.stringify(value)}`, broken }
    }
}

type Holder = Record<string, unknown>

function placesIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...placesIn(inner).map((place) => [key, ...place]),
  ])
}

/** JSON is YAML. */
function check(root: unknown): void {
  const text = JSON.stringify(root)
  loadConfig(
    { path: '/etc/c.yml', text, environment: {}, dotenv: null, readFile: () => '' },
    { ...drivers, notifiers, tunnels },
  )
}

test('whatever one value is in place of what it should be, the file loads or its mistakes are listed', () => {
  check(whole)
  const crashed: string[] = []
  for (const { where, broken } of brokenCopies())
    try {
      check(broken)
    } catch (error) {
      if (!(error instanceof ConfigMistakes)) crashed.push(`${where}: ${(error as Error).stack}`)
    }
  assert.deepEqual(crashed, [])
})
