import assert from 'node:assert/strict'
import { mkdir, open, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { suite, test, type TestContext } from 'node:test'
import { Fault } from '../../src/core/faults.ts'
import type { MessageBody } from '../../src/core/messages.ts'
import type { BackupView } from '../../src/core/model.ts'
import { rereadOne, type Reread } from '../../src/engine/reread.ts'
import { openRuns } from '../../src/state/runs.ts'
import type { Storage } from '../../src/storages/storage.ts'
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

/** The same place with something done differently. */
function through(
  name: string,
  change: (storage: Storage) => Partial<Storage>,
): (context: World['context']) => World['context'] {
  return (context) => {
    const storage = context.storages.get(name)!
    return {
      ...context,
      storages: new Map([...context.storages, [name, { ...storage, ...change(storage) }]]),
    }
  }
}

/** All bytes, and a connection that ends with an error. */
function torn(stream: Readable, served: (bytes: number) => void): Readable {
  const chunks = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      served(chunk.length)
      yield chunk
    }
    throw new Fault('storage-unreachable', 'reset at the end')
  }
  return Readable.from(chunks())
}

async function notices(world: World): Promise<(MessageBody & { type: 'notice' })[]> {
  await world.deliver()
  return world.notifier.posts.flatMap(({ shown }) => {
    const { body } = shown.at(-1)!
    return body.type === 'notice' ? [body] : []
  })
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
    assert.deepEqual(await said(world), [
      'object-corrupt: nothing is known against the copy in far, and restores take that one',
    ])
    const [failed] = await world.engine.runs({ limit: 1, state: 'failed' })
    assert.match(failed?.fault?.text ?? '', /^the copy in near is not good: /)
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

  test('a broken copy is proved where it is: of another place nothing is read', async (t) => {
    const places = await twoPlaces(t)
    const dumps: string[] = []
    const adjust = through('far', (far) => ({
      get: (key, options) => {
        if (key.endsWith('.gz')) dumps.push(key)
        return far.get(key, options)
      },
    }))
    const { world, clock, daily } = await scene(t, {
      ...places.options,
      adjust: (context) => adjust(places.options.adjust(context)),
    })
    const made = await daily(2)
    for (const { id } of made) await flip(places.dir('near'), id)
    dumps.length = 0
    world.context.config = { ...world.context.config, reread: { near: 1e9, far: 0 } }
    clock.jump(8 * day)
    const found = (await look(world)).map((read) => read.found)
    assert.deepEqual(found, ['broken', 'broken'])
    assert.deepEqual(dumps, [])
    assert.equal((await world.engine.strategies())[0]?.reread?.broken, 2)
  })

  test('one that cannot be read keeps to the budget, no other from its turn, and after days is told calmly', async (t) => {
    let bad = 'none'
    let served = 0
    const { world, clock, daily } = await scene(t, {
      adjust: through('disk', (disk) => ({
        get: async (key, options) =>
          key.includes(bad) && key.endsWith('.gz')
            ? torn(await disk.get(key, options), (bytes) => (served += bytes))
            : disk.get(key, options),
      })),
    })
    const [oldest, ...others] = await daily(3)
    bad = oldest!.id
    const budget = oldest!.storedBytes
    world.context.config = { ...world.context.config, reread: { disk: budget } } // one a day
    clock.jump(30 * day)
    const reads: Reread[] = []
    for (let passed = 0; passed < 6; passed++) reads.push(...(await days(world, clock, 1)).flat())
    const turns = reads.map(({ backup, found }) => `${backup === bad ? 'bad' : 'other'} ${found}`)
    assert.deepEqual(turns.slice(0, 4), ['bad away', 'other ok', 'other ok', 'bad away'])
    assert.deepEqual([...new Set(turns.slice(3))], ['bad away'], 'the others were read within a week')
    assert.ok(served > 0 && served <= 6 * budget, `${served} bytes in 6 days of ${budget}`)
    assert.equal(others.length, 2)
    const [notice, ...more] = await notices(world)
    assert.deepEqual(more, [])
    assert.equal(notice?.urgent, false)
    assert.equal(notice?.title, 'disk: a stored copy could not be read again for 3 d')
    assert.match(notice?.text ?? '', new RegExp(`${bad}: reset.*Nothing is known against it`))
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

suite('verify', () => {
  test('a copy in a place that is away is told calmly: nothing is known against it', async (t) => {
    const places = await twoPlaces(t)
    const { world, daily } = await scene(t, places.options)
    const [backup] = await daily(1)
    await rename(places.dir('far'), `${places.dir('far')}.away`)
    const verify = async () => world.finish((await world.engine.startVerify(backup!.id, 'V1', person)).id)
    assert.equal((await verify()).state, 'succeeded')
    const [away, ...others] = await notices(world)
    assert.deepEqual([away?.urgent, others], [false, []])
    assert.match(away!.text, /the copy in far could not be verified: .*The copy in near is good/)
    await rename(`${places.dir('far')}.away`, places.dir('far'))
    await flip(places.dir('far'), backup!.id)
    await verify()
    const [, broken] = await notices(world)
    assert.equal(broken?.urgent, true)
    assert.match(broken!.text, /the copy in far is not good: .*The copy in near is good/)
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
