import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { createScheduler, type Scheduler } from '../../src/engine/scheduler.ts'
import { createService } from '../../src/engine/service.ts'
import { messagesUnder } from '../../src/state/messages.ts'
import { endRun, listRuns, type Run } from '../../src/state/runs.ts'
import { slotsOf } from '../../src/state/slots.ts'
import { fakeClock, type FakeClock } from '../support/clock.ts'
import { fastClock } from '../support/fast-clock.ts'
import { makeWorld, makeWorldFolder, openWorld, type World } from '../support/world.ts'

const hour = 3_600_000
const day = 24 * hour
const year = 365 * day
const start = Date.parse('2026-11-20T06:30:00Z')
const at = (text: string): number => Date.parse(`2026-11-${text}:00Z`)

interface Scene {
  world: World
  clock: FakeClock
  scheduler: Scheduler
  /** A new process on the same state. */
  restart(): Promise<Scene>
  /** All backups so far, oldest first; each is ended as succeeded. */
  ran(): Promise<Run[]>
}

async function scene(
  t: TestContext,
  strategy: Record<string, unknown> = { schedule: '6h' },
  kept?: { folder: string; clock: FakeClock },
): Promise<Scene> {
  const folder = kept?.folder ?? (await makeWorldFolder(t))
  const clock = kept?.clock ?? fakeClock(start)
  const world = await makeWorld(t, { folder, clock, strategies: { shop: strategy } })
  const scheduler = createScheduler(world.context, () => {})
  async function ran(): Promise<Run[]> {
    const { database } = world.context
    const runs = await listRuns(database.read, { limit: 5_000 })
    const end = { outcome: 'succeeded' as const, at: clock.now(), result: null, fault: null }
    for (const run of runs) await database.write((tx) => endRun(tx, run.id, end))
    return runs.toReversed()
  }
  return { world, clock, scheduler, ran, restart: () => scene(t, strategy, { folder, clock }) }
}

/** Ticks every `stepMs` until wall time, ending each run at once. */
async function passUntil(
  { clock, scheduler, ran }: Scene,
  until: number,
  stepMs = 15 * 60_000,
): Promise<void> {
  while (clock.now() < until) {
    await clock.advance(Math.min(stepMs, until - clock.now()))
    await scheduler.tick()
    await ran()
  }
}

const slots = async ({ ran }: Scene): Promise<(number | null)[]> => (await ran()).map((run) => run.slotAt)
const skips = async ({ world }: Scene): Promise<number[]> =>
  (await slotsOf(world.context.database.read, 'shop')).filter(({ skipped }) => skipped).map((slot) => slot.at)

suite('each slot at most once, none silently lost (promise 8)', () => {
  test('a first start has no past: nothing is caught up', async (t) => {
    const here = await scene(t)
    await here.scheduler.tick()
    assert.deepEqual(await slots(here), [])
    assert.deepEqual(await skips(here), [])
  })

  test('each slot of two days runs once, however often one looks', async (t) => {
    const here = await scene(t)
    await here.scheduler.tick()
    await passUntil(here, at('22T06:00'), 4 * 60_000)
    const runs = await here.ran()
    assert.deepEqual(
      runs.map((run) => run.slotAt),
      ['20T12', '20T18', '21T00', '21T06', '21T12', '21T18', '22T00', '22T06'].map((text) =>
        at(`${text}:00`),
      ),
    )
    assert.ok(runs.every((run) => run.trigger === 'schedule'))
  })

  test('two schedulers on one state start a slot once', async (t) => {
    const here = await scene(t)
    const other = await here.restart()
    await Promise.all([here.scheduler.tick(), other.scheduler.tick()])
    await here.clock.advance(6 * hour)
    await Promise.all([here.scheduler.tick(), other.scheduler.tick(), other.scheduler.tick()])
    assert.deepEqual(await slots(here), [at('20T12:00')])
  })

  test('after downtime one slot is caught up, and each other one is recorded as skipped', async (t) => {
    const here = await scene(t)
    await here.scheduler.tick()
    await here.clock.advance(2 * day)
    const again = await here.restart()
    await again.scheduler.tick()
    const runs = await again.ran()
    assert.deepEqual(
      runs.map((run) => [run.slotAt, run.trigger]),
      [[at('22T06:00'), 'catch-up']],
    )
    assert.equal((await skips(again)).length, 7)
    await again.scheduler.tick()
    assert.equal((await again.ran()).length, 1)
  })

  test('a state that cannot be written at the start ends nothing: the next pass begins', async (t) => {
    const { world, clock, scheduler, ran } = await scene(t)
    const { database } = world.context
    const { write } = database
    database.write = () => Promise.reject(new Error('database or disk is full'))
    await scheduler.tick()
    assert.equal(scheduler.lastTickAt(), null)
    database.write = write
    await scheduler.tick()
    await clock.advance(6 * hour)
    await scheduler.tick()
    assert.deepEqual(
      (await ran()).map((run) => run.slotAt),
      [at('20T12:00')],
    )
  })

  test('without catch_up all missed slots are skipped, with the reason', async (t) => {
    const here = await scene(t, { schedule: { every: '6h', catch_up: false } })
    await here.scheduler.tick()
    await here.clock.advance(2 * day)
    const again = await here.restart()
    await again.scheduler.tick()
    assert.deepEqual(await slots(again), [])
    const settled = await slotsOf(again.world.context.database.read, 'shop')
    assert.equal(settled.length, 8)
    assert.match(settled.at(-1)!.skipped!, /catch_up is off/)
  })

  test('a machine that slept through its only slot catches it up, or skips it without catch_up', async (t) => {
    for (const [catchUp, expected] of [
      [true, ['catch-up']],
      [false, []],
    ] as const) {
      const here = await scene(t, { schedule: { every: '1d', at: '08:00', catch_up: catchUp } })
      await here.scheduler.tick()
      await here.clock.advance(8 * hour)
      await here.scheduler.tick()
      assert.deepEqual(
        (await here.ran()).map((run) => run.trigger),
        expected,
      )
    }
  })

  test('a restart never moves a slot', async (t) => {
    let here = await scene(t, { schedule: '5h' })
    await here.scheduler.tick()
    const expected = await scene(t, { schedule: '5h' })
    await expected.scheduler.tick()
    await passUntil(expected, start + 2 * day)
    for (let moment = 0; moment < 16; moment++) {
      await passUntil(here, here.clock.now() + 3 * hour)
      here = await here.restart()
      await here.scheduler.tick()
    }
    assert.deepEqual(await slots(here), await slots(expected))
  })

  test('a backup that still runs makes its next slot a skip with the reason', async (t) => {
    const here = await scene(t)
    await here.scheduler.tick()
    await here.clock.advance(6 * hour)
    await here.scheduler.tick()
    await here.clock.advance(6 * hour)
    await here.scheduler.tick()
    assert.equal((await listRuns(here.world.context.database.read, { limit: 10 })).length, 1)
    const settled = await slotsOf(here.world.context.database.read, 'shop')
    assert.match(settled.at(-1)!.skipped!, /still running/)
    assert.equal(settled.at(-1)!.at, at('20T18:00'))
  })
})

