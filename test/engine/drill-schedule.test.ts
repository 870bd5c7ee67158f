import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { createDrillSchedule } from '../../src/engine/drill-schedule.ts'
import { drillSlots, nextDrillAt } from '../../src/engine/drill-slots.ts'
import { jitterFor } from '../../src/core/schedule.ts'
import { openRuns, endRun, listRuns, type Run } from '../../src/state/runs.ts'
import { slotsOf } from '../../src/state/slots.ts'
import { fakeClock, type FakeClock } from '../support/clock.ts'
import { makeWorld, makeWorldFolder, openWorld, person, type World } from '../support/world.ts'

const hour = 3_600_000
const day = 24 * hour
const start = Date.parse('2026-11-20T08:00:00Z')
const weekly = { every: '1w', on: 'sunday', at: '03:00' }

interface Scene {
  world: World
  clock: FakeClock
  /** Looks for drills that are due. */
  look(): Promise<void>
  /** Looks every so often until wall time; each drill ends at once. */
  passUntil(until: number, stepMs?: number): Promise<void>
  drills(): Promise<Run[]>
  restart(): Promise<Scene>
}

/** One strategy with a backup. */
async function scene(
  t: TestContext,
  drill: Record<string, unknown> = { schedule: weekly },
  kept?: { folder: string; clock: FakeClock },
): Promise<Scene> {
  const folder = kept?.folder ?? (await makeWorldFolder(t))
  const clock = kept?.clock ?? fakeClock(start)
  const settings = { timezone: 'Europe/Berlin', drill }
  if (!kept) await makeBackup(folder, settings)
  const world = await makeWorld(t, { folder, clock, strategies: { shop: settings } })
  const { database } = world.context
  const look = createDrillSchedule(world.context, () => {})
  async function passUntil(until: number, stepMs = hour): Promise<void> {
    while (clock.now() < until) {
      await clock.advance(Math.min(stepMs, until - clock.now()))
      await look()
      for (const { id } of await openRuns(database.read))
        await database.write((tx) =>
          endRun(tx, id, { outcome: 'succeeded', at: clock.now(), result: null, fault: null }),
        )
    }
  }
  const drills = async (): Promise<Run[]> =>
    (await listRuns(database.read, { kind: 'drill', limit: 1_000 })).toReversed()
  return { world, clock, look, passUntil, drills, restart: () => scene(t, drill, { folder, clock }) }
}

async function makeBackup(folder: string, settings: Record<string, unknown>): Promise<void> {
  const before = await openWorld(folder, { strategies: { shop: settings } })
  await before.backup()
  await before.close()
}

const times = (runs: Run[]): string[] =>
  runs.map(({ slotAt }) => new Date(slotAt!).toISOString().slice(0, 16))
const skips = async ({ world }: Scene): Promise<(string | null)[]> =>
  (await slotsOf(world.context.database.read, '@drill/shop')).map(({ skipped }) => skipped)

