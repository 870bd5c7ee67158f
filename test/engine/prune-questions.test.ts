import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { Fault } from '../../src/core/faults.ts'
import { manifestName } from '../../src/core/keys.ts'
import type { PruneRequestView } from '../../src/core/model.ts'
import { sayJudgement } from '../../src/core/retention.ts'
import { prune } from '../../src/engine/prune.ts'
import { endOverdue } from '../../src/engine/requests/overdue.ts'
import { findAnyRequest } from '../../src/state/requests.ts'
import { changePlaces } from '../support/change-places.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { makeOld } from '../support/old-backups.ts'
import { makeWorld, person, type World, type WorldOptions } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const day = 24 * 3_600_000
const quiet = new AbortController().signal
const boss = { via: 'slack', id: 'U0BOSS' } as const

function pass(world: World): ReturnType<typeof prune> {
  return prune(world.context, world.config.strategies[0]!, 'shop', quiet)
}

const ids = async (world: World): Promise<string[]> =>
  (await world.engine.backups({ limit: 99 })).map(({ id }) => id)

suite('a pass that would delete much asks first', () => {
  const retention = { max_age: '30d', min_keep: 2 }

  /** Eight of ten are past their time; the newest is made last, and so its prune has asked. */
  async function much(
    t: TestContext,
    options: WorldOptions = {},
  ): Promise<{ world: World; clock: FastClock }> {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock, global: { retention }, ...options })
    await world.backup()
    await makeOld(
      world,
      Array.from({ length: 8 }, (_, index) => (60 + index) * day),
    )
    clock.jump(day)
    assert.equal((await world.backup()).state, 'succeeded')
    return { world, clock }
  }

  const questions = async ({ context }: World): Promise<PruneRequestView[]> => {
    const rows = await context.database.read
      .selectFrom('requests')
      .select('id')
      .orderBy('created_at')
      .execute()
    const found = await Promise.all(rows.map(({ id }) => findAnyRequest(context.database.read, id)))
    return found.map((one) => one!.view as PruneRequestView)
  }

  test('nothing goes; the question is asked once, says why, and changes with the list', async (t) => {
    const { world } = await much(t)
    assert.equal((await ids(world)).length, 10)
    const [asked, ...others] = await questions(world)
    assert.deepEqual(others, [])
    assert.deepEqual([asked!.state, asked!.version, asked!.requester.via], ['waiting', 1, 'service'])
    assert.deepEqual([asked!.plan.count, asked!.plan.total], [8, 10])
    assert.deepEqual(asked!.plan.summary, ['8 older than 30d'])
    await pass(world)
    assert.deepEqual(await questions(world), [asked], 'the same list is the same question')
    await world.deliver()
    const [card, ...more] = world.notifier.posts.filter(({ key }) => key.startsWith('request/'))
    assert.deepEqual(more, [])
    const seen = card!.shown.at(-1)!
    assert.ok(seen.audience === 'approvals' && seen.body.type === 'request.card')
    assert.equal(world.logged.filter((line) => line.includes('old backups wait for an answer')).length, 1)
    const [shop] = await world.engine.strategies()
    assert.deepEqual(shop!.asks, [
      { storage: 'disk', series: 'shop', count: 8, total: 10, request: asked!.id },
    ])
    await assertWorld(world)
  })

  test('a quarter, or three of whatever, goes without a question', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock, global: { retention } })
    await world.backup()
    await makeOld(world, [50 * day, 60 * day, 70 * day])
    await world.backup()
    assert.equal((await ids(world)).length, 2)
    assert.deepEqual(await questions(world), [])
  })

  test('confirmed, exactly those go that are still to go; twice is explained', async (t) => {
    const { world } = await much(t)
    const [asked] = await questions(world)
    const oldest = asked!.plan.deletions[0]!.id
    await world.engine.pin({ backup: oldest, strategy: null, until: null, note: null }, person)
    const fresh = (await world.backup()).backup!.id // and its prune changes the list
    const [now] = await questions(world)
    await assert.rejects(world.engine.confirm(asked!.id, asked!.version, boss), { code: 'stale' })
    const late = now!.plan.deletions.at(-1)!.id
    await world.engine.pin({ backup: late, strategy: null, until: null, note: null }, person)
    const { run } = await world.engine.confirm(now!.id, now!.version, boss)
    await assert.rejects(world.engine.confirm(now!.id, now!.version, boss), {
      code: 'stale',
      message: /already started by @U0BOSS/,
    })
    const ended = await world.finish(run!)
    assert.equal(ended.state, 'succeeded')
    assert.deepEqual(ended.prune, {
      storage: 'disk',
      asked: 7,
      deleted: 6,
      why: 'retention keeps the others now',
    })
    const left = await ids(world)
    assert.ok([oldest, late, fresh].every((id) => left.includes(id)))
    assert.equal(left.length, 5)
    assert.equal((await questions(world))[0]!.state, 'done')
    await assertWorld(world)
  })

  test('what became due after the confirmation is nobody’s answer yet', async (t) => {
    const { world } = await much(t)
    const [asked] = await questions(world)
    const { run } = await world.engine.confirm(asked!.id, asked!.version, boss)
    const [late] = await makeOld(world, [90 * day])
    assert.equal((await world.finish(run!)).prune?.deleted, 8)
    assert.ok((await ids(world)).includes(late!))
  })

  test('confirmed while frozen, nothing goes and the run says why', async (t) => {
    let isAway = false
    const adjust = changePlaces((storage) => ({
      list: (...args) => (isAway ? Promise.reject(new Error('page 3 failed')) : storage.list(...args)),
    }))
    const { world } = await much(t, { adjust })
    const [asked] = await questions(world)
    isAway = true
    const { run } = await world.engine.confirm(asked!.id, asked!.version, boss)
    const ended = await world.finish(run!)
    assert.equal(ended.prune?.deleted, 0)
    assert.match(ended.prune?.why ?? '', /^frozen: .*page 3 failed/)
    assert.equal((await ids(world)).length, 10)
  })

  test('Keep is kept: the same list is not asked about again, a longer one after a day', async (t) => {
    const { world, clock } = await much(t)
    const [asked] = await questions(world)
    await world.engine.dismiss(asked!.id, asked!.version, boss)
    await pass(world)
    await world.backup()
    assert.deepEqual(
      (await questions(world)).map(({ state }) => state),
      ['rejected'],
    )
    clock.jump(40 * day)
    await world.backup()
    await world.backup()
    assert.deepEqual(
      (await questions(world)).map(({ state }) => state),
      ['rejected', 'waiting'],
    )
    assert.equal((await ids(world)).length, 13)
    await assertWorld(world)
  })

  test('a question that nobody answered expires, and is asked again by the next pass', async (t) => {
    const { world, clock } = await much(t)
    const [asked] = await questions(world)
    clock.jump(4 * day)
    await endOverdue(world.context)
    await assert.rejects(world.engine.confirm(asked!.id, asked!.version, boss), { code: 'stale' })
    await pass(world)
    assert.deepEqual(
      (await questions(world)).map(({ state }) => state),
      ['expired', 'waiting'],
    )
  })

  test('a question is closed when so much is due no more', async (t) => {
    const { world, clock } = await much(t)
    const later = await makeWorld(t, { clock, folder: world.folder, global: { retention: '365d' } })
    await pass(later)
    const [asked] = await questions(later)
    assert.deepEqual([asked!.state, asked!.decidedBy?.via], ['cancelled', 'service'])
  })

  test('a failed deletion fails its run and its request, and says how far it came', async (t) => {
    let left = 2
    const adjust = changePlaces((storage) => ({
      remove: (key, signal) =>
        key.endsWith(manifestName) && left-- <= 0
          ? Promise.reject(new Fault('storage-denied', 'the bucket refused to delete'))
          : storage.remove(key, signal),
    }))
    const { world } = await much(t, { adjust })
    const [asked] = await questions(world)
    const { run } = await world.engine.confirm(asked!.id, asked!.version, boss)
    const ended = await world.finish(run!)
    assert.deepEqual([ended.state, ended.fault?.code], ['failed', 'storage-denied'])
    assert.match(ended.fault!.text, /; 2 of 8 were deleted$/)
    assert.equal((await questions(world))[0]!.state, 'failed')
    await assertWorld(world)
  })

  test('what a person asks to prune is asked even when it is little, and every backup is explained', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock, global: { retention } })
    await world.backup()
    await makeOld(world, [day, 60 * day])
    const [view] = await world.engine.retention('shop')
    assert.deepEqual(view!.backups.map(sayJudgement), [
      'kept: the newest good backup',
      'kept: one of the 2 newest (min_keep)',
      'goes: older than 30d (60 d)',
    ])
    const { requests } = await world.engine.requestPrune(null, person)
    assert.deepEqual(
      requests.map(({ plan }) => [plan.strategy, plan.storage, plan.count, plan.total]),
      [['shop', 'disk', 1, 3]],
    )
    assert.equal((await ids(world)).length, 3)
    const { run } = await world.engine.confirm(requests[0]!.id, requests[0]!.version, boss)
    assert.equal((await world.finish(run!)).state, 'succeeded')
    assert.equal((await ids(world)).length, 2)
    assert.deepEqual(await world.engine.requestPrune('shop', person), { requests: [], notes: [] })
    await assertWorld(world)
  })
})
