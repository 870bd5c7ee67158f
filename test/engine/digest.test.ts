import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import type { DigestView } from '../../src/core/digest.ts'
import { tellDueDigest } from '../../src/engine/post-digest.ts'
import { slotsOf } from '../../src/state/slots.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { makeWorld, makeWorldFolder, openWorld, person, type World } from '../support/world.ts'

const weekly = { digest: { schedule: '0 9 * * 1' } }

interface Scene {
  world: World
  clock: FastClock
  /** Goes on to an instant. */
  to(at: string): void
  /** The digests that people see, oldest first. */
  told(): Promise<DigestView[]>
}

async function scene(t: TestContext, global: Record<string, unknown> = weekly): Promise<Scene> {
  const clock = fastClock(1, Date.parse('2026-11-09T08:00:00Z')) // a Monday
  const strategies = { shop: {}, crm: {}, archive: { database_url: 'sqlite:///nowhere/archive.db' } }
  const world = await makeWorld(t, { clock, global, strategies })
  await tellDueDigest(world.context) // knows the schedule from now on
  return {
    world,
    clock,
    to: (at) => clock.jump(Date.parse(at) - clock.now()),
    told: async () => digests(world),
  }
}

async function digests(world: World): Promise<DigestView[]> {
  await Promise.all([tellDueDigest(world.context), tellDueDigest(world.context)])
  await world.deliver()
  return world.notifier.posts.flatMap(({ shown }) => {
    const { body, version } = shown.at(-1)!
    if (body.type === 'digest') assert.equal(version, 1, 'a digest is written once')
    return body.type === 'digest' ? [body.digest] : []
  })
}

/** Twice as many rows. */
function grow(world: World, name: string): void {
  const database = new DatabaseSync(join(world.folder, `${name}.db`))
  database.exec(`INSERT INTO orders SELECT id + 100000, hex(randomblob(200)) FROM orders`)
  database.close()
}

