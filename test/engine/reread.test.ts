import assert from 'node:assert/strict'
import { mkdir, open, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { BackupView } from '../../src/core/model.ts'
import { rereadOne, type Reread } from '../../src/engine/reread.ts'
import { openRuns } from '../../src/state/runs.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { severalPlaces, type Places } from '../support/places.ts'
import {
  makeWorld,
  makeWorldFolder,
  openWorld,
  person,
  type World,
  type WorldOptions,
} from '../support/world.ts'
import { assertWorld } from '../world.ts'

const hour = 3_600_000
const day = 24 * hour
const never = new AbortController().signal

interface Scene {
  world: World
  clock: FastClock
  /** One backup a day, oldest first. */
  daily(count: number): Promise<BackupView[]>
}

async function scene(t: TestContext, options: WorldOptions = {}): Promise<Scene> {
  const clock = fastClock(50)
  const world = await makeWorld(t, { clock, ...options })
  return {
    world,
    clock,
    daily: async (count) => {
      for (let made = 0; made < count; made++) {
        assert.match((await world.backup()).state, /succeeded/)
        clock.jump(day)
      }
      return (await world.engine.backups({ limit: count })).toReversed()
    },
  }
}

async function twoPlaces(t: TestContext): Promise<Places> {
  const places = severalPlaces(await makeWorldFolder(t), ['near', 'far'])
  for (const name of ['near', 'far']) await mkdir(places.dir(name), { recursive: true })
  return places
}

/** What the service does in an hour: reads what is due, and carries out what is queued. */
async function look(world: World): Promise<Reread[]> {
  const reads: Reread[] = []
  for (;;) {
    const read = await rereadOne(world.context, never)
    for (const { id } of await openRuns(world.context.database.read)) await world.finish(id)
    if (read === null) return reads
    reads.push(read)
  }
}

async function days(world: World, clock: FastClock, count: number): Promise<Reread[][]> {
  const all: Reread[][] = []
  for (let passed = 0; passed < count; passed++) {
    const reads: Reread[] = []
    for (let at = 0; at < 24; at += 6) {
      reads.push(...(await look(world)))
      clock.jump(6 * hour)
    }
    all.push(reads)
  }
  return all
}

/** One bit of the dump of a backup. */
async function flip(folder: string, id: string): Promise<void> {
  const files = await readdir(folder, { recursive: true })
  const name = files.find((file) => file.includes(id) && file.endsWith('.gz'))
  assert.ok(name, `no dump of ${id}`)
  const file = await open(join(folder, name), 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, 200)
  byte[0]! ^= 4
  await file.write(byte, 0, 1, 200)
  await file.close()
}

const said = async (world: World): Promise<string[]> => {
  await world.deliver()
  return world.notifier.posts.flatMap(({ shown }) => {
    const { body } = shown.at(-1)!
    if (body.type === 'run.alarm') return [`${body.run.fault?.code}: ${body.run.fault?.hint}`]
    return body.type === 'notice' ? [body.text] : []
  })
}

suite('stored backups are read again by themselves', () => {
  test('a flipped bit is found within days, told with the next older good one, and not offered', async (t) => {
    const { world, clock, daily } = await scene(t)
    const [oldest, middle, newest] = await daily(3)
    await flip(world.storageDir, middle!.id)
    const reads = (await days(world, clock, 8)).flat()
    assert.deepEqual(
      reads.map(({ backup, found }) => [backup, found]),
      [
        [oldest!.id, 'ok'],
        [middle!.id, 'broken'],
        [newest!.id, 'ok'],
      ],
    )
    const [text, ...others] = await said(world)
    assert.match(text!, new RegExp(`^object-corrupt: it is not offered for restore any more; the next older good one is ${oldest!.id}, \\d+ d ago, the newest ${newest!.id}, \\d+ d ago$`)) // prettier-ignore
    assert.deepEqual(others, [])
    const views = await world.engine.backups({ limit: 3 })
    assert.deepEqual(
      views.map(({ corrupt }) => corrupt !== null),
      [false, true, false],
    )
    const ask = { backup: middle!.id, strategy: null, targetDb: null, targetUrl: null, noOwner: false, reason: null } // prettier-ignore
    await assert.rejects(world.engine.requestRestore(ask, person), { code: 'object-corrupt' })
    const sidecars = await readdir(world.storageDir, { recursive: true })
    assert.equal(sidecars.filter((file) => /verdict-.*\.json$/.test(file)).length, 1)
    const [strategy] = await world.engine.strategies()
    assert.equal(strategy?.reread?.broken, 1)
    assert.deepEqual(
      (await days(world, clock, 8)).flat().map(({ backup }) => backup),
      [oldest!.id, newest!.id],
    )
    await assertWorld(world)
  })

  test('of a copy that is broken in one place the other is told, and it can be restored', async (t) => {
    const places = await twoPlaces(t)
    const { world, clock, daily } = await scene(t, places.options)
    const [backup] = await daily(1)
    await flip(places.dir('near'), backup!.id)
    await days(world, clock, 8)
    assert.match((await said(world)).join(), /the copy in near is not good: .*The copy in far is good, and restores take that one/) // prettier-ignore
    assert.equal((await world.engine.backups({ limit: 1 }))[0]?.corrupt, null)
    assert.equal((await world.engine.strategies())[0]?.reread?.broken, 1)
  })

  test('a day reads no more than its budget, evenly, and a time without the service is not made up for', async (t) => {
    const { world, clock, daily } = await scene(t)
    const made = await daily(6)
    const bytes = made[0]!.storedBytes
    world.context.config = { ...world.context.config, reread: { disk: Math.ceil(2.2 * bytes) } } // two a day
    clock.jump(60 * day) // away
    const reads = await days(world, clock, 3)
    assert.deepEqual(
      reads.map(({ length }) => length),
      [2, 2, 2],
    )
    const order = reads.flat().map(({ backup }) => backup)
    assert.deepEqual(
      order,
      made.map(({ id }) => id),
      'the longest unread goes first',
    )
    assert.deepEqual((await days(world, clock, 2)).flat(), [], 'all were read within a week')
  })

  test('what was read is still known after a restart', async (t) => {
    const folder = await makeWorldFolder(t)
    const clock = fastClock(50)
    const first = await openWorld(folder, { clock })
    for (let made = 0; made < 3; made++) {
      await first.backup()
      clock.jump(day)
    }
    clock.jump(10 * day)
    const [{ storedBytes }] = (await first.engine.backups({ limit: 1 })) as [BackupView]
    const reread = { disk: Math.ceil(1.1 * storedBytes) } // one a day
    first.context.config = { ...first.context.config, reread }
    const one = await look(first)
    await first.close()
    const second = await makeWorld(t, { folder, clock })
    second.context.config = { ...second.context.config, reread }
    assert.deepEqual(await look(second), [], 'the pause goes on')
    clock.jump(day)
    const two = await look(second)
    assert.deepEqual([one.length, two.length], [1, 1])
    assert.notEqual(one[0]!.backup, two[0]!.backup)
  })

  test('a place that cannot be read is no corruption, and is tried again', async (t) => {
    const { world, clock, daily } = await scene(t)
    await daily(1)
    clock.jump(8 * day)
    await rename(world.storageDir, `${world.storageDir}.away`)
    assert.deepEqual(
      (await look(world)).map(({ found }) => found),
      ['away'],
    )
    await rename(`${world.storageDir}.away`, world.storageDir)
    assert.deepEqual(await look(world), [])
    clock.jump(hour)
    assert.deepEqual(
      (await look(world)).map(({ found }) => found),
      ['ok'],
    )
    assert.deepEqual(await said(world), [])
    assert.equal((await world.engine.backups({ limit: 1 }))[0]?.corrupt, null)
  })

  test('nothing is read while a backup waits or runs, and a paused strategy is read all the same', async (t) => {
    const { world, clock, daily } = await scene(t)
    await daily(1)
    clock.jump(8 * day)
    const { id } = await world.engine.startBackup('shop', { trigger: 'person', actor: person })
    assert.equal(await rereadOne(world.context, never), null)
    await world.finish(id)
    await world.engine.pause(['shop'], null, person)
    assert.equal((await rereadOne(world.context, never))?.found, 'ok')
  })

  test('without a budget nothing is read', async (t) => {
    const { world, clock, daily } = await scene(t, { global: { verify: { budget: 'off' } } })
    await daily(1)
    clock.jump(30 * day)
    assert.equal(await rereadOne(world.context, never), null)
  })
})

suite('verify --all', () => {
  test('every copy is read; what is broken fails the run and is named, what is away only degrades it', async (t) => {
    const places = await twoPlaces(t)
    const { world, daily } = await scene(t, places.options)
    const [first, second] = await daily(2)
    const all = async () => world.finish((await world.engine.startVerifyAll('shop', 'V1', person)).id)
    const good = await all()
    assert.equal(good.state, 'succeeded')
    assert.deepEqual([good.verify?.all?.backups, good.verify?.all?.copies], [2, 4])
    places.away.add('far')
    const degraded = await all()
    assert.deepEqual([degraded.state, degraded.fault?.code], ['degraded', 'storage-unreachable'])
    assert.equal(degraded.verify?.all?.unread.length, 2)
    places.away.clear()
    for (const name of ['near', 'far']) await flip(places.dir(name), second!.id)
    const failed = await all()
    assert.deepEqual([failed.state, failed.fault?.code], ['failed', 'object-corrupt'])
    assert.deepEqual(
      failed.verify?.all?.broken.map(({ backup, storage }) => [backup, storage]),
      [
        [second!.id, 'near'],
        [second!.id, 'far'],
      ],
    )
    assert.match(failed.fault?.hint ?? '', new RegExp(`the newest good one is ${first!.id}`))
    const again = await all()
    assert.deepEqual([again.state, again.verify?.all?.knownBroken], ['succeeded', 2])
    await assertWorld(world)
  })
})
