import assert from 'node:assert/strict'
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { BackupView } from '../../src/core/model.ts'
import { settlePins, writePin } from '../../src/engine/pins.ts'
import { pruneAll } from '../../src/engine/prune.ts'
import { listCopies } from '../../src/state/catalogue.ts'
import { changePlaces } from '../support/change-places.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { makeOld } from '../support/old-backups.ts'
import { makeWorld, makeWorldFolder, person, type World, type WorldOptions } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const day = 24 * 3_600_000
const quiet = new AbortController().signal
const retention = { max_age: '30d', min_keep: 1 }
const clara = { via: 'slack', id: 'U0CLARA' } as const

/** One backup of now and one past its time. */
async function two(
  t: TestContext,
  options: WorldOptions = {},
): Promise<{ world: World; clock: FastClock; old: string }> {
  const clock = fastClock(50)
  const world = await makeWorld(t, { clock, global: { retention }, ...options })
  await world.backup()
  const [old] = await makeOld(world, [60 * day])
  return { world, clock, old: old! }
}

const pin = (
  world: World,
  backup: string,
  until: string | null = null,
  note: string | null = 'before 2.14',
) => world.engine.pin({ backup, strategy: null, until, note }, clara)

const viewOf = async (world: World, id: string): Promise<BackupView | undefined> =>
  (await world.engine.backups({ limit: 99 })).find((view) => view.id === id)

const pruned = (world: World): Promise<number> => pruneAll(world.context, world.config.strategies[0]!, quiet)

/** Every sidecar of a backup in a place, oldest first. */
async function sidecars(world: World, id: string, storage = 'disk'): Promise<Record<string, unknown>[]> {
  const [copy] = await listCopies(world.context.database.read, { id, storage })
  const folder = join(world.context.storages.get(storage)!.location, copy!.manifest.artifacts[0]!.key, '..')
  const names = (await readdir(folder)).filter((name) => name.startsWith('pin-'))
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  const found = texts.map((text) => JSON.parse(text) as Record<string, unknown>)
  return found.toSorted((a, b) => String(a.at).localeCompare(String(b.at)))
}

async function withoutState(t: TestContext, world: World, clock: FastClock): Promise<World> {
  await world.close()
  await rm(world.stateDir, { recursive: true })
  const fresh = await makeWorld(t, { folder: world.folder, clock, global: { retention } })
  await fresh.engine.syncCatalogue()
  return fresh
}

