import assert from 'node:assert/strict'
import { rm, mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { IncidentNote, IncidentView } from '../../src/core/incidents.ts'
import { createScheduler } from '../../src/engine/scheduler.ts'
import { tendIncidents, watchOverdue } from '../../src/engine/watch.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { severalPlaces } from '../support/places.ts'
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
const minute = 60_000
const other = { via: 'slack', id: 'U0BOB0001' } as const

/** How people see incidents: one line per thread, its head and the notes below it. */
async function threads(world: World): Promise<string[]> {
  await world.deliver()
  const heads = world.notifier.posts.filter(({ key }) => /^incident\/[^/]+$/.test(key))
  return heads.map(({ key, receipt, shown }) => {
    const { body } = shown.at(-1)!
    const below = world.notifier.posts.filter(({ parent }) => parent === receipt)
    const notes = below.map(({ shown: [note] }) =>
      note!.body.type === 'incident.note' ? note!.body.note : '?',
    )
    assert.ok(body.type === 'incident', key)
    const { kind, where, state, quiet } = body.incident
    return `${kind} ${where} ${state}${quiet ? ' quiet' : ''}: ${notes.join(' ')}`.replace(/: $/, '')
  })
}

const notes = async (world: World): Promise<IncidentNote[]> => {
  await world.deliver()
  return world.notifier.posts.flatMap(({ shown: [first] }) =>
    first!.body.type === 'incident.note' ? [first!.body.note] : [],
  )
}

interface Scene {
  world: World
  clock: FastClock
  fail(): Promise<void>
  /** The file is there again: from now on backups work. */
  mend(): Promise<void>
  look(): Promise<void>
}

const broken = { database_url: 'sqlite:///nowhere/shop.db' }

async function scene(t: TestContext, options: WorldOptions = {}): Promise<Scene> {
  const clock = fastClock(50)
  const world = await makeWorld(t, { clock, ...options })
  const file = join(world.folder, 'shop.db')
  return {
    world,
    clock,
    fail: async () => {
      await rename(file, `${file}.away`).catch(() => undefined)
      assert.equal((await world.backup('shop')).state, 'failed')
    },
    mend: () => rename(`${file}.away`, file),
    look: async () => {
      await watchOverdue(world.context)
      await tendIncidents(world.context)
    },
  }
}

suite('failures in a row are one incident', () => {
  test('thirty failures and a recovery: one thread, and people are called five times', async (t) => {
    const { world, clock, fail, mend } = await scene(t)
    for (let count = 0; count < 30; count++) {
      await fail()
      await world.deliver()
      clock.jump(hour)
    }
    const [open] = await world.engine.incidents()
    assert.deepEqual([open!.failures, open!.members[0]!.failures], [30, 30])
    await mend()
    await world.backup('shop')
    await world.backup('shop')
    // called by the head, then for the 3rd, 6th, 12th and 24th failure; the recovery calls nobody
    assert.deepEqual(await threads(world), ['series shop recovered: again again again again recovered'])
    assert.deepEqual(await world.engine.incidents(), [])
    const [, ...edits] = world.notifier.posts.find(({ key }) => /^incident\/[^/]+$/.test(key))!.shown
    assert.equal(edits.length, 30) // each failure, and the end
    await assertWorld(world)
  })

  test('the thread of each run still says that it failed, and calls nobody', async (t) => {
    const { world, fail } = await scene(t)
    await fail()
    await world.deliver()
    const [run] = await world.engine.runs({ limit: 1 })
    const [alarm] = world.notifier.seen(`run/${run!.id}/alarm`)
    assert.ok(alarm!.body.type === 'run.alarm' && alarm!.body.quiet)
    assert.equal(alarm!.body.run.incident, (await world.engine.incidents())[0]!.id)
  })

  test('a new failure after a recovery is a new incident', async (t) => {
    const { world, fail, mend } = await scene(t)
    await fail()
    await mend()
    await world.backup('shop')
    await fail()
    assert.deepEqual(await threads(world), ['series shop recovered: recovered', 'series shop open'])
  })

  test('failing and overdue is one incident; that it is past its age is said once', async (t) => {
    const { world, clock, fail, mend, look } = await scene(t, { global: { schedule: '6h' } })
    await createScheduler(world.context, () => {}).tick()
    await world.backup('shop')
    await fail()
    clock.jump(10 * hour)
    await look()
    await look()
    await fail()
    assert.deepEqual(await threads(world), ['series shop open: late'])
    assert.ok((await world.engine.incidents())[0]!.members[0]!.overdueSince)
    await mend()
    await world.backup('shop')
    await look()
    assert.deepEqual(await threads(world), ['series shop recovered: late recovered'])
  })

  test('what was overdue first and fails then stays one incident', async (t) => {
    const { world, clock, fail, look } = await scene(t, { global: { schedule: '6h' } })
    await createScheduler(world.context, () => {}).tick()
    clock.jump(10 * hour)
    await look()
    for (let count = 0; count < 3; count++) await fail()
    assert.deepEqual(await threads(world), ['series shop open: again'])
  })

  test('a strategy that is no longer configured is in no incident', async (t) => {
    const folder = (await makeWorld(t, { strategies: { shop: broken } })).folder
    const world = await openWorld(folder, { strategies: { shop: broken } })
    await world.backup('shop')
    await world.close()
    const later = await makeWorld(t, { folder, strategies: { more: {} } })
    assert.equal((await later.engine.incidents()).length, 1)
    await tendIncidents(later.context)
    assert.deepEqual(await later.engine.incidents(), [])
  })
})

suite('what many have in common is one incident', () => {
  const many = (count: number): Record<string, Record<string, unknown>> =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        `s${index}`,
        { database_url: `sqlite:///nowhere/s${index}.db` },
      ]),
    )

  test('thirty strategies that fail for one reason: one incident, one call', async (t) => {
    const strategies = many(30)
    const { world } = await scene(t, { strategies })
    for (const name of Object.keys(strategies)) await world.backup(name)
    const [incident, ...others] = await world.engine.incidents()
    assert.deepEqual([incident!.kind, incident!.troubled, others], ['shared', 30, []])
    // parts of it were never seen: whoever shows incidents does not want them (see the announcer)
    const heads = (await threads(world)).filter((thread) => !thread.includes('joined'))
    assert.deepEqual(heads, [`shared ${world.context.host} open`])
    await assertWorld(world)
  })

  test('when the first was told before, its thread goes on as the thread of all, and calls once more', async (t) => {
    const strategies = many(6)
    const { world } = await scene(t, { strategies })
    for (const name of Object.keys(strategies)) {
      await world.backup(name)
      await world.deliver()
    }
    const [head, ...parts] = await threads(world)
    assert.equal(head, `shared ${world.context.host} open: spread`)
    assert.deepEqual(parts, ['series s1 joined quiet', 'series s2 joined quiet', 'series s3 joined quiet'])
  })

  test('it closes when none of them fails any more, and says so once', async (t) => {
    const { world } = await scene(t, { strategies: many(5) })
    const all = world.config.strategies.map(({ name }) => name)
    for (const name of all) await world.backup(name)
    const good = await makeWorld(t, {
      folder: world.folder,
      strategies: Object.fromEntries(all.map((name) => [name, {}])),
    })
    for (const name of all.slice(1)) await good.backup(name)
    const [still] = await good.engine.incidents()
    assert.deepEqual([still!.troubled, still!.everTroubled], [1, 5])
    await good.backup(all[0])
    assert.deepEqual(await good.engine.incidents(), [])
    assert.deepEqual(
      (await notes(good)).filter((note) => note === 'recovered'),
      ['recovered'],
    )
  })

  test('failures that are far apart have an incident each', async (t) => {
    const strategies = many(6)
    const { world, clock } = await scene(t, { strategies })
    for (const name of Object.keys(strategies)) {
      await world.backup(name)
      clock.jump(16 * minute)
    }
    assert.deepEqual(
      (await world.engine.incidents()).map(({ kind, quiet }) => [kind, quiet]),
      Array.from({ length: 6 }, () => ['series', false]),
    )
  })

  test('a place that is away is one incident from the first failure on', async (t) => {
    const { world } = await scene(t, { strategies: { shop: {}, crm: {} } })
    await world.backup('shop')
    await rm(join(world.storageDir, 'easy-backup.json'))
    await rename(world.storageDir, `${world.storageDir}.away`)
    await mkdir(world.storageDir)
    for (const name of ['shop', 'crm', 'shop']) assert.equal((await world.backup(name)).state, 'failed')
    assert.deepEqual(await threads(world), ['place disk open'])
    const [place] = await world.engine.incidents()
    assert.deepEqual(
      place!.members.map(({ strategy, failures }) => [strategy, failures]),
      [
        ['shop', 2],
        ['crm', 1],
      ],
    )
  })

  test('a backup that one place owes is the trouble of that place, and calls nobody at first', async (t) => {
    const folder = await makeWorldFolder(t)
    const places = severalPlaces(folder, ['disk', 'nas'])
    for (const name of ['disk', 'nas']) await mkdir(places.dir(name), { recursive: true })
    const { world, look } = await scene(t, places.options)
    places.away.add('nas')
    assert.equal((await world.backup('shop')).state, 'degraded')
    assert.deepEqual(await threads(world), ['place nas open quiet'])
    await look()
    assert.equal((await world.engine.incidents()).length, 1)
    await world.context.database.write((tx) => tx.deleteFrom('owed').execute())
    await look()
    assert.deepEqual(await threads(world), ['place nas recovered quiet: recovered'])
  })
})

