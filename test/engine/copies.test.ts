import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { listDebts } from '../../src/state/owed.ts'
import { bytesSpool } from '../../src/sys/spool.ts'
import type { FastClock } from '../support/fast-clock.ts'
import { fastClock } from '../support/fast-clock.ts'
import { catchUp, contentOf, severalPlaces, type Places } from '../support/places.ts'
import { makeWorld, makeWorldFolder, person, usualSpeed, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const hour = 3_600_000
const quiet = new AbortController().signal

interface Setting {
  world: World
  places: Places
  clock: FastClock
}

/** Places `disk` and `far` answer, `nas` does not: each backup is owed to it. */
async function withDebt(
  t: TestContext,
  storage: unknown[],
  global: Record<string, unknown> = {},
): Promise<Setting> {
  const folder = await makeWorldFolder(t)
  const places = severalPlaces(folder, ['disk', 'far', 'nas'], { storage, ...global })
  for (const name of ['disk', 'far', 'nas']) await mkdir(places.dir(name), { recursive: true })
  const clock = fastClock(usualSpeed)
  const world = await makeWorld(t, { ...places.options, clock })
  places.away.add('nas')
  return { world, places, clock }
}

async function spoil(world: World, backup: string, place: string): Promise<void> {
  const { manifest } = await world.engine.backup(backup, null)
  const path = join(place, manifest.artifacts[0]!.key)
  const bytes = await readFile(path)
  bytes[bytes.length >> 1]! ^= 1
  await chmod(path, 0o600)
  await writeFile(path, bytes)
}

suite('a copy run', () => {
  test('takes verdicts and pins along, the manifest last', async (t) => {
    const { world, places, clock } = await withDebt(t, ['disk', 'nas'])
    const { backup } = await world.backup()
    await world.finish((await world.engine.startVerify(backup!.id, 'V2', person)).id)
    const { manifest } = await world.engine.backup(backup!.id, null)
    const folder = manifest.artifacts[0]!.key.replace(/[^/]+$/, '')
    const pin = bytesSpool(Buffer.from('{"schema":1}\n'))
    await world.context.storages
      .get('disk')!
      .put(`${folder}pin-20261120T060000Z-aaaa.json`, pin, { ifAbsent: true, signal: quiet })
    places.away.clear()
    clock.jump(hour)
    const [copy] = await catchUp(world)
    assert.equal(copy?.state, 'succeeded')
    const there = await contentOf(places.dir('nas'))
    assert.deepEqual(there, await contentOf(places.dir('disk')))
    assert.equal(Object.keys(there).length, 4)
    await assertWorld(world)
  })

  test('is not made where that place would not keep the backup; the debt ends with the reason', async (t) => {
    const { world, places, clock } = await withDebt(t, [
      'disk',
      { name: 'nas', retention: { keep_last: 1, min_keep: 1 } },
    ])
    const old = await world.backup()
    assert.equal(old.state, 'degraded')
    places.away.clear()
    clock.jump(60_000)
    assert.equal((await world.backup()).state, 'succeeded')
    clock.jump(hour)
    assert.deepEqual(await catchUp(world), [], 'nothing is copied')
    assert.deepEqual(await listDebts(world.context.database.read), [])
    const [settled] = (await world.engine.run(old.id)).backup!.settled!
    assert.match(settled!.why!, /^nas would not keep it: /)
    assert.equal(Object.keys(await contentOf(places.dir('nas'))).length, 2)
    await assertWorld(world)
  })

  test('is made of a pinned backup, whatever else the place would keep', async (t) => {
    const { world, places, clock } = await withDebt(t, [
      'disk',
      { name: 'nas', retention: { keep_daily: 1, min_keep: 1 } },
    ])
    const old = await world.backup()
    const pin = { backup: old.backupId!, strategy: null, until: null, note: 'before 2.14' }
    await world.engine.pin(pin, person)
    places.away.clear()
    clock.jump(60_000)
    assert.equal((await world.backup()).state, 'succeeded')
    clock.jump(hour)
    assert.deepEqual(
      (await catchUp(world)).map(({ state }) => state),
      ['succeeded'],
    )
    assert.deepEqual((await world.engine.run(old.id)).backup?.storages, ['disk', 'nas'])
    await assertWorld(world)
  })

  test('of a corrupt copy takes the other good place, and marks the corrupt one', async (t) => {
    const { world, places, clock } = await withDebt(t, ['disk', 'far', 'nas'])
    const { backup } = await world.backup()
    await spoil(world, backup!.id, places.dir('disk'))
    places.away.clear()
    clock.jump(hour)
    const [copy] = await catchUp(world)
    assert.deepEqual([copy?.state, copy?.copy?.from, copy?.fault], ['succeeded', 'far', null])
    const copies = await world.context.database.read
      .selectFrom('backups')
      .select(['storage', 'corrupt'])
      .where('corrupt', 'is not', null)
      .execute()
    assert.deepEqual(
      copies.map(({ storage }) => storage),
      ['disk'],
    )
    await assertWorld(world)
  })

  test('of nothing but corrupt copies says so, puts nothing, and the debt ends', async (t) => {
    const { world, places, clock } = await withDebt(t, ['disk', 'nas'])
    const run = await world.backup()
    await spoil(world, run.backup!.id, places.dir('disk'))
    places.away.clear()
    clock.jump(hour)
    const [copy] = await catchUp(world)
    assert.deepEqual([copy?.state, copy?.fault?.code], ['failed', 'object-corrupt'])
    assert.match(copy!.fault!.text, /no good copy could be read \(disk: /)
    assert.deepEqual(await contentOf(places.dir('nas')), {})
    clock.jump(3 * hour)
    assert.deepEqual(await catchUp(world), [])
    const [settled] = (await world.engine.run(run.id)).backup!.settled!
    assert.match(settled!.why!, /no good copy is left/)
    await assertWorld(world)
  })

  test('of a place that stays away is tried with growing pauses, one for all that it owes', async (t) => {
    const { world, clock } = await withDebt(t, ['disk', 'nas'])
    for (let backups = 1; backups <= 3; backups++) await world.backup()
    clock.jump(2 * 60_000)
    assert.equal((await catchUp(world)).length, 1)
    assert.deepEqual(await catchUp(world), [], 'the others wait with it')
    clock.jump(hour)
    assert.equal((await catchUp(world)).length, 1)
    const tries = (await listDebts(world.context.database.read)).map((debt) => debt.tries)
    assert.deepEqual(tries, [2, 0, 0])
    await assertWorld(world)
  })

  test('finds what a lost answer left there, and takes it for what it is', async (t) => {
    const { world, places, clock } = await withDebt(t, ['disk', 'nas'])
    const { backup } = await world.backup()
    const { manifest } = await world.engine.backup(backup!.id, null)
    const { key } = manifest.artifacts[0]!
    await mkdir(join(places.dir('nas'), key, '..'), { recursive: true })
    await writeFile(join(places.dir('nas'), key), await readFile(join(places.dir('disk'), key)))
    places.away.clear()
    clock.jump(hour)
    assert.equal((await catchUp(world))[0]?.state, 'succeeded')
    assert.deepEqual(await contentOf(places.dir('nas')), await contentOf(places.dir('disk')))
    await assertWorld(world)
  })

  test('meets somebody else’s object: it stays as it is, and the place still owes', async (t) => {
    const { world, places, clock } = await withDebt(t, ['disk', 'nas'])
    const { backup } = await world.backup()
    const { manifest } = await world.engine.backup(backup!.id, null)
    const path = join(places.dir('nas'), manifest.artifacts[0]!.key)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, 'somebody else')
    places.away.clear()
    clock.jump(hour)
    assert.equal((await catchUp(world))[0]?.fault?.code, 'storage-exists')
    assert.equal(await readFile(path, 'utf8'), 'somebody else')
    assert.equal((await listDebts(world.context.database.read)).length, 1)
  })

  test('does not keep the next backup of its series waiting', async (t) => {
    const { world, places, clock } = await withDebt(t, ['disk', 'nas'])
    await world.backup()
    places.away.clear()
    clock.jump(hour)
    const copying = catchUp(world)
    const next = await world.backup()
    assert.equal(next.state, 'succeeded')
    assert.equal((await copying)[0]?.state, 'succeeded')
    await assertWorld(world)
  })
})