suite('the digest', () => {
  test('says of a fortnight what ran, failed, was never restored, grew, and waits', async (t) => {
    const { world, to, told } = await scene(t)
    assert.deepEqual(await told(), [], 'a first start has no past')
    for (const day of ['10', '11', '12']) {
      to(`2026-11-${day}T06:00:00Z`)
      await world.backup('shop')
    }
    await world.backup('crm')
    to('2026-11-16T09:00:20Z')
    const [first] = await told()
    const message = world.notifier.posts
      .flatMap(({ shown }) => shown)
      .find(({ body }) => body.type === 'digest')
    assert.equal(message!.audience, 'digest')
    assert.deepEqual(
      [first!.sinceAt, first!.untilAt].map((at) => new Date(at).toISOString()),
      ['2026-11-09T09:00:00.000Z', '2026-11-16T09:00:00.000Z'],
    )
    assert.deepEqual({ ...first!.runs }, { ...none, succeeded: 4 })
    assert.deepEqual(first!.unproven, { shown: ['shop', 'crm'], more: 0 })
    assert.deepEqual([first!.proven, first!.oldestProof, first!.attention.shown], [0, null, []])

    to('2026-11-17T06:00:00Z')
    grow(world, 'shop')
    const { backup } = await world.backup('shop')
    await world.backup('archive')
    const file = join(world.folder, 'crm.db')
    await rename(file, `${file}.away`)
    for (let times = 0; times < 2; times++) await world.backup('crm')
    await rename(`${file}.away`, file)
    to('2026-11-18T06:00:00Z')
    await world.backup('crm')
    await world.engine.pause(['crm'], null, person)
    await restore(world, backup!.id)
    to('2026-11-23T09:00:20Z')
    const [, second, ...more] = await told()
    assert.deepEqual(more, [])
    assert.deepEqual(new Date(second!.sinceAt).toISOString(), '2026-11-16T09:00:00.000Z')
    assert.deepEqual({ ...second!.runs }, { ...none, succeeded: 2, failed: 3 })
    assert.deepEqual(
      second!.attention.shown.map(({ strategy, state, lastGoodAt }) => [strategy, state, lastGoodAt]),
      [['archive', 'failed', null]],
    )
    assert.deepEqual(second!.recovered.shown, [{ strategy: 'crm', failed: 2 }])
    assert.deepEqual(second!.paused.shown, [{ strategy: 'crm', until: null }])
    assert.deepEqual([second!.proven, second!.oldestProof!.strategy], [1, 'shop'])
    assert.deepEqual(second!.unproven.shown, ['crm'])
    const [grown, same] = second!.sizes.shown
    assert.deepEqual([grown!.strategy, same!.strategy], ['shop', 'crm'])
    assert.ok(grown!.change! > 1 && Math.abs(same!.change!) < 0.01, JSON.stringify(second!.sizes))
    const total = grown!.bytes + same!.bytes
    assert.deepEqual(second!.trend.at(-1)!.bytes, total)
    const { storedBytes, backups } = await allStored(world)
    assert.deepEqual(second!.places, [{ storage: 'disk', backups, storedBytes }])
  })

  test('each slot is told once across restarts, and of those missed while the service was away only one', async (t) => {
    const folder = await makeWorldFolder(t)
    const clock = fastClock(1, Date.parse('2026-11-09T08:00:00Z'))
    const posted: string[] = []
    const periods: [string, string][] = []
    const life = async (at: string): Promise<void> => {
      clock.jump(Date.parse(at) - clock.now())
      const world = await openWorld(folder, { clock, global: weekly })
      for (const digest of [...(await digests(world)), ...(await digests(world))].slice(0, 1)) {
        posted.push(at)
        periods.push(
          [digest.sinceAt, digest.untilAt].map((one) => new Date(one).toISOString().slice(5, 13)) as never,
        )
      }
      assert.ok(world.notifier.posts.length <= 1)
      await world.close()
    }
    for (const at of [
      '2026-11-09T09:30Z',
      '2026-11-16T08:59Z',
      '2026-11-16T09:01Z',
      '2026-11-16T09:02Z',
      '2026-11-17T09:02Z',
    ])
      await life(at)
    await life('2026-12-08T12:00Z') // away for three Mondays
    await life('2026-12-08T12:01Z')
    assert.deepEqual(posted, ['2026-11-16T09:01Z', '2026-12-08T12:00Z'])
    assert.deepEqual(periods, [
      ['11-09T09', '11-16T09'],
      ['11-16T09', '12-07T09'],
    ])
    const world = await openWorld(folder, { clock, global: weekly })
    const slots = await slotsOf(world.context.database.read, '@digest')
    assert.deepEqual(
      slots.map(({ run }) => run !== null),
      [true, false, false, true],
    )
    await world.close()
  })

  test('without one in the configuration nothing is said; a new schedule counts from now', async (t) => {
    const { world, to, told } = await scene(t, {})
    to('2026-11-30T09:01:00Z')
    assert.deepEqual(await told(), [])
    const schedule = {
      type: 'every',
      everyMs: 86_400_000,
      at: null,
      on: null,
      jitterMs: 0,
      catchUp: true,
      text: '1d',
    } as const
    world.context.config = { ...world.context.config, digest: { schedule, timezone: 'UTC' } }
    assert.deepEqual(await told(), [])
    to('2026-12-01T00:00:10Z')
    assert.equal((await told()).length, 1)
    world.context.config = {
      ...world.context.config,
      digest: { schedule: { ...schedule, everyMs: 3_600_000 }, timezone: 'UTC' },
    }
    to('2026-12-01T05:30:00Z')
    assert.equal((await told()).length, 1)
    to('2026-12-01T06:00:10Z')
    assert.equal((await told()).length, 2)
  })
})

const none = { succeeded: 0, degraded: 0, failed: 0, cancelled: 0, interrupted: 0, skipped: 0 }

async function restore(world: World, backup: string): Promise<void> {
  const ask = { backup, strategy: 'shop', targetDb: null, targetUrl: null, noOwner: false, reason: null }
  const { id, version } = await world.engine.requestRestore(ask, person)
  const { run } = await world.engine.confirm(id, version, person)
  assert.equal((await world.finish(run!)).state, 'succeeded')
}

async function allStored({ engine }: World): Promise<{ backups: number; storedBytes: number }> {
  const backups = await engine.backups({ limit: 100 })
  return { backups: backups.length, storedBytes: backups.reduce((sum, one) => sum + one.storedBytes, 0) }
}
