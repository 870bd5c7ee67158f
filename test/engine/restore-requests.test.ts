import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test } from 'node:test'
import type { Fault } from '../../src/core/faults.ts'
import { endOverdue } from '../../src/engine/requests/overdue.ts'
import type { RestoreAsk } from '../../src/engine/facade.ts'
import { fastClock } from '../support/fast-clock.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { fillSample, makeWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const minute = 60_000
const latest: RestoreAsk = {
  backup: 'latest',
  strategy: 'shop',
  targetDb: null,
  targetUrl: null,
  noOwner: false,
  reason: 'a drill',
}

async function restores(world: World): Promise<number> {
  return (await world.engine.runs({ limit: 99 })).filter(({ kind }) => kind === 'restore').length
}

/** Files beside the sample database: what restores made. */
const restored = (world: World): string[] =>
  readdirSync(world.folder).filter((name) => name.startsWith('shop_restore_'))

suite('a confirmation is single-use, bound and expiring (promise 11)', () => {
  test('of twenty clicks at once exactly one starts a restore; the others are told why not', async (t) => {
    const world = await makeWorld(t, { global: { timezone: 'Asia/Tokyo' } })
    await world.backup()
    const { id, version, timezone } = await world.engine.requestRestore(latest, person)
    assert.deepEqual([timezone, (await world.engine.request(id)).timezone], ['Asia/Tokyo', 'Asia/Tokyo'])
    const clicks = await Promise.allSettled(
      Array.from({ length: 20 }, () => world.engine.confirm(id, version, person)),
    )
    assert.equal(clicks.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const click of clicks)
      if (click.status === 'rejected') assert.match(String(click.reason), /already started by @ann/)
    assert.equal(await restores(world), 1)
    const { run } = await world.engine.request(id)
    const view = await world.finish(run!)
    assert.deepEqual([view.state, view.restore?.rows], ['succeeded', 502])
    assert.equal((await world.engine.request(id)).state, 'done')
    assert.equal(restored(world).length, 1)
    await world.deliver()
    await assertWorld(world)
  })

  test('confirm and dismiss at once: one of them happens', async (t) => {
    const world = await makeWorld(t)
    await world.backup()
    for (let round = 0; round < 5; round++) {
      const { id, version } = await world.engine.requestRestore(latest, person)
      const both = await Promise.allSettled([
        world.engine.dismiss(id, version, person),
        world.engine.confirm(id, version, person),
      ])
      assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1)
    }
  })

  test('another person is refused, and the request still waits', async (t) => {
    const world = await makeWorld(t)
    await world.backup()
    const { id, version } = await world.engine.requestRestore(latest, person)
    const other = { via: 'cli', id: 'bob' } as const
    await assert.rejects(world.engine.confirm(id, version, other), { code: 'denied' })
    await assert.rejects(world.engine.confirm(id, version, { via: 'slack', id: 'ann' }), { code: 'denied' })
    assert.equal((await world.engine.request(id)).state, 'planned')
    assert.equal(await restores(world), 0)
  })

  test('a card that is out of date is refused', async (t) => {
    const world = await makeWorld(t)
    await world.backup()
    const { id, version } = await world.engine.requestRestore(latest, person)
    await assert.rejects(world.engine.confirm(id, version + 1, person), { code: 'stale' })
    await world.engine.dismiss(id, version, person)
    await assert.rejects(world.engine.confirm(id, version, person), { code: 'stale', message: /cancelled/ })
    assert.equal(await restores(world), 0)
  })

  test('nobody confirms in time: it expires by itself, its card says so, and a late click is told', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock })
    await world.backup()
    const [first, second] = [
      await world.engine.requestRestore(latest, person),
      await world.engine.requestRestore(latest, person),
    ]
    clock.jump(31 * minute)
    await assert.rejects(world.engine.confirm(first.id, 1, person), { code: 'expired' })
    await endOverdue(world.context)
    await world.deliver()
    const [card] = world.notifier.seen(`request/${second.id}`)
    assert.ok(card?.body.type === 'request.card' && card.body.request.state === 'expired')
    assert.equal(await restores(world), 0)
  })

  test('a configuration that changed after the plan closes the request', async (t) => {
    const world = await makeWorld(t)
    await world.backup()
    const { id } = await world.engine.requestRestore(latest, person)
    const changed = await makeWorld(t, { folder: world.folder, global: { timezone: 'Europe/Paris' } })
    await assert.rejects(changed.engine.confirm(id, 1, person), {
      code: 'stale',
      message: /configuration changed/,
    })
    assert.equal((await changed.engine.request(id)).state, 'cancelled')
    assert.equal(await restores(world), 0)
  })

  test('a target that appeared between plan and run is not touched', async (t) => {
    const world = await makeWorld(t)
    await world.backup()
    const { id, plan } = await world.engine.requestRestore(latest, person)
    const { run } = await world.engine.confirm(id, 1, person)
    const path = plan.target.name.startsWith('/') ? plan.target.name : join(world.folder, plan.target.name)
    writeFileSync(path, 'somebody put this here')
    const view = await world.finish(run!)
    assert.equal(view.state, 'failed')
    assert.ok(['stale', 'target-invalid', 'target-exists'].includes(view.fault!.code), view.fault!.code)
    assert.equal(readFileSync(path, 'utf8'), 'somebody put this here')
    await assertWorld(world)
  })

  test('a restore cancelled in the queue cancels its request', async (t) => {
    const world = await makeWorld(t)
    await world.backup()
    const { id } = await world.engine.requestRestore(latest, person)
    const { run } = await world.engine.confirm(id, 1, person)
    await world.engine.cancel(run!, person)
    assert.equal((await world.engine.request(id)).state, 'cancelled')
    await assertWorld(world)
  })
})

