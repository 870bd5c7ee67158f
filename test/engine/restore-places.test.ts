import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { suite, test, type TestContext } from 'node:test'
import type { RunView } from '../../src/core/model.ts'
import type { RestoreAsk } from '../../src/engine/facade.ts'
import { stateOf } from '../../src/commands/attention.ts'
import { makeWorld, makeWorldFolder, person, type World } from '../support/world.ts'

const latest: RestoreAsk = {
  backup: 'latest',
  strategy: 'shop',
  targetDb: null,
  targetUrl: null,
  noOwner: false,
  reason: null,
}

/** One dump in two folders. */
async function twoPlaces(t: TestContext, folder?: string): Promise<World> {
  const own = folder ?? (await makeWorldFolder(t))
  for (const name of ['storage', 'second']) mkdirSync(join(own, name), { recursive: true })
  return makeWorld(t, {
    folder: own,
    global: {
      storages: {
        disk: { type: 'local', path: join(own, 'storage') },
        nas: { type: 'local', path: join(own, 'second') },
      },
      storage: ['disk', 'nas'],
    },
  })
}

function objectIn(world: World, place: string, key: string): string {
  return join(world.folder, place === 'disk' ? 'storage' : 'second', key)
}

async function spoil(world: World, id: string, place: string): Promise<void> {
  const { manifest } = await world.engine.backup(id, null)
  const path = objectIn(world, place, manifest.artifacts[0]!.key)
  const bytes = readFileSync(path)
  bytes[Math.floor(bytes.length / 2)]! ^= 1
  writeFileSync(path, bytes)
}

async function restore(world: World, ask = latest): Promise<RunView> {
  const { id, version } = await world.engine.requestRestore(ask, person)
  return world.finish((await world.engine.confirm(id, version, person)).run!)
}

async function handedOut(world: World, id: string): Promise<{ bytes: Buffer; notes: string[] }> {
  const sink = new PassThrough()
  const bytes = buffer(sink)
  const signal = new AbortController().signal
  const notes = await world.engine.get(id, { decompress: true, file: null, signal }, sink)
  sink.end()
  return { bytes: await bytes, notes }
}

suite('a copy that is broken or away is passed over for the next place’s', () => {
  test('a corrupt copy: restored from the other place, which is said, and the corrupt one is marked', async (t) => {
    const world = await twoPlaces(t)
    const id = (await world.backup()).backup!.id
    await spoil(world, id, 'disk')
    const { bytes, notes } = await handedOut(world, id)
    assert.equal(bytes.toString('latin1', 0, 13), 'SQLite format')
    assert.match(notes.join(), /the copy in disk could not be used: .*SHA-256/)
    const run = await restore(world)
    assert.deepEqual([run.fault, run.restore?.rows], [null, 502])
    assert.match(
      run.restore!.warnings.join(),
      /copy in disk could not be used: .*SHA-256.*it was taken from nas/,
    )
    const { plan } = await world.engine.planRestore(latest, person)
    assert.match(plan.warnings.join(), /the copy in disk is broken: /)
    assert.equal((await world.engine.backup(id, null)).view.corrupt, null, 'it is good as a whole')
  })

  test('a place that is away: restored from the other, and nothing is marked', async (t) => {
    const world = await twoPlaces(t)
    const id = (await world.backup()).backup!.id
    renameSync(join(world.folder, 'storage'), join(world.folder, 'unmounted'))
    const run = await restore(world)
    assert.deepEqual([run.fault, run.restore?.rows], [null, 502])
    assert.match(run.restore!.warnings.join(), /copy in disk could not be used: .*not there/)
    renameSync(join(world.folder, 'unmounted'), join(world.folder, 'storage'))
    const { plan } = await world.engine.planRestore({ ...latest, backup: id }, person)
    assert.deepEqual(plan.warnings, [])
  })

  test('verify reads every copy: one that is broken is told, and the good one counts', async (t) => {
    const world = await twoPlaces(t)
    const id = (await world.backup()).backup!.id
    await spoil(world, id, 'nas')
    const run = await world.finish((await world.engine.startVerify(id, 'V1', person)).id)
    assert.deepEqual([run.state, run.verify?.storage], ['succeeded', 'disk'])
    assert.match(run.verify!.warnings!.join(), /copy in nas is not good: .*SHA-256/)
    await world.deliver()
    const [notice] = world.notifier.seen(`notice/copy/${id}`)
    assert.match(JSON.stringify(notice), /The copy in disk is good/)
  })

  test('when no copy can be used, all are named', async (t) => {
    const world = await twoPlaces(t)
    const id = (await world.backup()).backup!.id
    await spoil(world, id, 'disk')
    await spoil(world, id, 'nas')
    const run = await restore(world)
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'object-corrupt'])
    assert.match(run.fault!.text, /copy in disk .*copy in nas /)
  })
})