suite('pins keep backups from retention', () => {
  test('a pinned one stays until it is unpinned; beside it lies who, why and until when', async (t) => {
    const { world, old } = await two(t)
    const { view, missing } = await pin(world, old.slice(-4))
    assert.deepEqual(missing, [])
    assert.deepEqual([view.pin?.note, view.pin?.by, view.pin?.until], ['before 2.14', clara, null])
    assert.equal(await pruned(world), 0)
    assert.deepEqual((await viewOf(world, old))?.pin, view.pin)
    const [sidecar] = await sidecars(world, old)
    const at = new Date(view.pin!.at).toISOString()
    assert.deepEqual(sidecar, {
      schema: 1,
      backup: old,
      pinned: true,
      until: null,
      note: 'before 2.14',
      by: clara,
      at,
    })
    await assertWorld(world)

    const after = await world.engine.unpin({ backup: old, strategy: null }, person)
    assert.equal(after.view.pin, null)
    assert.deepEqual(
      (await sidecars(world, old)).map(({ pinned }) => pinned),
      [true, false],
    )
    await assert.rejects(world.engine.unpin({ backup: old, strategy: null }, person), { code: 'usage' })
    assert.equal(await pruned(world), 1)
    assert.deepEqual(await world.context.database.read.selectFrom('pins').selectAll().execute(), [])
    await assertWorld(world)
  })

  test('an end is a duration, or the start of a day in the zone of the strategy; then retention decides again', async (t) => {
    const { world, clock, old } = await two(t, { global: { retention, timezone: 'America/New_York' } })
    assert.equal((await pin(world, old, '2026-12-01')).view.pin?.until, Date.parse('2026-12-01T05:00:00Z'))
    const { until, at } = (await pin(world, old, '3d')).view.pin!
    assert.ok(Math.abs(until! - at - 3 * day) < 60_000)
    assert.equal(await pruned(world), 0)
    clock.jump(3 * day + 60_000)
    assert.equal((await viewOf(world, old))?.pin, null)
    assert.equal(await pruned(world), 1)
    const [newest] = await world.engine.backups({ limit: 1 })
    for (const wrong of ['2026-11-01', 'tomorrow', '2026-13-01', '0s'])
      await assert.rejects(pin(world, newest!.id, wrong), { code: 'usage' }, wrong)
  })

  test('a later word counts, also when the clock went back in between', async (t) => {
    const { world, clock, old } = await two(t)
    await pin(world, old)
    clock.jump(-7 * day)
    await world.engine.unpin({ backup: old, strategy: null }, person)
    assert.equal((await viewOf(world, old))?.pin, null)
    const fresh = await withoutState(t, world, clock)
    assert.equal((await viewOf(fresh, old))?.pin, null)
  })

  test('a pin that arrives while others are deleted holds', async (t) => {
    let arrives = async (): Promise<unknown> => null
    const adjust = changePlaces((storage) => ({
      remove: async (key, signal) => {
        await storage.remove(key, signal)
        await arrives()
      },
    }))
    const { world, old } = await two(t, { adjust })
    await makeOld(world, [90 * day])
    arrives = () => pin(world, old)
    assert.equal(await pruned(world), 1)
    assert.ok(await viewOf(world, old))
  })

  test('a backup of another installation is not pinned from here', async (t) => {
    const { world, old } = await two(t)
    await world.context.database.write((tx) =>
      tx.updateTable('backups').set({ is_foreign: 1 }).where('id', '=', old).execute(),
    )
    await assert.rejects(pin(world, old), { code: 'usage', message: /another installation/ })
  })

  test('`run --pin` pins the backup when it succeeds', async (t) => {
    const { world, clock } = await two(t)
    const by = { trigger: 'person', actor: clara, pin: 'before 2.14' } as const
    const run = await world.finish((await world.engine.startBackup('shop', by)).id)
    const id = run.backup!.id
    const { pin: held } = (await viewOf(world, id))!
    assert.deepEqual([held?.note, held?.by, held?.until], ['before 2.14', clara, null])
    assert.equal((await sidecars(world, id)).length, 1)
    clock.jump(60 * day)
    await world.backup()
    assert.ok(await viewOf(world, id))
    await assertWorld(world)
  })

  test('`run --pin` of a backup that fails pins nothing', async (t) => {
    const { world } = await two(t)
    await rm(join(world.folder, 'shop.db'))
    const by = { trigger: 'person', actor: clara, pin: 'x' } as const
    assert.equal((await world.finish((await world.engine.startBackup('shop', by)).id)).state, 'failed')
    assert.deepEqual(await world.context.database.read.selectFrom('pins').selectAll().execute(), [])
  })
})

