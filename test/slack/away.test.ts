import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listRuns } from '../../src/state/runs.ts'
import { assertWorld } from '../world.ts'
import { makeNight } from './night.ts'

test('six hours without Slack: backups go on, then every end is told exactly once, failures first, within the limits', async (t) => {
  const together = Array.from({ length: 10 }, (_, index) => `client-${index}`)
  const apart = ['crm', 'wiki', 'broken']
  const strategies = {
    ...Object.fromEntries(together.map((name) => [name, {}])),
    ...Object.fromEntries(apart.map((name) => [name, { slack: { channel_id: 'C0GENERAL' } }])),
  }
  Object.assign(strategies['broken']!, { database_url: 'sqlite:///nowhere/broken.db' })
  const { slack, world, ...night } = await makeNight(t, { strategies, global: { schedule: '2h' } })
  const away = ['503', 'drop-socket', '500', 'html', 'error'] as const // nothing of it arrives
  for (let call = 0; call < 4_000; call++) slack.misbehave({ method: '*', kind: away[call % away.length]! })
  for (const hour of ['14', '16', '18']) {
    await night.fall(`2026-11-19T${hour}:00:01Z`, 13)
    await night.ended()
  }
  const runs = await listRuns(world.context.database.read, { limit: 1_000 })
  assert.equal(runs.filter(({ state }) => state === 'succeeded').length, 36)
  assert.deepEqual(slack.messages('C0BACKUPS'), [])
  const before = slack.transcript().length

  slack.behave()
  await night.told()
  const batches = slack.messages('C0BACKUPS').map(({ text }) => text)
  assert.equal(batches.length, 3)
  for (const text of batches) {
    assert.match(text, /^✅ Scheduled: 10 strategies · 10 backed up/)
    for (const name of together) assert.equal(text.split(name).length, 2, `${name} in ${text}`)
  }
  const threads = slack.messages('C0GENERAL').filter(({ text }) => !text.includes('has no new backup'))
  const count = (name: string, words: RegExp): number =>
    threads.filter(({ text, replies }) => text.includes(name) && words.test(text) && replies.length > 0)
      .length
  assert.deepEqual([count('crm', /backed up/), count('wiki', /backed up/)], [3, 3])
  assert.equal(count('broken', /backup failed/), 3)
  assert.equal(threads.length, 9)

  const calls = slack.transcript().slice(before)
  const posts = calls.filter(({ method, status }) => method === 'chat.postMessage' && status === 200)
  assert.match(String(posts[0]!.args['text']), /^❌ broken (· backup failed|has no new backup)/)
  assert.equal(calls.filter(({ method }) => method === 'chat.update').length, 0) // no start is told that has ended
  assert.deepEqual(calls.filter(({ status }) => status === 429).length, 0)
  assert.ok(slack.busiestMinute('chat.postMessage') <= 60)
  t.diagnostic(`${before} calls while Slack was away, ${posts.length} posts after it`)
  await assertWorld(world)
})

test('429 for ten minutes, also on the last message: the end is told once, and nothing is asked in between', async (t) => {
  const { slack, world, clock, ...night } = await makeNight(t, {
    strategies: { shop: {} },
    global: { schedule: '2h' },
  })
  for (const method of ['chat.postMessage', 'chat.update'])
    slack.misbehave({ method, kind: '429', retryAfter: 300, times: 2 })
  await night.fall('2026-11-19T14:00:01Z', 1)
  await night.ended()
  clock.hurry(400)
  await night.told()
  const [thread, ...others] = slack.messages('C0BACKUPS')
  assert.deepEqual(others, [])
  assert.match(thread!.text, /^✅ shop · backed up/)
  assert.equal(thread!.replies.length, 1)
  const limited = slack.transcript('chat.postMessage').filter(({ status }) => status === 429)
  assert.equal(limited.length, 2)
  assert.ok(limited[1]!.at - limited[0]!.at >= 300_000, 'it was asked again too soon')
  await assertWorld(world)
})
