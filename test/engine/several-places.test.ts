import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import { listDebts } from '../../src/state/owed.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { until } from '../support/dam.ts'
import { everythingIn } from '../support/local.ts'
import { catchUp, contentOf, severalPlaces, type Places } from '../support/places.ts'
import { makeWorld, makeWorldFolder, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

async function withPlaces(
  t: TestContext,
  names: string[],
  global: Record<string, unknown> = {},
): Promise<{ world: World; places: Places }> {
  const folder = await makeWorldFolder(t)
  const places = severalPlaces(folder, names, global)
  for (const name of names) await mkdir(places.dir(name), { recursive: true })
  return { world: await makeWorld(t, places.options), places }
}

/** The source changes, so that a second dump would be another. */
function sell(world: World): void {
  const database = new DatabaseSync(join(world.folder, 'shop.db'))
  database.exec("INSERT INTO orders (item) VALUES ('one more')")
  database.close()
}

const minute = 60_000

function jump(world: World, ms: number): void {
  ;(world.context.clock as unknown as { jump(ms: number): void }).jump(ms)
}

suite('one dump, several places', () => {
  test('all take it: the same bytes and the same manifest lie in each', async (t) => {
    const names = ['disk', 'nas', 'far']
    const { world, places } = await withPlaces(t, names)
    const run = await world.backup()
    assert.deepEqual([run.state, run.backup?.storages, run.backup?.owed], ['succeeded', names, []])
    const there = await contentOf(places.dir('disk'))
    assert.equal(Object.keys(there).length, 2)
    assert.deepEqual(await contentOf(places.dir('nas')), there)
    assert.deepEqual(await contentOf(places.dir('far')), there)
    const inodes = names.map((name) => statSync(join(places.dir(name), Object.keys(there)[1]!)).ino)
    assert.equal(new Set(inodes).size, 3, 'what damages one copy does not damage another')
    await world.deliver()
    await assertWorld(world)
  })

  test('one is away: degraded, told without calling anybody, then caught up without a second dump', async (t) => {
    const { world, places } = await withPlaces(t, ['disk', 'nas'])
    places.away.add('nas')
    const run = await world.backup()
    assert.equal(run.state, 'degraded')
    assert.equal(run.fault, null)
    assert.deepEqual(run.backup?.storages, ['disk'])
    assert.deepEqual(run.backup?.owed, [{ storage: 'nas', why: 'nas does not answer' }])
    await world.deliver()
    await assertWorld(world)
    const posts = world.notifier.posts.length
    const [listed] = await world.engine.backups({ limit: 9 })
    assert.deepEqual([listed?.storages, listed?.owed], [['disk'], ['nas']])
    const [strategy] = await world.engine.strategies()
    assert.deepEqual([strategy?.failuresInARow, strategy?.lastGood?.id], [0, run.backup?.id])

    sell(world)
    assert.deepEqual(await catchUp(world), [], 'not before its time')
    jump(world, 2 * minute)
    const [failed] = await catchUp(world)
    assert.deepEqual([failed?.kind, failed?.state], ['copy', 'failed'])
    places.away.delete('nas')
    jump(world, 5 * minute)
    const [copy] = await catchUp(world)
    assert.deepEqual([copy?.state, copy?.copy?.from, copy?.copy?.to], ['succeeded', 'disk', 'nas'])
    assert.deepEqual(await contentOf(places.dir('nas')), await contentOf(places.dir('disk')))
    assert.deepEqual(await listDebts(world.context.database.read), [])

    const now = await world.engine.run(run.id)
    assert.equal(now.state, 'degraded', 'an end never changes')
    assert.deepEqual(now.backup?.storages, ['disk', 'nas'])
    assert.deepEqual(
      now.backup?.settled?.map(({ storage, why }) => [storage, why]),
      [['nas', null]],
    )
    await world.deliver()
    assert.equal(world.notifier.posts.length, posts, 'told by edits alone')
    await assertWorld(world)
    assert.equal((await world.engine.runs({ limit: 9 })).filter(({ kind }) => kind === 'backup').length, 1)
  })

  test('a place that is away for a moment is tried again from the spool, while the dump is made once', async (t) => {
    const { world, places } = await withPlaces(t, ['disk', 'nas'], {
      retry: { max_attempts: 5, delay: '10s', max_delay: '1m' },
    })
    places.away.add('nas')
    world.context.bus.watch(
      (event) => event.type === 'run.retried' && event.attempt === 2 && places.away.clear(),
    )
    const run = await world.backup()
    assert.equal(run.state, 'succeeded')
    assert.match(await world.engine.runLog(run.id), /nas: attempt 2 of 5 failed: nas does not answer/)
    assert.deepEqual(await contentOf(places.dir('nas')), await contentOf(places.dir('disk')))
    await assertWorld(world)
  })

  test('an unmounted place holds nobody up, and nothing is written into its mount point', async (t) => {
    const { world, places } = await withPlaces(t, ['disk', 'nas'])
    await world.backup()
    await rm(join(places.dir('nas'), 'easy-backup.json'))
    const before = await everythingIn(places.dir('nas'))
    const run = await world.backup()
    assert.deepEqual([run.state, run.backup?.owed.map(({ storage }) => storage)], ['degraded', ['nas']])
    assert.deepEqual(await everythingIn(places.dir('nas')), before)
  })
})

/** A place in which uploads stand still until they are let go on. */
function slow(name: string): {
  adjust: (world: World['context']) => World['context']
  open(): void
  waits: () => boolean
} {
  const opened = Promise.withResolvers<void>()
  let waiting = false
  const held = (storage: Storage): Storage => ({
    ...storage,
    async put(key, spool, options) {
      if (key.includes('/')) {
        waiting = true
        const stopped = new Promise<never>((_, reject) =>
          options.signal.addEventListener('abort', () => reject(options.signal.reason as Error), {
            once: true,
          }),
        )
        options.signal.throwIfAborted() // who was told before will not be told again
        await Promise.race([opened.promise, stopped])
      }
      return storage.put(key, spool, options)
    },
  })
  return {
    adjust: (context) => ({
      ...context,
      storages: new Map(
        [...context.storages].map(([own, storage]) => [own, own === name ? held(storage) : storage]),
      ),
    }),
    open: () => opened.resolve(),
    waits: () => waiting,
  }
}

suite('a slow place', () => {
  async function withSlow(t: TestContext, global: Record<string, unknown> = {}) {
    const folder = await makeWorldFolder(t)
    const places = severalPlaces(folder, ['disk', 'nas'], global)
    for (const name of ['disk', 'nas']) await mkdir(places.dir(name), { recursive: true })
    const gate = slow('nas')
    const world = await makeWorld(t, { ...places.options, adjust: gate.adjust })
    return { world, places, gate }
  }

  test('does not hold the other back: its manifest lies there before the slow one has a byte', async (t) => {
    const { world, places, gate } = await withSlow(t)
    const { id } = await world.engine.startBackup('shop', { trigger: 'person', actor: person })
    const end = world.finish(id)
    const isCommitted = async (): Promise<boolean> =>
      (await everythingIn(places.dir('disk'))).some((path) => path.endsWith('/manifest.json'))
    await until(isCommitted, 'the quick place has the backup')
    assert.ok(gate.waits())
    gate.open()
    assert.equal((await end).state, 'succeeded')
    await assertWorld(world)
  })

  for (const [what, timeout, why] of [
    ['stands still', { stall: '20s' }, /nothing moved to nas for 20 s/],
    ['takes longer than timeout.upload', { upload: '20s', stall: '1h' }, /longer than its limit of 20 s/],
    [
      'is not done at timeout.backup',
      { backup: '3m', stall: '1h' },
      /the backup took longer than its limit of 3 min/,
    ],
  ] as const)
    test(`that ${what} becomes owed when the other has it`, async (t) => {
      const { world } = await withSlow(t, { timeout })
      const run = await world.backup()
      assert.deepEqual([run.state, run.backup?.storages], ['degraded', ['disk']])
      assert.match(run.backup!.owed[0]!.why, why)
      await assertWorld(world)
    })

  test('cancelling takes the backup back from every place', async (t) => {
    const { world, places } = await withSlow(t)
    const { id } = await world.engine.startBackup('shop', { trigger: 'person', actor: person })
    const end = world.finish(id)
    const isCommitted = async (): Promise<boolean> =>
      (await everythingIn(places.dir('disk'))).some((path) => path.endsWith('/manifest.json'))
    await until(isCommitted, 'one place has it')
    await world.engine.cancel(id, person)
    assert.equal((await end).state, 'cancelled')
    assert.deepEqual(await everythingIn(places.dir('disk')), ['easy-backup.json'])
    await assertWorld(world)
  })
})

test('timeout.backup counts for all attempts together', async (t) => {
  const world = await makeWorld(t, {
    strategies: { shop: { database_url: 'postgres://ann:secret-word@127.0.0.1:1/shop' } },
    global: {
      retry: { max_attempts: 9, delay: '40s', max_delay: '40s' },
      timeout: { backup: '1m', stall: '1h' },
    },
  })
  const run = await world.backup()
  assert.deepEqual([run.state, run.fault?.code], ['failed', 'timed-out'])
  assert.ok(run.attempt <= 3, `attempt ${run.attempt}`)
  await assertWorld(world)
})
