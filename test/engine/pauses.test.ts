import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { closeEndedPauses } from '../../src/engine/pauses.ts'
import { createScheduler } from '../../src/engine/scheduler.ts'
import { watchOverdue } from '../../src/engine/watch.ts'
import { endRun, listRuns } from '../../src/state/runs.ts'
import { slotsOf } from '../../src/state/slots.ts'
import { fakeClock } from '../support/clock.ts'
import { makeWorld, person } from '../support/world.ts'

const hour = 3_600_000
const start = Date.parse('2026-11-20T06:30:00Z')

async function scene(t: TestContext, strategies: Record<string, Record<string, unknown>> = {}) {
  const clock = fakeClock(start)
  const world = await makeWorld(t, { clock, strategies: { shop: { schedule: '1h' }, ...strategies } })
  const { context, engine } = world
  const scheduler = createScheduler(context, () => {})
  await scheduler.tick()

  /** Lets time pass as the service does, ending each run well. */
  async function pass(ms: number): Promise<void> {
    for (const until = clock.now() + ms; clock.now() < until;) {
      await clock.advance(5 * 60_000)
      await closeEndedPauses(context)
      await scheduler.tick()
      await watchOverdue(context)
      const end = { outcome: 'succeeded' as const, at: clock.now(), result: null, fault: null }
      for (const { id } of await listRuns(context.database.read, { limit: 100 }))
        await context.database.write((tx) => endRun(tx, id, end))
    }
  }
  const slots = async (strategy = 'shop'): Promise<string[]> =>
    (await slotsOf(context.database.read, strategy)).map(
      ({ at, skipped }) => `${new Date(at).toISOString().slice(11, 16)} ${skipped ?? 'ran'}`,
    )
  const notices = async (): Promise<string[]> => {
    await world.deliver()
    return world.notifier.posts
      .map(({ shown }) => shown[0]!.body)
      .flatMap((body) => (body.type === 'notice' ? [body.title] : []))
  }
  return { world, engine, clock, pass, slots, notices }
}

suite('a pause', () => {
  test('records its slots as skipped with who wanted it, and ends without a burst', async (t) => {
    const { engine, pass, slots, notices } = await scene(t)
    await pass(hour)
    await engine.pause(['shop'], null, person)
    const [paused] = await engine.strategies()
    assert.deepEqual(paused!.paused, { until: null, by: person })
    assert.equal(paused!.nextAt, null)
    assert.deepEqual(await engine.schedule(5), [])
    await pass(3 * hour)
    assert.deepEqual(await engine.resume(['shop'], person), ['shop'])
    await pass(hour)
    const skipped = ['08:00', '09:00', '10:00'].map((at) => `${at} paused by ann`)
    assert.deepEqual(await slots(), ['07:00 ran', ...skipped, '11:00 ran'])
    assert.deepEqual(await notices(), ['shop: backups paused', 'shop: backups resumed'])
    assert.deepEqual(await engine.resume(['shop'], person), [])
  })

  test('with an end is over by itself, which is said once for all that were paused together', async (t) => {
    const { engine, clock, pass, slots, notices } = await scene(t, { blog: { schedule: '1h' } })
    await engine.pause(['shop', 'blog'], clock.now() + 2 * hour, person)
    assert.equal((await engine.schedule(1))[0]!.at, Date.parse('2026-11-20T09:00:00Z'))
    await pass(3 * hour)
    assert.deepEqual(await slots(), ['07:00 paused by ann', '08:00 paused by ann', '09:00 ran'])
    assert.deepEqual(await slots('blog'), await slots())
    assert.deepEqual(await notices(), ['2 strategies paused', '2 strategies resumed'])
  })

  test('that ended while the service was down still owns its slots, and only the newest after it runs', async (t) => {
    const { world, engine, clock, slots } = await scene(t)
    await engine.pause(['shop'], clock.now() + 2 * hour, person)
    clock.jump(start + 4 * hour)
    await createScheduler(world.context, () => {}).tick()
    const [first, second, third, fourth] = await slots()
    assert.deepEqual([first, second], ['07:00 paused by ann', '08:00 paused by ann'])
    assert.match(third!, /^09:00 missed/)
    assert.equal(fourth, '10:00 ran')
  })

  test('is not called overdue, nor is lateness counted from before it', async (t) => {
    const { world, engine, pass } = await scene(t)
    await pass(hour)
    await engine.pause(['shop'], null, person)
    await pass(10 * hour)
    assert.equal((await engine.strategies())[0]!.overdueSince, null)
    await engine.resume(['shop'], person)
    assert.equal((await engine.strategies())[0]!.overdueSince, null)
    await world.deliver()
    assert.deepEqual(
      world.notifier.posts.filter(({ key }) => key.startsWith('incident/')),
      [],
    )
  })

  test('does not close an alarm that was open, and is plain in health', async (t) => {
    const { world, engine, clock } = await scene(t)
    clock.jump(start + 10 * hour)
    await watchOverdue(world.context)
    await engine.pause(['shop'], null, person)
    await watchOverdue(world.context)
    await world.deliver()
    const [alarm] = world.notifier.posts.filter(({ key }) => key.startsWith('incident/'))
    assert.deepEqual(
      alarm!.shown.map(({ body }) => body.type === 'incident' && body.incident.state),
      ['open'],
    )
    const told = (await engine.health()).strategies.last_backup_status.shop!
    assert.deepEqual([told.paused, told.next_run], [true, null])
  })

  test('lets people run what they want', async (t) => {
    const { engine } = await scene(t)
    await engine.pause(['shop'], null, person)
    const run = await engine.startBackup('shop', { trigger: 'person', actor: person })
    assert.equal(run.state, 'queued')
    await assert.rejects(engine.pause(['nothing'], null, person), { code: 'not-found' })
  })
})