suite('whoever looks after it stops the calls', () => {
  async function failing(t: TestContext): Promise<Scene & { incident: IncidentView }> {
    const one = await scene(t)
    await one.fail()
    await one.world.deliver()
    return { ...one, incident: (await one.world.engine.incidents())[0]! }
  }

  test('an acknowledgement counts once, also after a restart, and its failures call nobody', async (t) => {
    const { world, fail, incident } = await failing(t)
    const { acknowledged, acts } = await world.engine.acknowledge({ what: incident.id }, other)
    assert.deepEqual([acknowledged!.by, acts], [other, 1])
    const later = await makeWorld(t, { folder: world.folder })
    const again = later.engine.acknowledge({ what: 'shop', acts: incident.acts }, person)
    await assert.rejects(again, { code: 'stale', message: 'already acknowledged by @U0BOB0001' })
    for (let count = 0; count < 6; count++) await fail()
    assert.deepEqual(await notes(world), [])
  })

  test('of two who act at the same time, one does', async (t) => {
    const { world, incident } = await failing(t)
    const { engine } = world
    const ask = { what: incident.id, acts: incident.acts }
    const both = await Promise.allSettled([engine.acknowledge(ask, other), engine.acknowledge(ask, person)])
    assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    const { acts } = await engine.incident('shop')
    const snoozes = [1, 2].map((hours) =>
      engine.snooze({ what: incident.id, acts, until: hours * hour }, person),
    )
    const ends = await Promise.allSettled(snoozes)
    assert.deepEqual(ends.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  })

  test('past its promised age people are called all the same', async (t) => {
    const { world, clock, fail, look } = await scene(t, { global: { schedule: '6h' } })
    await createScheduler(world.context, () => {}).tick()
    await fail()
    await world.engine.acknowledge({ what: 'shop' }, person)
    clock.jump(10 * hour)
    await look()
    assert.deepEqual(await notes(world), ['late'])
    assert.equal((await world.engine.incident('shop')).acknowledged, null)
  })

  test('a snooze ends by itself, and what still fails is said then', async (t) => {
    const { world, clock, fail, look } = await failing(t)
    await world.engine.snooze({ what: 'shop', until: clock.now() + 4 * hour }, person)
    for (let count = 0; count < 5; count++) await fail()
    clock.jump(3 * hour)
    await look()
    assert.deepEqual(await notes(world), [])
    clock.jump(hour)
    await look()
    await look()
    assert.deepEqual(await notes(world), ['awake'])
  })

  test('a snooze until the next run ends with that', async (t) => {
    const { world, fail } = await failing(t)
    await world.engine.snooze({ what: 'shop', until: null }, person)
    await fail()
    assert.deepEqual(await notes(world), ['awake'])
    assert.equal((await world.engine.incident('shop')).snoozed, null)
  })

  test('what is over cannot be acknowledged', async (t) => {
    const { world, mend, incident } = await failing(t)
    await mend()
    await world.backup('shop')
    await assert.rejects(world.engine.acknowledge({ what: incident.id }, person), { code: 'stale' })
    await assert.rejects(world.engine.acknowledge({ what: 'shop' }, person), { code: 'not-found' })
  })
})
