import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fastClock } from '../support/fast-clock.ts'
import { makeWorld, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const day = 24 * 3_600_000

suite('pruning after a backup (promises 5 and 6)', () => {
  const retention = { max_age: '30d', min_keep: 2 }

  async function aged(world: World, count: number, jump: (ms: number) => void): Promise<void> {
    for (let index = 0; index < count; index++) {
      const run = await world.backup()
      assert.equal(run.state, 'succeeded')
      jump(40 * day)
    }
  }

  test('old ones go, min_keep stay, and the storage holds just them', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock, global: { retention } })
    const deleted: string[] = []
    world.context.bus.watch((event) => event.type === 'backup.deleted' && deleted.push(event.reason))
    await aged(world, 4, clock.jump)
    assert.equal((await world.engine.backups({ limit: 99 })).length, 2)
    assert.deepEqual(deleted, ['older than 30d (80 d)', 'older than 30d (80 d)'])
    await assertWorld(world)
  })

  test('what the catalogue believes in and the storage lost does not count', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock, global: { retention } })
    await aged(world, 2, clock.jump)
    const [second, first] = await world.engine.backups({ limit: 9 })
    const { manifest } = await world.engine.backup(second!.id, null)
    await rm(join(world.storageDir, manifest.artifacts[0]!.key, '..'), { recursive: true })
    await world.backup()
    const left = (await world.engine.backups({ limit: 9 })).map(({ id }) => id)
    assert.ok(left.includes(first!.id), 'it is one of the two that are really there')
  })

  test('a prune that fails is told, and the backup is good all the same', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, {
      clock,
      global: { retention },
      adjust: (context) => ({
        ...context,
        storages: new Map(
          [...context.storages].map(([name, storage]) => [
            name,
            { ...storage, remove: () => Promise.reject(new Error('it said no')) },
          ]),
        ),
      }),
    })
    await aged(world, 3, clock.jump)
    await world.deliver()
    const [notice] = world.notifier.posts.filter(({ key }) => key.startsWith('notice/prune/shop/'))
    const body = notice?.shown[0]?.body
    assert.ok(body?.type === 'notice' && body.urgent)
    assert.match(body.text, /The new backup is fine, but old ones were not deleted: it said/)
    assert.equal((await world.engine.runs({ limit: 9, state: 'succeeded' })).length, 3)
    await assertWorld(world)
  })

  test('a listing that fails freezes, and is told', async (t) => {
    const clock = fastClock(50)
    let isBroken = false
    const world = await makeWorld(t, {
      clock,
      global: { retention },
      adjust: (context) => ({
        ...context,
        storages: new Map(
          [...context.storages].map(([name, storage]) => [
            name,
            {
              ...storage,
              list: (...args) =>
                isBroken ? Promise.reject(new Error('page 3 failed')) : storage.list(...args),
            } as typeof storage,
          ]),
        ),
      }),
    })
    await aged(world, 2, clock.jump)
    isBroken = true
    await world.backup()
    assert.equal((await world.engine.backups({ limit: 9 })).length, 3)
    const [row] = await world.context.database.read
      .selectFrom('messages')
      .select('body')
      .where('key', 'like', 'notice/prune/shop/%')
      .execute()
    assert.match(row!.body, /frozen: the storage could not be listed completely: page 3 failed/)
    await assertWorld(world)
  })
})
