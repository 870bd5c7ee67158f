import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import { Fault } from '../../src/core/faults.ts'
import type { RunView } from '../../src/core/model.ts'
import { failureHint } from '../../src/commands/phrases.ts'
import { freeTempRoom, tidyKept } from '../../src/engine/kept.ts'
import { createPulse } from '../../src/engine/pulse.ts'
import { recover } from '../../src/engine/recover.ts'
import { openWhole, readWhole } from '../../src/engine/whole.ts'
import { changePlaces } from '../support/change-places.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { startPostgres } from '../support/postgres.ts'
import { catchUp, contentOf, severalPlaces, type Places } from '../support/places.ts'
import { needMount, smallDisk } from '../support/small-disk.ts'
import { fillSample, makeWorld, makeWorldFolder, person, usualSpeed, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

interface Setting {
  world: World
  places: Places
  clock: FastClock
  /** The run that no place took. */
  run: RunView
}

/** Both places were away, and the dump of `shop` is kept. */
async function withKept(t: TestContext, strategies = { shop: {} }): Promise<Setting> {
  const folder = await makeWorldFolder(t)
  const places = severalPlaces(folder, ['disk', 'nas'])
  for (const name of ['disk', 'nas']) await mkdir(places.dir(name), { recursive: true })
  const clock = fastClock(usualSpeed)
  const world = await makeWorld(t, { ...places.options, clock, strategies })
  places.away.add('disk').add('nas')
  const run = await world.backup('shop')
  return { world, places, clock, run }
}

async function retry(world: World): Promise<RunView> {
  const { id } = await world.engine.startBackup('shop', { trigger: 'retry', actor: person })
  return world.finish(id)
}

/** The source changes, so that a second dump would be another. */
function sell(world: World): void {
  const database = new DatabaseSync(join(world.folder, 'shop.db'))
  database.exec("INSERT INTO orders (item) VALUES ('one more')")
  database.close()
}

const spoolOf = (world: World, run: RunView): string => join(world.tempDir, run.id, 'spool-shop.db')

suite('a dump that no place took', () => {
  test('fails the run, is kept and said with its end; Retry sends it as it is', async (t) => {
    const { world, places, run } = await withKept(t)
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'storage-unreachable'])
    assert.match(failureHint(run)!, /is kept until 21 Nov 2026, 06:0\d: Retry/)
    const [strategy] = await world.engine.strategies()
    assert.deepEqual([strategy?.kept?.run, strategy?.kept?.until], [run.id, run.kept?.until])
    await world.deliver()
    await assertWorld(world)
    const sha256 = createHash('sha256')
      .update(await readFile(spoolOf(world, run)))
      .digest('hex')

    sell(world)
    places.away.clear()
    const again = await retry(world)
    assert.deepEqual([again.state, again.trigger, again.backupId], ['succeeded', 'retry', run.kept?.backup])
    const { manifest } = await world.engine.backup(again.backupId!, null)
    assert.equal(manifest.artifacts[0]!.sha256, sha256)
    assert.equal(manifest.tables!.find(({ name }) => name.endsWith('orders'))!.rows, 500)
    assert.deepEqual(await contentOf(places.dir('nas')), await contentOf(places.dir('disk')))
    assert.equal((await world.engine.run(run.id)).kept, null)
    assert.deepEqual(await readdir(world.tempDir), [])
    await world.deliver()
    await assertWorld(world)
  })

  test('that no place takes at Retry either stays kept, for that run', async (t) => {
    const { world, run } = await withKept(t)
    const again = await retry(world)
    assert.deepEqual([again.state, again.kept?.backup], ['failed', run.kept?.backup])
    assert.equal((await world.engine.run(run.id)).kept, null)
    await assertWorld(world)
  })

  test('goes when a new backup takes its place', async (t) => {
    const { world, places, run } = await withKept(t)
    places.away.clear()
    const next = await world.backup()
    assert.equal(next.state, 'succeeded')
    assert.notEqual(next.backupId, run.kept?.backup)
    assert.equal((await world.engine.run(run.id)).kept, null)
    assert.deepEqual(await readdir(world.tempDir), [])
    await assertWorld(world)
  })

  test('survives a restart; after a day it goes, and nothing promises it any more', async (t) => {
    const { world, clock, run } = await withKept(t)
    await recover(world.context)
    await tidyKept(world.context)
    assert.deepEqual(await readdir(world.tempDir), [run.id])
    clock.jump(24 * 3_600_000)
    await tidyKept(world.context)
    assert.deepEqual(await readdir(world.tempDir), [])
    const now = await world.engine.run(run.id)
    assert.deepEqual([now.state, now.kept, failureHint(now)], ['failed', null, run.fault!.hint])
    await world.deliver()
    await assertWorld(world)
  })

  test('makes room when temp_dir is short of space, the oldest first', async (t) => {
    const { world, run } = await withKept(t, { shop: {}, other: {} } as never)
    const other = await world.backup('other')
    assert.ok(run.kept && other.kept)
    assert.equal(await freeTempRoom(world.context, 0), 0)
    assert.deepEqual((await readdir(world.tempDir)).length, 2)
    assert.equal(await freeTempRoom(world.context, Number.MAX_SAFE_INTEGER), 2)
    assert.ok(
      world.logged.findIndex((line) => line.includes(run.id) && line.includes('short of space')) <
        world.logged.findIndex((line) => line.includes(other.id) && line.includes('short of space')),
    )
    await assertWorld(world)
  })

  test('that was damaged meanwhile is not sent: Retry dumps again, and says so', async (t) => {
    const { world, places, run } = await withKept(t)
    const bytes = await readFile(spoolOf(world, run))
    bytes[bytes.length >> 1]! ^= 1
    await writeFile(spoolOf(world, run), bytes)
    places.away.clear()
    const again = await retry(world)
    assert.equal(again.state, 'succeeded')
    assert.notEqual(again.backupId, run.kept?.backup)
    assert.match(await world.engine.runLog(again.id), /is not what was written; dumping again/)
    await assertWorld(world)
  })

  test('stays when another run meets a place that is full', async (t) => {
    const folder = await makeWorldFolder(t)
    const places = severalPlaces(folder, ['disk', 'nas'])
    for (const name of ['disk', 'nas']) await mkdir(places.dir(name), { recursive: true })
    const clock = fastClock(usualSpeed)
    let isFull = false
    const fill = changePlaces(({ name, put }) => ({
      put: async (...given) => {
        if (isFull && name === 'nas')
          throw new Fault('disk-full', 'storing in nas failed: no space left on the disk')
        return put(...given)
      },
    }))
    const adjust = (context: World['context']): World['context'] => fill(places.options.adjust(context))
    const world = await makeWorld(t, { ...places.options, clock, adjust, strategies: { shop: {}, crm: {} } })
    places.away.add('nas')
    assert.equal((await world.backup('crm')).state, 'degraded')
    places.away.add('disk')
    const shop = await world.backup('shop')
    assert.ok(shop.kept)
    places.away.clear()
    isFull = true
    clock.jump(3_600_000)
    const [copy] = await catchUp(world)
    assert.deepEqual([copy?.state, copy?.fault?.code], ['failed', 'disk-full'])
    assert.deepEqual((await world.engine.run(shop.id)).kept, shop.kept)
    await assertWorld(world)
  })

  for (const state of ['interrupted', 'cancelled'] as const)
    test(`whose Retry is ${state} while it is read ${state === 'cancelled' ? 'goes' : 'stays kept'}`, async (t) => {
      const { world, places, run } = await withKept(t)
      places.away.clear()
      const { id } = await world.engine.startBackup('shop', { trigger: 'retry', actor: person })
      const stop = new AbortController()
      const { write } = world.context.database
      world.context.database.write = async (work) => {
        const isTaken = existsSync(join(world.tempDir, id, 'spool-shop.db'))
        if (isTaken) stop.abort(new Fault(state, 'it was stopped'))
        return write(work)
      }
      await world.worker.runOne(id, stop.signal)
      const again = await world.engine.run(id)
      assert.deepEqual(
        [again.state, again.kept?.backup],
        [state, state === 'cancelled' ? undefined : run.kept!.backup],
      )
      assert.equal((await world.engine.run(run.id)).kept, null)
      assert.deepEqual(await contentOf(places.dir('disk')), {})
      await assertWorld(world)
      if (state === 'cancelled') return
      const last = await retry(world)
      assert.deepEqual([last.state, last.backupId], ['succeeded', run.kept!.backup])
      await assertWorld(world)
    })

  test('may take longer to be read than timeout.stall: reading it is a sign of life', async (t) => {
    const { world, run } = await withKept(t)
    const folder = join(world.tempDir, run.id)
    const moved: [string, number][] = []
    const pulse = createPulse(world.context.clock, {
      stallMs: 60_000,
      expectedBytes: null,
      onBeat: () => undefined,
      processorTicks: () => 0,
    })
    t.after(() => pulse.stop())
    const spools = await openWhole(world.context, folder, {
      whole: (await readWhole(folder))!,
      pulse: { ...pulse, moved: (mover, bytes) => void moved.push([mover, bytes]) },
      signal: new AbortController().signal,
    })
    for (const spool of spools.values()) await spool.close()
    assert.deepEqual(moved.at(-1), ['digest', run.kept!.bytes])
  })

  test('that was cut off by somebody is nobody’s promise', async (t) => {
    const { world, run } = await withKept(t)
    await writeFile(spoolOf(world, run), 'cut')
    await tidyKept(world.context)
    assert.equal((await world.engine.run(run.id)).kept, null)
    await assertWorld(world)
  })

  test('lies there without a password of its database', async (t) => {
    const postgres = await startPostgres()
    t.after(() => postgres.close())
    await fillSample(postgres, 'shop', 10)
    const folder = await makeWorldFolder(t)
    const places = severalPlaces(folder, ['disk'])
    await mkdir(places.dir('disk'), { recursive: true })
    const world = await makeWorld(t, { ...places.options, postgres })
    places.away.add('disk')
    const run = await world.backup()
    assert.ok(run.kept)
    assert.deepEqual((await readdir(join(world.tempDir, run.id))).toSorted(), [
      'owner.json',
      'spool-shop.dump',
      'whole.json',
    ])
    await assertWorld(world)
  })

  test('gives way when temp_dir is full, and the new backup is tried once more', needMount, async (t) => {
    const folder = await makeWorldFolder(t)
    const places = severalPlaces(folder, ['disk'])
    await mkdir(places.dir('disk'), { recursive: true })
    const world = await makeWorld(t, { ...places.options, tempDir: await smallDisk(t, '5600k') })
    const shop = new DatabaseSync(join(folder, 'shop.db'))
    shop.exec('CREATE TABLE noise AS SELECT randomblob(1500000) AS bytes') // two scratch copies and a spool have room, beside a kept one not
    shop.close()
    places.away.add('disk')
    const run = await world.backup()
    assert.ok(run.kept)
    places.away.clear()
    const next = await world.backup()
    assert.deepEqual([next.state, next.attempt], ['succeeded', 1])
    assert.match(
      await world.engine.runLog(next.id),
      /temp_dir is full: the oldest kept dump was deleted, trying once more/,
    )
    assert.equal((await world.engine.run(run.id)).kept, null)
    await assertWorld(world)
  })
})