test('the newest is broken: plan and answer say that an older one is taken, and why', async (t) => {
  const world = await makeWorld(t)
  const older = (await world.backup()).backup!.id
  const newer = (await world.backup()).backup!.id
  const { manifest } = await world.engine.backup(newer, null)
  rmSync(join(world.storageDir, manifest.artifacts[0]!.key))
  await world.finish((await world.engine.startVerify(newer, 'V1', person)).id)
  const note = new RegExp(
    `the newest, ${newer}, is not offered \\(.*is not stored here.*\\); this is the newest good one`,
  )
  assert.match((await world.engine.backup('latest', 'shop')).note!, note)
  const run = await restore(world)
  assert.equal(run.restore?.backup, older)
  assert.match(run.restore!.warnings.join(), new RegExp(`${newer}.*not offered`))
})

suite('catalog sync on an empty machine', () => {
  async function lostHost(t: TestContext): Promise<{ world: World; again: World; ids: string[] }> {
    const world = await twoPlaces(t)
    const ids = [(await world.backup()).backup!.id, (await world.backup()).backup!.id]
    await spoil(world, ids[0]!, 'disk')
    await spoil(world, ids[0]!, 'nas')
    await world.finish((await world.engine.startVerify(ids[0]!, 'V1', person)).id)
    await world.close()
    rmSync(world.stateDir, { recursive: true })
    return { world, ids, again: await twoPlaces(t, world.folder) }
  }

  test('brings back the same backups with both places and verdicts, as the same installation', async (t) => {
    const { again, ids } = await lostHost(t)
    assert.deepEqual(await again.engine.backups({ limit: 9 }), [])
    const reports = await again.engine.syncCatalogue()
    assert.deepEqual(
      reports.map(({ storage, found, foreign, failed }) => [storage, found, foreign, failed]),
      [
        ['disk', 2, 0, null],
        ['nas', 2, 0, null],
      ],
    )
    const backups = await again.engine.backups({ limit: 9 })
    assert.deepEqual(
      backups.map(({ id, storages, foreign, corrupt }) => [
        id,
        storages.toSorted(),
        foreign,
        corrupt !== null,
      ]),
      [
        [ids[1], ['disk', 'nas'], false, false],
        [ids[0], ['disk', 'nas'], false, true],
      ],
    )
    assert.equal((await restore(again)).restore?.backup, ids[1])
  })

  test('status does not say never beside a backup that is good', async (t) => {
    const { again } = await lostHost(t)
    await again.engine.syncCatalogue()
    const [shop] = await again.engine.strategies()
    assert.equal(stateOf(shop!), 'succeeded')
    const { strategies } = await again.engine.health()
    assert.equal(strategies.last_backup_status.shop!.status, 'success')
    assert.notEqual(strategies.last_backup_status.shop!.last_run, null)
  })

  test('a place that cannot be read is told, and does not spoil the other', async (t) => {
    const { again, ids } = await lostHost(t)
    renameSync(join(again.folder, 'storage'), join(again.folder, 'unmounted'))
    const reports = await again.engine.syncCatalogue()
    assert.deepEqual(
      reports.map(({ storage, found, failed }) => [storage, found, failed?.code ?? null]),
      [
        ['disk', 0, 'storage-missing'],
        ['nas', 2, null],
      ],
    )
    assert.deepEqual(
      (await again.engine.backups({ limit: 9 })).map(({ id, storages, foreign }) => [id, storages, foreign]),
      ids.toReversed().map((id) => [id, ['nas'], false]),
    )
    renameSync(join(again.folder, 'second'), join(again.folder, 'gone'))
    await assert.rejects(again.engine.syncCatalogue(), { code: 'storage-missing' })
    assert.equal((await again.engine.backups({ limit: 9 })).length, 2, 'what was known stays')
  })

  test('another installation’s backups are listed as foreign, can be restored, and are no backup of ours', async (t) => {
    const theirs = await makeWorld(t)
    const id = (await theirs.backup()).backup!.id
    const ours = await makeWorld(t)
    await ours.backup()
    const both = await makeWorld(t, {
      folder: ours.folder,
      global: {
        storages: {
          disk: { type: 'local', path: ours.storageDir },
          shared: { type: 'local', path: theirs.storageDir },
        },
        storage: ['disk'],
        retention: '1s',
      },
    })
    await both.engine.syncCatalogue()
    const found = (await both.engine.backups({ limit: 9 })).find((backup) => backup.id === id)!
    assert.deepEqual([found.foreign, found.storages], [true, ['shared']])
    assert.equal((await restore(both, { ...latest, backup: id })).restore?.backup, id)
    const [shop] = await both.engine.strategies()
    assert.notEqual(shop!.lastGood?.id, id)
  })
})
