import assert from 'node:assert/strict'
import { mkdir, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { Fault } from '../../src/core/faults.ts'
import { manifestName } from '../../src/core/keys.ts'
import { prune } from '../../src/engine/prune.ts'
import { pruneAfterBackup } from '../../src/engine/prune-after.ts'
import { remember } from '../../src/state/memory.ts'
import { makeOld } from '../support/old-backups.ts'
import { changePlaces } from '../support/change-places.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { makeWorld, makeWorldFolder, person, type World, type WorldOptions } from '../support/world.ts'
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

  test('a manifest whose dump somebody removed or cut does not count either', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock, global: { retention: { max_age: '30d', min_keep: 3 } } })
    await aged(world, 3, clock.jump)
    const [third, second, first] = await world.engine.backups({ limit: 9 })
    const dumpOf = async ({ id }: { id: string }): Promise<string> =>
      join(world.storageDir, (await world.engine.backup(id, null)).manifest.artifacts[0]!.key)
    await rm(await dumpOf(third!))
    await truncate(await dumpOf(second!), 10)
    await world.backup()
    const left = (await world.engine.backups({ limit: 9 })).map(({ id }) => id)
    assert.ok(left.includes(first!.id), 'beside the new one it is the only whole one')
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

const quiet = new AbortController().signal

function pass(world: World): ReturnType<typeof prune> {
  return prune(world.context, world.config.strategies[0]!, 'shop', quiet)
}

const ids = async (world: World): Promise<string[]> =>
  (await world.engine.backups({ limit: 99 })).map(({ id }) => id)

const noticesOf = async ({ context }: World): Promise<string[]> => {
  const rows = await context.database.read
    .selectFrom('messages')
    .selectAll()
    .where('key', 'like', 'notice/%')
    .execute()
  return rows.map(
    ({ key, version, body }) => `${key} v${version} ${(JSON.parse(body) as { text: string }).text}`,
  )
}

