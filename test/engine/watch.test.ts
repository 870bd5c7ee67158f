import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { watchOverdue } from '../../src/engine/watch.ts'
import { copyOf } from '../../src/engine/catalogue.ts'
import { createScheduler } from '../../src/engine/scheduler.ts'
import { listCopies, saveCopy } from '../../src/state/catalogue.ts'
import type { Post } from '../support/recording-notifier.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { makeWorld, person, type World } from '../support/world.ts'

const hour = 3_600_000

interface Scene {
  world: World
  clock: FastClock
  /** What was said so far: `open` or `over`, one word per message. */
  said(): Promise<string[]>
}

async function scene(t: TestContext, strategy: Record<string, unknown>): Promise<Scene> {
  const clock = fastClock(50)
  const world = await makeWorld(t, { clock, strategies: { shop: strategy } })
  await createScheduler(world.context, () => {}).tick() // knows the strategy from now on
  return {
    world,
    clock,
    said: async () => {
      await watchOverdue(world.context)
      await watchOverdue(world.context)
      await world.deliver()
      return heads(world).flatMap(({ shown }) =>
        shown.map(({ body }) =>
          body.type === 'incident' && body.incident.state === 'open' ? 'open' : 'over',
        ),
      )
    },
  }
}

function heads({ notifier }: World): Post[] {
  return notifier.posts.filter(({ key }) => /^incident\/[^/]+$/.test(key))
}

suite('silence is an alarm (promise 17)', () => {
  test('a backup that is missing is said once, and closed once when it is there', async (t) => {
    const { world, clock, said } = await scene(t, { schedule: '6h' })
    await world.backup()
    clock.jump(8 * hour)
    assert.deepEqual(await said(), [])
    clock.jump(2 * hour)
    assert.deepEqual(await said(), ['open'])
    clock.jump(20 * hour)
    assert.deepEqual(await said(), ['open'])
    await world.backup()
    assert.deepEqual(await said(), ['open', 'over'])
    assert.deepEqual(await said(), ['open', 'over'])
    assert.equal(heads(world).length, 1)
    clock.jump(10 * hour)
    assert.deepEqual(await said(), ['open', 'over', 'open'])
  })

  test('a strategy that never had a backup is missed, too', async (t) => {
    const { clock, said } = await scene(t, { schedule: '6h' })
    assert.deepEqual(await said(), [])
    clock.jump(10 * hour)
    assert.deepEqual(await said(), ['open'])
  })

  test('expect.max_age counts instead of the schedule, for manual ones too', async (t) => {
    const { world, clock, said } = await scene(t, { schedule: 'manual', expect: { max_age: '2h' } })
    await world.backup()
    clock.jump(1.9 * hour)
    assert.deepEqual(await said(), [])
    clock.jump(0.2 * hour)
    assert.deepEqual(await said(), ['open'])
  })

  test('manual without an expectation is never late', async (t) => {
    const { world, clock, said } = await scene(t, { schedule: 'manual' })
    await world.backup()
    clock.jump(9_000 * hour)
    assert.deepEqual(await said(), [])
  })

  test('a broken backup does not count', async (t) => {
    const { world, clock, said } = await scene(t, { schedule: '6h' })
    await world.backup()
    clock.jump(9.5 * hour)
    const { context } = world
    await world.backup()
    const [copy] = await listCopies(context.database.read, {})
    await context.database.write((tx) => saveCopy(tx, { ...copy!, corrupt: 'a flipped bit' }))
    assert.deepEqual(await said(), ['open'])
  })

  test('a backup that a clock dated into the future does not hide that one is missing', async (t) => {
    const { world, clock, said } = await scene(t, { schedule: '6h' })
    const { backup } = await world.backup()
    const { manifest } = await world.engine.backup(backup!.id, null)
    const { context } = world
    const storage = context.storages.get('disk')!
    const future = { ...copyOf(context, storage, manifest), id: 'shop-20361120T060000Z-aaaa' }
    const createdAt = clock.now() + 10 * 365 * 24 * hour
    await context.database.write((tx) => saveCopy(tx, { ...future, createdAt }))
    clock.jump(10 * hour)
    assert.deepEqual(await said(), ['open'])
  })

  test('while the missing one is under way, nobody is alarmed', async (t) => {
    const { world, clock, said } = await scene(t, { schedule: '6h' })
    clock.jump(10 * hour)
    const { id } = await world.engine.startBackup('shop', { trigger: 'person', actor: person })
    assert.deepEqual(await said(), [])
    await world.engine.cancel(id, person)
    assert.deepEqual(await said(), ['open'])
  })
})
