import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { fastClock } from '../support/fast-clock.ts'
import { makeWorld, type World } from '../support/world.ts'

const hour = 3_600_000

async function failing(t: TestContext): Promise<{ world: World; wait(): Promise<void> }> {
  const clock = fastClock(50)
  const broken = { database_url: 'sqlite:///not/there.db' }
  const world = await makeWorld(t, { clock, strategies: { broken } })
  const wait = async (): Promise<void> => {
    clock.jump(hour)
    await world.deliver()
  }
  return { world, wait }
}

const posted = ({ notifier }: World): string[] =>
  notifier.posts.map(({ key, parent }) => {
    const [subject, , part = subject] = key.split('/')
    return `${part}${parent === null ? '' : ' in its thread'}`
  })

test('a channel for successes that takes nothing keeps no alarm from the channel for failures', async (t) => {
  const { world, wait } = await failing(t)
  world.notifier.trouble = ({ audience }) =>
    audience === 'success' ? { outcome: 'later', detail: 'channel_not_found', retryAfterMs: 300_000 } : null
  await world.backup('broken')
  await world.deliver()
  assert.deepEqual(posted(world), ['incident'])
  await wait()
  await wait()
  assert.deepEqual(posted(world), ['incident'])
  world.notifier.trouble = null
  await wait()
  assert.deepEqual(
    posted(world),
    ['incident', 'card', 'alarm in its thread', 'progress in its thread'],
    'the rest is told once it can be',
  )
})

test('while its thread is there, an alarm goes into it', async (t) => {
  const { world, wait } = await failing(t)
  await world.backup('broken')
  await world.deliver()
  await wait()
  assert.deepEqual(posted(world).toSorted(), [
    'alarm in its thread',
    'card',
    'incident',
    'progress in its thread',
  ])
})
