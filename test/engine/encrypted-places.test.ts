import assert from 'node:assert/strict'
import { mkdir, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { pruneAll } from '../../src/engine/prune.ts'
import { syncCatalogue } from '../../src/engine/catalogue.ts'
import { fastClock } from '../support/fast-clock.ts'
import { filesIn, makeKey, toRecipients, verify } from '../support/encrypted.ts'
import { catchUp, contentOf, severalPlaces, type Places } from '../support/places.ts'
import { makeWorld, makeWorldFolder, usualSpeed, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const dayMs = 24 * 60 * 60_000

async function twoPlaces(t: TestContext) {
  const folder = await makeWorldFolder(t)
  const key = makeKey(folder, 'elsewhere')
  const retention = { max_age: '30d', min_keep: 1 }
  const places = severalPlaces(folder, ['disk', 'nas'], { encryption: toRecipients(key), retention })
  for (const name of ['disk', 'nas']) await mkdir(places.dir(name))
  const clock = fastClock(usualSpeed)
  const world = await makeWorld(t, { ...places.options, clock })
  return { world, places, clock, key }
}

const namesIn = (places: Places, name: string): string[] =>
  filesIn(places.dir(name)).map((file) => basename(file))

async function made(world: World): Promise<string> {
  const run = await world.backup()
  assert.ok(run.backup, run.fault?.text ?? '')
  return run.backup.id
}

suite('the second object of an encrypted backup', () => {
  test('is copied to a place that was away, without any key', async (t) => {
    const { world, places, clock, key } = await twoPlaces(t)
    places.away.add('nas')
    const id = await made(world)
    places.away.clear()
    clock.jump(dayMs)
    const [copied] = await catchUp(world)
    assert.equal(copied?.state, 'succeeded', copied?.fault?.text ?? '')
    assert.deepEqual(await contentOf(places.dir('nas')), await contentOf(places.dir('disk')))
    assert.equal((await verify(world, id, key.file)).verify?.level, 'V2')
    await world.deliver()
    await assertWorld(world)
  })

  test('goes with its backup, after the manifest, from every place', async (t) => {
    const { world, places, clock } = await twoPlaces(t)
    const old = await made(world)
    clock.jump(40 * dayMs)
    const id = await made(world)
    const strategy = world.context.config.strategies[0]!
    await pruneAll(world.context, strategy, new AbortController().signal)
    for (const name of ['disk', 'nas']) {
      const left = filesIn(places.dir(name))
      assert.deepEqual(
        left.filter((file) => file.includes(old)),
        [],
      )
      assert.equal(left.filter((file) => file.includes(id)).length, 3)
    }
    await assertWorld(world)
  })

  test('is missed by the catalogue and by retention when somebody removed it', async (t) => {
    const { world, places } = await twoPlaces(t)
    const id = await made(world)
    const gone = filesIn(places.dir('nas')).find((file) => basename(file).startsWith('details'))!
    await rm(gone)
    await syncCatalogue(world.context)
    const { manifest } = await world.engine.backup(id, null)
    const copies = await world.context.database.read.selectFrom('backups').selectAll().execute()
    const corrupt = Object.fromEntries(copies.map((copy) => [copy.storage, copy.corrupt]))
    assert.deepEqual(corrupt, { disk: null, nas: `${manifest.details!.key} is gone` })
    assert.ok(namesIn(places, 'disk').includes(basename(gone)))
  })
})
