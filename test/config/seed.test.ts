import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { load, mistakesIn } from './load.ts'

const example = readFileSync(new URL('fixtures/seed-004.yml', import.meta.url), 'utf8')

test('the first example of easy-backup asks for S3, and that is its only mistake', () => {
  assert.deepEqual(mistakesIn(example), [
    '16:3  global.s3  S3 comes with the next release  write a local storage instead: storages: { disk: { type: local, path: ./backups } }',
  ])
})

test('with a local place in its stead it loads, Slack with invalid tokens and all', () => {
  const s3 = /^ {2}s3:\n(?: {4}.*\n)+/m
  const config = load(example.replace(s3, '  storages: { disk: { type: local, path: /b } }\n'))
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
  assert.equal(config.slack!.botToken, 'xoxb-your-slack-bot-token')
  assert.deepEqual(config.health, { bind: '127.0.0.1', port: 8080, path: '/health' })
  assert.deepEqual(
    config.warnings.map((line) => line.split('  ').slice(1)),
    [['global.monitoring.metrics', 'metrics come with the next release', 'nothing is served there yet']],
  )
})
