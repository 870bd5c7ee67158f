import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { load } from './load.ts'

const example = readFileSync(new URL('fixtures/seed-004.yml', import.meta.url), 'utf8')

test('the first example of easy-backup loads as it is, Slack with invalid tokens and all', () => {
  const config = load(example)
  assert.deepEqual(
    config.strategies.map(({ name, schedule, retention, slack, timeout }) => [
      name,
      schedule.type === 'every' && schedule.everyMs / 3_600_000,
      retention?.text,
      slack?.channel,
      timeout.backupMs,
    ]),
    [
      ['production-db', 6, '30d', 'C9876543210', 1_800_000],
      ['staging-db', 24, '30d', 'C0123456789', 1_800_000],
      ['analytics-db', 12, '7d', 'C0123456789', 1_800_000],
    ],
  )
  assert.deepEqual(config.storages, [
    {
      name: 's3',
      kind: 's3',
      options: {
        bucket: 'my-backup-bucket',
        base_path: 'database-backups',
        credentials: {
          access_key: 'your-access-key',
          secret_key: 'your-secret-key',
          region: 'us-east-1',
        },
      },
    },
  ])
  for (const { storages, compression } of config.strategies)
    assert.deepEqual([storages, compression.type], [['s3'], 'gzip'])
  assert.equal(config.slack!.botToken, 'xoxb-your-slack-bot-token')
  assert.deepEqual(config.health, { bind: '127.0.0.1', port: 8080, path: '/health' })
  assert.deepEqual(config.warnings, [])
})
