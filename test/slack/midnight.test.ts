import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ThreadedMessage } from '../../playground/server.ts'
import { listRuns } from '../../src/state/runs.ts'
import { assertWorld } from '../world.ts'
import { makeNight } from './night.ts'

const named = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `client-${String(index + 1).padStart(3, '0')}-production`)

const wordsOf = (message: ThreadedMessage): string => JSON.stringify(message.blocks)

test('200 strategies due at midnight: one batch message, no run without its end, every rate limit kept', async (t) => {
  const names = named(200)
  const broken = new Set([names[20]!, names[150]!])
  const strategies = Object.fromEntries(
    names.map((name) => [name, broken.has(name) ? { database_url: `sqlite:///nowhere/${name}.db` } : {}]),
  )
  const where = { channels: { failure: 'C0ALERTS1' } }
  const { slack, world, ...night } = await makeNight(t, { strategies, global: { schedule: '1d' } }, where)
  await night.fall('2026-11-20T00:00:01Z', 200)
  await night.ended()
  await night.told()

  const runs = await listRuns(world.context.database.read, { limit: 1_000 })
  assert.equal(runs.length, 200)
  assert.equal(runs.filter(({ state }) => state === 'succeeded').length, 198)
  const [batch, ...others] = slack.messages('C0BACKUPS')
  assert.match(batch!.text, /^❌ Nightly: 200 strategies · 198 backed up, 2 failed/)
  assert.deepEqual(
    others.map(({ text }) => text),
    [],
  )
  for (const name of names) assert.ok(wordsOf(batch!).includes(name), `${name} is not in the batch`)
  assert.deepEqual(
    new Set(batch!.replies.map(({ text }) => names.find((name) => text.includes(name)))),
    broken,
  )
  assert.deepEqual(
    new Set(slack.messages('C0ALERTS1').map(({ text }) => names.find((name) => text.includes(name)))),
    broken,
  )
  const calls = slack.transcript()
  assert.deepEqual(
    calls.filter(({ status }) => status === 429),
    [],
  )
  const [posts, edits] = [slack.busiestMinute('chat.postMessage'), slack.busiestMinute('chat.update')]
  t.diagnostic(`${calls.length} calls; busiest minute: ${posts} posts, ${edits} edits`)
  assert.ok(posts <= 60 && edits <= 36)
  await assertWorld(world)
})