suite('how a prune deletes', () => {
  /** Four backups, the two oldest past their time and held by nothing. */
  async function due(
    t: TestContext,
    options: WorldOptions = {},
  ): Promise<{ world: World; clock: FastClock }> {
    const clock = fastClock(50)
    const world = await makeWorld(t, {
      clock,
      global: { retention: { max_age: '30d', min_keep: 2 } },
      ...options,
    })
    await world.backup()
    await makeOld(world, [40 * day, 80 * day, 120 * day])
    return { world, clock }
  }

  test('oldest first; of each the manifest, then the dump, then the rest', async (t) => {
    const removed: string[] = []
    const adjust = changePlaces((storage) => ({
      remove: (key, signal) => {
        removed.push(key)
        return storage.remove(key, signal)
      },
    }))
    const { world } = await due(t, { adjust })
    const [, , younger, oldest] = await ids(world)
    const verify = await world.engine.startVerify(oldest!, 'V1', person)
    await world.finish(verify.id)
    await pass(world)
    const told = removed.map((key) => {
      const [id, file] = key.split('/').slice(-2) as [string, string]
      return [id, file.startsWith('verdict-') ? 'verdict' : file]
    })
    assert.deepEqual(told, [
      [oldest, manifestName],
      [oldest, 'shop.db.gz'],
      [oldest, 'verdict'],
      [younger, manifestName],
      [younger, 'shop.db.gz'],
    ])
    await assertWorld(world)
  })

  test('what the place retains stays whole and is no alarm, whichever way the place says it', async (t) => {
    const until = Date.parse('2030-01-01T00:00:00Z')
    const asked = changePlaces(() => ({ retainUntil: () => Promise.resolve(until) }))
    const refused = changePlaces(() => ({
      remove: () => Promise.reject(new Fault('object-retained', 'retained until 2030-01-01')),
    }))
    for (const adjust of [asked, refused]) {
      const { world } = await due(t, { adjust })
      const strategy = world.config.strategies[0]!
      await pruneAfterBackup(world.context, { strategy, series: 'shop' }, quiet)
      const [place] = await pass(world)
      assert.deepEqual([place!.deleted, place!.retained, place!.failure], [[], 2, null])
      assert.equal((await ids(world)).length, 4)
      assert.deepEqual(await noticesOf(world), [])
      await assertWorld(world)
    }
  })

  test('a denied deletion is said once a day, and keeps no other place from its turn', async (t) => {
    const clock = fastClock(50)
    const folder = await makeWorldFolder(t)
    const other = join(folder, 'other')
    await mkdir(other)
    const storages = {
      disk: { type: 'local', path: join(folder, 'storage') },
      nas: { type: 'local', path: other },
    }
    const adjust = changePlaces((storage) =>
      storage.name === 'disk'
        ? { remove: () => Promise.reject(new Fault('storage-denied', 'the bucket refused to delete')) }
        : {},
    )
    const world = await makeWorld(t, {
      clock,
      folder,
      adjust,
      global: {
        storages,
        storage: ['disk', { name: 'nas', retention: '10d' }],
        retention: { max_age: '30d' },
      },
    })
    for (let index = 0; index < 3; index++) {
      await world.backup()
      clock.jump(12 * day)
    }
    for (let again = 0; again < 3; again++) {
      clock.jump(12 * day)
      await world.backup()
    }
    const held = await world.engine.backups({ limit: 99 })
    assert.equal(held.filter(({ storages: at }) => at.includes('disk')).length, 6)
    assert.equal(
      held.filter(({ storages: at }) => at.includes('nas')).length,
      2,
      'its own retention is shorter',
    )
    const notices = await noticesOf(world)
    assert.ok(notices.length > 0)
    for (const notice of notices)
      assert.match(
        notice,
        /^notice\/prune\/shop\/[\d-]+\/disk\/storage-denied v1 .*refused to delete, in disk/,
      )
    const strategy = world.config.strategies[0]!
    await pruneAfterBackup(world.context, { strategy, series: 'shop' }, quiet)
    assert.deepEqual(await noticesOf(world), notices)
  })

  test('two processes never prune one series at once: each backup goes once', async (t) => {
    let inside = 0
    const most: number[] = []
    const adjust = changePlaces((storage) => ({
      remove: async (key, signal) => {
        most.push(++inside)
        await storage.remove(key, signal)
        inside--
      },
    }))
    const { world, clock } = await due(t, { adjust })
    const retention = { max_age: '30d', min_keep: 2 }
    const second = await makeWorld(t, { clock, folder: world.folder, global: { retention }, adjust })
    const [ours, theirs] = await Promise.all([pass(world), pass(second)])
    assert.equal(ours[0]!.deleted.length + theirs[0]!.deleted.length, 2)
    assert.equal(Math.max(...most), 1)
    await assertWorld(world)
  })

  test('a turn of a process that died is nobody’s', async (t) => {
    const { world } = await due(t)
    const dead = {
      holder: { pid: 1, startTicks: 1, bootId: 'another boot' },
      token: 'x',
      takenAt: world.context.clock.now(),
    }
    await world.context.database.write(async (tx) => {
      await remember(tx, 'turn/prune/shop/shop', JSON.stringify(dead))
    })
    const [place] = await prune(
      world.context,
      world.config.strategies[0]!,
      'shop',
      AbortSignal.timeout(20_000),
    )
    assert.equal(place!.deleted.length, 2)
  })

  test('a backup that a restore or verification reads now is left for the next pass', async (t) => {
    const { world } = await due(t)
    const oldest = (await ids(world)).at(-1)!
    const verify = await world.engine.startVerify(oldest, 'V1', person)
    assert.equal((await pass(world))[0]!.deleted.length, 1)
    assert.ok((await ids(world)).includes(oldest))
    await world.finish(verify.id)
    assert.equal((await pass(world))[0]!.deleted.length, 1)
  })

  test('one of those that stay is found broken while others are deleted: the pass ends there', async (t) => {
    let flip = async (): Promise<unknown> => null
    const adjust = changePlaces((storage) => ({
      remove: async (key, signal) => {
        await storage.remove(key, signal)
        await flip()
      },
    }))
    const { world } = await due(t, { adjust })
    const [newest] = await ids(world)
    flip = () =>
      world.context.database.write((tx) =>
        tx.updateTable('backups').set({ corrupt: 'bits flipped' }).where('id', '=', newest!).execute(),
      )
    assert.equal((await pass(world))[0]!.deleted.length, 1)
    assert.equal(
      (await ids(world)).length,
      3,
      'the oldest is now one of the two newest good ones no more, and stays',
    )
  })

  test('a freeze is said once for each reason and day', async (t) => {
    const { world, clock } = await due(t, { global: { retention: '30d', schedule: '1d' } })
    clock.jump(5 * day)
    const strategy = world.config.strategies[0]!
    const after = (): Promise<void> => pruneAfterBackup(world.context, { strategy, series: 'shop' }, quiet)
    await after()
    await after()
    const late = 'frozen: the newest good backup is older than twice the schedule, in disk'
    assert.equal((await noticesOf(world)).length, 1)
    assert.ok(
      (await noticesOf(world))[0]!.endsWith(
        `v1 The new backup is fine, but old ones were not deleted: ${late}`,
      ),
    )
    clock.jump(-6 * day)
    await after()
    clock.jump(7 * day)
    await after()
    assert.equal((await noticesOf(world)).length, 3)
    assert.equal((await ids(world)).length, 4)
  })
})