suite('state and places agree about pins', () => {
  test('`catalog sync` on an empty state finds every pin, its end, note and author, and what was unpinned', async (t) => {
    const { world, clock, old } = await two(t)
    const [newest] = await world.engine.backups({ limit: 1 })
    const { view } = await pin(world, old, '2027-01-01')
    await pin(world, newest!.id)
    await world.engine.unpin({ backup: newest!.id, strategy: null }, person)
    const fresh = await withoutState(t, world, clock)
    assert.deepEqual((await viewOf(fresh, old))?.pin, view.pin)
    assert.equal((await viewOf(fresh, newest!.id))?.pin, null)
    assert.equal(await pruned(fresh), 0)
    await assertWorld(fresh)
  })

  test('killed after the pin was noted, the sidecar gets there with the next look', async (t) => {
    const { world, clock, old } = await two(t)
    const [copy] = await listCopies(world.context.database.read, { id: old })
    const wanted = { until: null, note: null, by: clara }
    await world.context.database.write((tx) => writePin(world.context, tx, [copy!], wanted)) // and here it died
    await world.close()
    const later = await makeWorld(t, { folder: world.folder, clock, global: { retention } })
    assert.deepEqual(await sidecars(later, old), [])
    assert.ok((await viewOf(later, old))?.pin, 'it holds already')
    assert.deepEqual(await settlePins(later.context, quiet), [])
    assert.equal((await sidecars(later, old)).length, 1)
    await settlePins(later.context, quiet)
    assert.equal((await sidecars(later, old)).length, 1, 'written once')
  })

  test('a place that is away is told later, and the pin counts at once', async (t) => {
    const away = { is: true }
    const adjust = changePlaces((storage) => ({
      put: (...args) =>
        away.is && args[0].includes('/pin-')
          ? Promise.reject(new Error('no route to host'))
          : storage.put(...args),
    }))
    const { world, old } = await two(t, { adjust })
    const { missing, view } = await pin(world, old)
    assert.deepEqual(
      missing.map(({ storage, why }) => [storage, why]),
      [['disk', 'no route to host']],
    )
    assert.ok(view.pin)
    assert.equal(await pruned(world), 0)
    assert.deepEqual(await sidecars(world, old), [])
    away.is = false
    assert.equal(await pruned(world), 0)
    assert.equal((await sidecars(world, old)).length, 1)
  })

  test('what was unpinned while a place was away is not pinned again by what lies there', async (t) => {
    let isAway = false
    const adjust = changePlaces((storage) => ({
      put: (...args) => (isAway ? Promise.reject(new Error('no route to host')) : storage.put(...args)),
    }))
    const { world, old } = await two(t, { adjust })
    await pin(world, old)
    isAway = true
    await world.engine.unpin({ backup: old, strategy: null }, person)
    await world.engine.syncCatalogue()
    assert.equal((await viewOf(world, old))?.pin, null)
    assert.equal(await pruned(world), 1)
  })

  test('a pin that only the place knows of holds', async (t) => {
    const { world, old } = await two(t)
    await pin(world, old)
    await world.context.database.write((tx) => tx.deleteFrom('pins').execute())
    assert.equal(await pruned(world), 0)
    assert.equal((await viewOf(world, old))?.pin?.note, 'before 2.14')
  })

  test('a pin that cannot be read holds its backup', async (t) => {
    const { world, old } = await two(t)
    const [copy] = await listCopies(world.context.database.read, { id: old })
    const folder = join(world.storageDir, copy!.manifest.artifacts[0]!.key, '..')
    for (const text of ['', '{"schema":2}', '{"schema":1,"backup":"x","by":{"id":"a"},"at":"never"}']) {
      await writeFile(join(folder, 'pin-20260101T000000Z-aaaa.json'), text)
      assert.equal(await pruned(world), 0, text)
    }
    await rm(join(folder, 'pin-20260101T000000Z-aaaa.json'))
    assert.equal(await pruned(world), 1)
  })

  test('each place has the sidecar; one that got its copy later gets it with its next prune', async (t) => {
    const folder = await makeWorldFolder(t)
    const nas = join(folder, 'nas')
    await mkdir(nas)
    const storages = {
      disk: { type: 'local', path: join(folder, 'storage') },
      nas: { type: 'local', path: nas },
    }
    const { world, old } = await two(t, { folder, global: { retention, storages, storage: ['disk', 'nas'] } })
    const [newest] = await world.engine.backups({ limit: 1 })
    await pin(world, newest!.id)
    assert.deepEqual(await sidecars(world, newest!.id, 'nas'), await sidecars(world, newest!.id, 'disk'))
    await pin(world, old) // in disk only
    const [copy] = await listCopies(world.context.database.read, { id: old })
    const key = copy!.manifest.artifacts[0]!.key
    await mkdir(join(nas, key, '..'), { recursive: true })
    for (const name of [key, join(key, '..', 'manifest.json')])
      await writeFile(join(nas, name), await readFile(join(world.storageDir, name)))
    await world.engine.syncCatalogue()
    await pruned(world)
    const [there] = await sidecars(world, old, 'nas')
    assert.deepEqual([there?.pinned, there?.note, there?.by], [true, 'before 2.14', clara])
  })
})