suite('restores of PostgreSQL (promises 4, 12 and 13)', () => {
  let postgres: PostgresServer
  before(async () => {
    postgres = await startPostgres()
    await fillSample(postgres, 'shop')
  })
  after(() => postgres.close())

  const databases = async (): Promise<unknown[]> =>
    (await postgres.query("SELECT datname FROM pg_database WHERE datname LIKE 'shop%' ORDER BY 1")).map(
      (row) => row.datname,
    )

  test('a target URL that cannot be used is refused with what to write, and is never quoted', async (t) => {
    const world = await makeWorld(t)
    await world.backup()
    for (const targetUrl of [
      'mysql://root:hunter2@h/d',
      'hunter2',
      'sqlite://hunter2/d.db',
      'sqlite:///a?key=hunter2',
    ])
      await assert.rejects(world.engine.requestRestore({ ...latest, targetUrl }, person), (error: Fault) => {
        assert.deepEqual([error.code, error.hint?.startsWith('write ')], ['target-invalid', true])
        assert.doesNotMatch(`${error.message} ${error.hint}`, /hunter2/)
        return true
      })
    assert.equal(await restores(world), 0)
  })

  test('two restores into one new database: one does it, the other touches nothing', async (t) => {
    const world = await makeWorld(t, { postgres })
    await world.backup()
    const ask = { ...latest, targetDb: 'shop_twice' }
    const requests = [
      await world.engine.requestRestore(ask, person),
      await world.engine.requestRestore(ask, person),
    ]
    const runs = await Promise.all(requests.map(({ id }) => world.engine.confirm(id, 1, person)))
    const ends = await Promise.all(runs.map(({ run }) => world.finish(run!)))
    assert.deepEqual(ends.map(({ state }) => state).toSorted(), ['failed', 'succeeded'])
    const [count] = await postgres.query('SELECT count(*)::int AS n FROM orders', 'shop_twice')
    assert.equal(count!.n, 2_000)
    await assertWorld(world)
  })

  test('a broken backup reaches no target: it is marked, and the older good one is named', async (t) => {
    const world = await makeWorld(t, { postgres })
    const older = (await world.backup()).backup!.id
    const newer = (await world.backup()).backup!.id
    const { manifest } = await world.engine.backup(newer, null)
    const path = join(world.storageDir, manifest.artifacts[0]!.key)
    const bytes = readFileSync(path)
    bytes[100]! ^= 4
    writeFileSync(path, bytes)
    const before = await databases()
    const { id } = await world.engine.requestRestore({ ...latest, backup: newer }, person)
    const { run } = await world.engine.confirm(id, 1, person)
    const view = await world.finish(run!)
    assert.deepEqual([view.state, view.fault?.code], ['failed', 'object-corrupt'])
    assert.match(view.fault?.hint ?? '', new RegExp(older))
    assert.deepEqual(await databases(), before)
    await assert.rejects(world.engine.requestRestore({ ...latest, backup: newer }, person), {
      code: 'object-corrupt',
      hint: new RegExp(older),
    })
    assert.equal((await world.engine.backup('latest', 'shop')).view.id, older)
    await assertWorld(world)
  })
})