test('after downtime what is caught up is not called overdue as well', async (t) => {
  const folder = await makeWorldFolder(t)
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const options = { folder, strategies: Object.fromEntries(names.map((name) => [name, { schedule: '6h' }])) }
  const before = await openWorld(folder, { ...options, clock: fakeClock(start) })
  await createScheduler(before.context, () => {}).tick()
  await before.close()
  const world = await makeWorld(t, { ...options, clock: fastClock(50, start + 2 * day) })
  const { database } = world.context
  const service = await createService(world.context, 'serve')
  const over = new AbortController()
  const leading = service.lead(over.signal, () => {})
  while ((await listRuns(database.read, { state: 'succeeded', limit: 9 })).length < names.length)
    await new Promise((next) => setTimeout(next, 5))
  over.abort(new Error('stopped'))
  await leading
  assert.deepEqual(await messagesUnder(database.read, 'incident/'), [])
})

suite('whatever the clock does (promise 8)', () => {
  test('an hour back never runs a slot again', async (t) => {
    const here = await scene(t)
    await here.scheduler.tick()
    await passUntil(here, at('20T12:10'))
    here.clock.jump(at('20T11:10'))
    await passUntil(here, at('20T18:30'))
    assert.deepEqual(await slots(here), [at('20T12:00'), at('20T18:00')])
  })

  test('an hour forward loses no slot', async (t) => {
    const here = await scene(t)
    await here.scheduler.tick()
    here.clock.jump(at('20T12:20'))
    await passUntil(here, at('20T18:30'))
    assert.deepEqual(await slots(here), [at('20T12:00'), at('20T18:00')])
  })

  test('ten years forward start one backup, and back again every slot runs when its time comes', async (t) => {
    const here = await scene(t)
    await here.scheduler.tick()
    here.clock.jump(start + 10 * year)
    const begun = process.cpuUsage()
    await here.scheduler.tick()
    assert.ok(process.cpuUsage(begun).user < 5e6)
    assert.deepEqual(
      (await here.ran()).map((run) => run.trigger),
      ['catch-up'],
    )
    assert.ok((await skips(here)).includes(at('20T12:00')), 'the oldest stands for those that are not listed')
    here.clock.jump(start + 60_000)
    await passUntil(here, at('21T00:30'))
    const runs = (await here.ran()).slice(1)
    assert.deepEqual(
      runs.map((run) => run.slotAt),
      [at('20T12:00'), at('20T18:00'), at('21T00:00')],
    )
  })

  test('1970 and back loses nothing and runs nothing twice', async (t) => {
    const here = await scene(t)
    await here.scheduler.tick()
    await passUntil(here, at('20T12:10'))
    here.clock.jump(1_000)
    await here.scheduler.tick()
    await passUntil(here, 2 * hour)
    here.clock.jump(at('20T12:20'))
    await passUntil(here, at('20T18:30'))
    const after = (await slots(here)).filter((slot) => slot! > year)
    assert.deepEqual(after, [at('20T12:00'), at('20T18:00')])
  })
})

test('a thousand strategies are looked through in under a second', async (t) => {
  const clock = fakeClock(start)
  const strategies = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, i) => [
      `s${i}`,
      {
        schedule: i % 2 ? '6h' : '30 2 * * *',
        timezone: 'Europe/Berlin',
        database_url: `sqlite:///nowhere/${i}.db`,
      },
    ]),
  )
  const world = await makeWorld(t, { clock, strategies })
  const scheduler = createScheduler(world.context, () => {})
  await scheduler.tick()
  await clock.advance(60_000)
  const begun = process.cpuUsage()
  await scheduler.tick()
  const { user, system } = process.cpuUsage(begun)
  t.diagnostic(`${Math.round((user + system) / 1000)} ms of CPU time`)
  assert.ok(user + system < 1_000_000)
})