suite('the schedule of drills', () => {
  test('begins each slot of sixty days once, through the end of summer time and over restarts', async (t) => {
    const clock = fakeClock(Date.parse('2027-03-05T08:00:00Z')) // summer time begins on the 28th
    const folder = await makeWorldFolder(t)
    const drill = { schedule: { ...weekly, at: '02:30' } } // an hour that the 28th does not have
    await makeBackup(folder, { timezone: 'Europe/Berlin', drill })
    let here = await scene(t, drill, { folder, clock })
    await here.look()
    const until = clock.now() + 60 * day
    while (clock.now() < until) {
      await here.passUntil(clock.now() + 9 * day, 3 * hour)
      here = await here.restart()
    }
    const expected = ['03-07T01:30', '03-14T01:30', '03-21T01:30', '03-28T01:00', '04-04T00:30', '04-11T00:30', '04-18T00:30', '04-25T00:30', '05-02T00:30'] // prettier-ignore
    assert.deepEqual(
      times(await here.drills()),
      expected.map((time) => `2027-${time}`),
    )
    assert.ok((await here.drills()).every(({ params }) => params.backup !== undefined))
    assert.ok((await skips(here)).every((skipped) => skipped === null))
  })

  test('after weeks without the service one drill makes up for all, and each other slot is recorded', async (t) => {
    const here = await scene(t)
    await here.look()
    await here.clock.advance(30 * day)
    const again = await here.restart()
    await again.look()
    assert.deepEqual(
      (await again.drills()).map(({ trigger }) => trigger),
      ['catch-up'],
    )
    assert.deepEqual(
      (await skips(again)).map((skipped) => skipped !== null),
      [true, true, true, true, false],
    )
    const without = await scene(t, { schedule: { ...weekly, catch_up: false } })
    await without.look()
    await without.clock.advance(30 * day)
    await without.look()
    assert.deepEqual(await without.drills(), [])
    assert.equal((await skips(without)).length, 5)
  })

  test('a paused strategy does not drill, and makes up for nothing when it is resumed', async (t) => {
    const here = await scene(t)
    const { engine } = here.world
    await here.look()
    await engine.pause(['shop'], null, person)
    assert.equal((await engine.strategies())[0]!.drills!.nextAt, null)
    await here.passUntil(start + 10 * day)
    await engine.resume(['shop'], person)
    await here.passUntil(start + 11 * day)
    assert.deepEqual(await here.drills(), [])
    assert.deepEqual(await skips(here), ['paused by ann', 'paused by ann'])
    await here.passUntil(start + 17 * day)
    assert.equal((await here.drills()).length, 1)
  })

  test('without a good backup, and while a drill goes on, a slot is skipped with the reason', async (t) => {
    const here = await scene(t)
    await here.look()
    await here.clock.advance(3 * day)
    await here.look()
    await here.clock.advance(7 * day)
    await here.look()
    assert.deepEqual(await skips(here), [null, 'the drill before it was still going on'])
    const clock = fakeClock(start)
    const empty = await makeWorld(t, { clock, strategies: { shop: { drill: { schedule: weekly } } } })
    const look = createDrillSchedule(empty.context, () => {})
    await look()
    await clock.advance(7 * day)
    await look()
    const [slot] = await slotsOf(empty.context.database.read, '@drill/shop')
    assert.equal(slot!.skipped, 'there was no good backup to try')
  })

  test('two services on one state begin a slot once', async (t) => {
    const here = await scene(t)
    const other = await here.restart()
    await Promise.all([here.look(), other.look()])
    await here.clock.advance(3 * day)
    await Promise.all([here.look(), other.look(), here.look()])
    assert.equal((await here.drills()).length, 1)
  })

  test('the schedule and the status say when the next one begins', async (t) => {
    const { world } = await scene(t)
    const planned = await world.engine.schedule(2)
    const sunday = Date.parse('2026-11-22T02:00:00Z')
    assert.deepEqual(
      planned.map(({ kind, strategy, at }) => [kind, strategy, at]),
      [
        ['drill', 'shop', sunday],
        ['drill', 'shop', sunday + 7 * day],
      ],
    )
    const [shop] = await world.engine.strategies()
    assert.deepEqual([shop!.drills!.nextAt, shop!.drills!.last, shop!.proven], [sunday, null, null])
  })
})

test('a hundred strategies do not drill at the same minute, and one drills on time', async (t) => {
  const names = Array.from({ length: 100 }, (_, n) => `s${n}`)
  const drilled = (of: string[]) =>
    Object.fromEntries(of.map((name) => [name, { drill: { schedule: weekly } }]))
  const many = await makeWorld(t, { clock: fakeClock(start), strategies: drilled(names) })
  const sunday = Date.parse('2026-11-22T03:00:00Z')
  const starts = names.map((name) => nextDrillAt(drillSlots(many.config, name), null, start)! - sunday)
  const minutes = Map.groupBy(starts, (ms) => Math.floor(ms / 60_000))
  assert.ok(starts.every((ms) => ms >= 0 && ms < 4 * hour))
  assert.ok(Math.max(...minutes.values().map((one) => one.length)) <= 5, 'too many in one minute')
  const one = await makeWorld(t, { clock: fakeClock(start), strategies: drilled(['shop']) })
  const slots = drillSlots(one.config, 'shop')!
  assert.equal(jitterFor(slots.schedule, slots.name, sunday), 0)
})