test('the password of another server that was typed is kept no longer than the request (promise 14)', async (t) => {
  const world = await makeWorld(t)
  await world.backup()
  const target = join(world.folder, 'typed-s3cr3t-target.db')
  const ask = { ...latest, targetUrl: `sqlite://${target}`, reason: 'r'.repeat(900) }
  const { id } = await world.engine.requestRestore(ask, person)
  for (let other = 0; other < 5; other++)
    await world.engine.dismiss((await world.engine.requestRestore(ask, person)).id, 1, person)
  await world.finish((await world.engine.confirm(id, 1, person)).run!)
  const { database } = world.context
  const row = await database.read.selectFrom('requests').select('ask').where('id', '=', id).executeTakeFirst()
  assert.equal(row?.ask, '{}')
  await world.close()
  const text = readFileSync(join(world.stateDir, 'state.db'), 'latin1')
  assert.ok(!text.includes(`sqlite://${target}`), 'the URL is still in a free page of the state')
})

suite('a stored backup that is not what was written', () => {
  async function flipped(world: World): Promise<string> {
    const { backup } = await world.backup()
    const { manifest } = await world.engine.backup(backup!.id, null)
    const path = join(world.storageDir, manifest.artifacts[0]!.key)
    const bytes = readFileSync(path)
    bytes[Math.floor(bytes.length / 2)]! ^= 1
    writeFileSync(path, bytes)
    return backup!.id
  }

  for (const level of ['V1', 'V2'] as const)
    test(`${level} says corrupt, writes it beside the backup, and it is not offered any more (promise 9)`, async (t) => {
      const world = await makeWorld(t)
      const good = (await world.backup()).backup!.id
      const bad = await flipped(world)
      const run = await world.finish((await world.engine.startVerify(bad, level, person)).id)
      assert.deepEqual([run.state, run.fault?.code], ['failed', 'object-corrupt'])
      const { view, manifest } = await world.engine.backup(bad, null)
      assert.match(view.corrupt!, /SHA-256/)
      const sidecars = readdirSync(join(world.storageDir, manifest.artifacts[0]!.key, '..'))
      assert.equal(sidecars.filter((name) => name.startsWith('verdict-')).length, 1)
      assert.equal((await world.engine.backup('latest', 'shop')).view.id, good)
      await world.deliver()
      assert.equal(world.notifier.seen(`run/${run.id}/alarm`).length, 1)
      await world.engine.syncCatalogue()
      assert.match((await world.engine.backup(bad, null)).view.corrupt!, /SHA-256/, 'also from storage alone')
      await assertWorld(world)
    })

  test('reading it again without decoding never clears it, decoding does', async (t) => {
    const world = await makeWorld(t)
    const { backup } = await world.backup()
    const { id } = backup!
    const { manifest } = await world.engine.backup(id, null)
    const path = join(world.storageDir, manifest.artifacts[0]!.key)
    const whole = readFileSync(path)
    writeFileSync(path, Buffer.concat([whole, Buffer.from('x')]))
    const verify = async (level: 'V1' | 'V2'): Promise<string> =>
      (await world.finish((await world.engine.startVerify(id, level, person)).id)).state
    assert.equal(await verify('V2'), 'failed')
    writeFileSync(path, whole)
    assert.equal(await verify('V1'), 'succeeded')
    assert.match((await world.engine.backup(id, null)).view.corrupt!, /bytes instead of/)
    assert.equal(await verify('V2'), 'succeeded')
    assert.equal((await world.engine.backup(id, null)).view.corrupt, null)
    await assertWorld(world)
  })

  test('the database itself is never touched by a restore beside it', async (t) => {
    const world = await makeWorld(t)
    await world.backup()
    const original = readFileSync(join(world.folder, 'shop.db'))
    const { id } = await world.engine.requestRestore(latest, person)
    await world.finish((await world.engine.confirm(id, 1, person)).run!)
    assert.ok(original.equals(readFileSync(join(world.folder, 'shop.db'))))
    const [name] = restored(world)
    assert.ok(existsSync(join(world.folder, name!)))
    const copy = new DatabaseSync(join(world.folder, name!), { readOnly: true })
    assert.equal(copy.prepare('SELECT count(*) AS n FROM orders').get()!.n, 500)
    copy.close()
  })
})
