import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { takeUpRequests } from '../../src/engine/requests.ts'
import { askAboutRetention } from '../../src/engine/requests/retention.ts'
import { prune } from '../../src/engine/prune.ts'
import type { AnyRequestView } from '../../src/core/model.ts'
import { officeOf, people, protectedWorld } from '../support/approvals.ts'
import { fastClock } from '../support/fast-clock.ts'
import { onHost } from '../support/gate.ts'
import { makeOld } from '../support/old-backups.ts'
import { makeWorld, person, type World, type WorldOptions } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const day = 24 * 3_600_000
const quiet = new AbortController().signal

function withRetention(retention: string, changes: WorldOptions = {}): WorldOptions {
  return {
    ...protectedWorld,
    clock: fastClock(20),
    global: { ...protectedWorld.global, retention },
    ...changes,
  }
}

const count = async ({ engine }: World): Promise<number> => (await engine.backups({ limit: 99 })).length

async function open(world: World, kind: AnyRequestView['kind']): Promise<AnyRequestView[]> {
  return (await world.engine.requests()).filter((one) => one.kind === kind)
}

suite('what is protected is not deleted by one alone', () => {
  test('a mass delete of a protected strategy needs a lead who did not ask for it', async (t) => {
    const world = await makeWorld(t, withRetention('365d'))
    const office = officeOf(world)
    await world.backup()
    await makeOld(
      world,
      Array.from({ length: 8 }, (_, index) => (400 + index) * day),
    )
    const boss = office.person(people.boss)
    const reply = await office.ask({ words: 'prune shop' }, boss)
    assert.ok(reply.type === 'questions')
    const [asked] = reply.requests
    assert.deepEqual([asked!.state, asked!.needs.second], ['waiting', true])
    await assert.rejects(office.click('confirm', asked!, boss), { code: 'denied' })
    await assert.rejects(office.click('approve', asked!, boss), { code: 'denied' })
    const approved = await office.click('approve', asked!, office.person(people.carol))
    assert.ok(approved.type === 'run')
    assert.equal((await world.finish(approved.run.id)).state, 'succeeded')
    assert.equal(await count(world), 2)
    await world.deliver()
    await assertWorld(world)
  })

  async function pinned(t: TestContext): Promise<{ world: World; id: string }> {
    const world = await makeWorld(t, withRetention('365d'))
    const id = (await world.backup()).backup!.id
    await world.engine.pin({ backup: id, strategy: null, until: null, note: 'audit' }, person)
    return { world, id }
  }
  const isPinned = async (world: World, id: string): Promise<boolean> =>
    (await world.engine.backup(id, null)).view.pin !== null

  test('an unpin waits for a second person, who does it by the same click', async (t) => {
    const { world, id } = await pinned(t)
    const office = officeOf(world)
    const boss = office.person(people.boss)
    const reply = await office.ask({ words: `unpin ${id} --reason "no longer needed"` }, boss)
    assert.ok(reply.type === 'text' && /somebody else has to approve/.test(reply.text))
    await office.ask({ words: `unpin ${id}` }, boss)
    const [asked, ...others] = await open(world, 'unpin')
    assert.ok(asked && others.length === 0, 'asked twice is one request')
    await assert.rejects(office.click('approve', asked, boss), { code: 'denied' })
    assert.ok(await isPinned(world, id))
    await office.click('approve', asked, office.person(people.carol))
    assert.ok(!(await isPinned(world, id)))
    assert.equal((await world.engine.request(asked.id)).state, 'done')
  })

  test('a pin that was renewed meanwhile voids the request; on the host a reason is enough', async (t) => {
    const { world, id } = await pinned(t)
    const office = officeOf(world)
    await office.ask({ words: `unpin ${id}` }, office.person(people.boss))
    const [asked] = await open(world, 'unpin')
    await world.engine.pin({ backup: id, strategy: null, until: null, note: 'again' }, person)
    await assert.rejects(office.click('approve', asked!, office.person(people.carol)), {
      code: 'stale',
      message: /no longer the one that was shown/,
    })
    assert.ok(await isPinned(world, id))
    await office.ask({ words: `unpin ${id} --reason "disk full at night"` }, onHost)
    assert.ok(!(await isPinned(world, id)))
  })

  test('what was decided before a crash is done at the next start', async (t) => {
    const { world, id } = await pinned(t)
    const office = officeOf(world)
    await office.ask({ words: `unpin ${id}` }, office.person(people.boss))
    const [asked] = await open(world, 'unpin')
    await world.context.database.write((tx) =>
      tx
        .updateTable('requests')
        .set({ state: 'approved', start_by: 9e15, version: 2 })
        .where('id', '=', asked!.id)
        .execute(),
    )
    await takeUpRequests(world.context)
    assert.ok(!(await isPinned(world, id)))
  })
})

suite('a retention that was weakened deletes nothing before a second person agreed', () => {
  async function weakened(t: TestContext, changes: WorldOptions = {}): Promise<World> {
    const clock = fastClock(20)
    const before = await makeWorld(t, withRetention('365d', { clock }))
    await before.backup()
    await makeOld(before, [60 * day, 70 * day])
    await takeUpRequests(before.context)
    await before.close()
    const world = await makeWorld(t, {
      ...withRetention('30d', { ...changes, clock }),
      folder: before.folder,
    })
    await askAboutRetention(world.context, { via: 'slack', id: people.boss })
    return world
  }
  const pass = (world: World) => prune(world.context, world.config.strategies[0]!, 'shop', quiet)

  test('it is frozen, also across a restart; approved, it deletes', async (t) => {
    const world = await weakened(t)
    const office = officeOf(world)
    const [held] = await pass(world)
    assert.match(held!.frozen ?? '', /its retention was weakened/)
    assert.equal(await count(world), 3)
    await takeUpRequests(world.context)
    const [asked, ...others] = await open(world, 'retention')
    assert.ok(asked?.kind === 'retention' && others.length === 0)
    assert.deepEqual(asked.plan.places, [{ storage: 'disk', was: '365d', is: '30d' }])
    await assert.rejects(office.click('approve', asked, office.person(people.boss)), { code: 'denied' })
    await office.click('approve', asked, office.person(people.carol))
    await pass(world)
    assert.equal(await count(world), 2) // min_keep
    assert.deepEqual(await open(world, 'retention'), [])
  })

  test('rejected, it stays frozen and is not asked again; put back, nothing waits any more', async (t) => {
    const world = await weakened(t)
    const office = officeOf(world)
    const [asked] = await open(world, 'retention')
    await office.click('reject', asked!, office.person(people.carol), { reason: 'we promised a year' })
    await takeUpRequests(world.context)
    assert.deepEqual(await open(world, 'retention'), [])
    await pass(world)
    assert.equal(await count(world), 3)
    const back = await makeWorld(t, { ...withRetention('365d'), folder: world.folder })
    const [free] = await pass(back)
    assert.equal(free!.frozen, null)
  })

  test('protection that is taken away together with it does not let it through', async (t) => {
    const world = await weakened(t, { strategies: { shop: { protected: false } } })
    await pass(world)
    assert.equal(await count(world), 3)
    const [asked] = await open(world, 'retention')
    assert.equal(asked!.needs.second, true)
  })
})
