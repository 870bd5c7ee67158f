import assert from 'node:assert/strict'
import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test, type TestContext } from 'node:test'
import type { RequestView, RunView } from '../../src/core/model.ts'
import { lookAfterClones } from '../../src/engine/clone/settle.ts'
import { cloneAsk } from '../support/clone-ask.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { databasesLike } from '../support/in-place.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { fillSample, makeWorld, makeWorldFolder, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const day = 86_400_000
let server: PostgresServer
let made = 0

before(async () => void (server = await startPostgres()))
after(() => server.close())

interface Scene extends World {
  shop: string
  staging: string
  clock: FastClock
}

const cleaning = `UPDATE people SET name = 'person ' || id;\nDELETE FROM orders WHERE id > 250`

async function scene(
  t: TestContext,
  place: Record<string, unknown> = {},
  files: Record<string, string> = { 'clean.sql': cleaning },
): Promise<Scene> {
  const shop = `clone${++made}`
  const staging = `${shop}_staging`
  await fillSample(server, shop, 300)
  const clock = fastClock(50)
  const folder = await makeWorldFolder(t)
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(folder, name), sql)
  const clones = {
    staging: { database_url: server.url(staging), sanitize: Object.keys(files), ...place },
  }
  const world = await makeWorld(t, { folder, postgres: server, clock, strategies: { [shop]: { clones } } })
  const backup = await world.backup()
  assert.equal(backup.state, 'succeeded', backup.fault?.text ?? '')
  return { ...world, shop, staging, clock }
}

interface Asking {
  typed?: string
  reason?: string
  via?: 'cli' | 'slack'
}

function ask(world: World, strategy: string, { typed, reason, via = 'cli' }: Asking = {}) {
  return world.engine.requestRestore(
    cloneAsk(strategy, { reason: reason ?? null, ...(typed === undefined ? {} : { typed }) }),
    via === 'cli' ? person : { via, id: 'UANN' },
  )
}

async function carryOut(world: World, request: RequestView): Promise<RunView> {
  const { run } = await world.engine.confirm(request.id, request.version, person)
  return world.finish(run!)
}

async function copy(world: Scene): Promise<RunView> {
  const run = await carryOut(world, await ask(world, world.shop))
  assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
  return run
}

const inStaging = async ({ staging }: Scene): Promise<unknown> =>
  (
    await server.query(
      `SELECT (SELECT count(*) FROM orders)::int AS orders, (SELECT string_agg(name, ',' ORDER BY id) FROM people) AS people`,
      staging,
    )
  )[0]

const clean = { orders: 250, people: 'person 1,person 2' }

suite('a copy of a PostgreSQL backup', () => {
  test('has its name only when it is sanitized, and says what was done and when it goes', async (t) => {
    const world = await scene(t, { drop_after: '7d' })
    const request = await ask(world, world.shop)
    assert.deepEqual(
      [request.needs.typed, request.needs.second, request.needs.role],
      [false, false, 'restore'],
    )
    assert.deepEqual(request.plan.blockers, [])
    const run = await carryOut(world, request)
    assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
    assert.deepEqual(await inStaging(world), clean)
    const { clone, target } = run.restore!
    assert.equal(target, world.staging)
    assert.deepEqual(clone!.sanitized, [{ file: 'clean.sql', rows: 52 }])
    assert.ok(Math.abs(clone!.until! - world.clock.now() - 7 * day) < day)
    assert.deepEqual(await databasesLike(server, world.shop), [world.shop, world.staging])
    const values = await server.query(
      `SELECT array_to_string(most_common_vals::text::text[], ',') || coalesce(histogram_bounds::text, '') AS known FROM pg_stats WHERE tablename = 'people' AND attname = 'name'`,
      world.staging,
    )
    assert.doesNotMatch(JSON.stringify(values), /Ann|Bob/)
    const [status] = await world.engine.strategies()
    assert.deepEqual(
      status!.copies!.map(({ place, name, until }) => [place, name, until]),
      [['staging', world.staging, clone!.until]],
    )
    const acts = (await world.engine.audit({ limit: 20 })).map(({ act }) => act)
    assert.ok(acts.includes('clone.make') && acts.includes('clone.made'), acts.join())
    await assertWorld(world)
  })

  test('takes the place of the copy before it, whose name has to be typed, and ends its sessions', async (t) => {
    const world = await scene(t)
    await copy(world)
    await server.query(`INSERT INTO people VALUES (9, 'somebody new')`, world.staging)
    await assert.rejects(ask(world, world.shop, { via: 'slack' }), { code: 'usage', message: /type/ })
    const request = await ask(world, world.shop, { typed: world.staging })
    assert.deepEqual(
      [request.needs.typed, request.needs.second, request.needs.role],
      [true, false, 'restore'],
    )
    assert.match(request.plan.steps.join(), /drop the one before/)
    const run = await carryOut(world, request)
    assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
    assert.equal(run.restore!.clone!.replaced, true)
    assert.deepEqual(await inStaging(world), clean)
    assert.deepEqual(await databasesLike(server, world.shop), [world.shop, world.staging])
    const [status] = await world.engine.strategies()
    assert.deepEqual(
      status!.copies!.map((one) => one.run),
      [run.id],
    )
  })

  test('that cannot be sanitized leaves nothing behind, and the one before it as it was', async (t) => {
    const world = await scene(t, {}, { 'a.sql': cleaning, 'b.sql': 'SELECT 1' })
    await copy(world)
    await server.query('CREATE TABLE mine ()', world.staging)
    writeFileSync(join(world.folder, 'b.sql'), `UPDATE people SET name = 'half';\nUPDATE nobody SET x = 1;`)
    const run = await carryOut(world, await ask(world, world.shop))
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'sanitize-failed'])
    assert.match(run.fault!.text, /^b\.sql: .*relation "nobody" does not exist/)
    assert.match(run.fault!.hint!, /is as it was/)
    assert.deepEqual(await inStaging(world), clean)
    assert.equal(
      (await server.query(`SELECT 1 FROM pg_tables WHERE tablename = 'mine'`, world.staging)).length,
      1,
    )
    assert.deepEqual(await databasesLike(server, world.shop), [world.shop, world.staging])
  })

  test('is not made when a file of SQL is missing or was changed after the plan', async (t) => {
    const world = await scene(t)
    const request = await ask(world, world.shop)
    writeFileSync(join(world.folder, 'clean.sql'), 'SELECT 1')
    await assert.rejects(world.engine.confirm(request.id, request.version, person), {
      code: 'stale',
      message: /sanitize the copy/,
    })
    const missing = await scene(t, { sanitize: ['nowhere.sql'] })
    assert.match(missing.config.warnings.join(), /nowhere\.sql cannot be read/)
    await assert.rejects(ask(missing, missing.shop), { code: 'target-invalid', message: /nowhere\.sql/ })
  })

  test('of a file with commands of psql is refused', async (t) => {
    const world = await scene(t, {}, { 'evil.sql': `\\! touch /tmp/never\nSELECT 1;` })
    const run = await carryOut(world, await ask(world, world.shop))
    assert.equal(run.fault?.code, 'sanitize-failed', run.fault?.text ?? '')
    assert.deepEqual(await databasesLike(server, world.shop), [world.shop])
  })

  test('is dropped when its time is over, whoever else made what has its name since stays', async (t) => {
    const world = await scene(t, { drop_after: '7d' })
    await copy(world)
    await lookAfterClones(world.context)
    assert.ok((await databasesLike(server, world.shop)).includes(world.staging))
    world.clock.jump(8 * day)
    await lookAfterClones(world.context)
    assert.deepEqual(await databasesLike(server, world.shop), [world.shop])
    await world.deliver()
    assert.match(JSON.stringify(world.notifier.posts), /time of this copy is over, and it is dropped/)
    assert.deepEqual((await world.engine.strategies())[0]!.copies, [])

    await copy(world)
    await server.query(`DROP DATABASE "${world.staging}"`)
    await server.createDatabase(world.staging)
    world.clock.jump(8 * day)
    await lookAfterClones(world.context)
    assert.ok((await databasesLike(server, world.shop)).includes(world.staging))
    await world.deliver()
    assert.match(JSON.stringify(world.notifier.posts), /another database, and stays/)
  })

  test('into a protected place needs a second person and a reason once there is something to lose', async (t) => {
    const world = await scene(t, { protected: true })
    await copy(world)
    await assert.rejects(ask(world, world.shop, { typed: world.staging, via: 'slack' }), {
      message: /reason/,
    })
    const asked = { typed: world.staging, reason: 'fresh data', via: 'slack' } as const
    const request = await ask(world, world.shop, asked)
    assert.deepEqual([request.state, request.needs.second], ['waiting', true])
    const own = { actor: { via: 'slack', id: 'UANN' }, version: request.version, reason: null } as const
    await assert.rejects(world.engine.approve(request.id, own), { code: 'denied' })
    const second = { ...own, actor: { via: 'slack', id: 'UBEN' } } as const
    const { run } = await world.engine.approve(request.id, second)
    assert.equal((await world.finish(run!)).state, 'succeeded')
  })

  test('into an unknown place is refused with the nearest name', async (t) => {
    const world = await scene(t)
    await assert.rejects(world.engine.requestRestore(cloneAsk(world.shop, { clone: 'stagign' }), person), {
      code: 'not-found',
      hint: 'did you mean staging?',
    })
  })

  test('of one database of a whole server goes into the place of that name', async (t) => {
    const shop = `clone${++made}`
    await fillSample(server, shop, 20)
    const clones = { staging: { database_url: server.url(`${shop}_copy`) } }
    const strategies = {
      everything: { database_url: server.url('postgres'), databases: { include: [shop] }, clones },
    }
    const world = await makeWorld(t, { postgres: server, strategies })
    const { id } = await world.engine.startBackup('everything', {
      trigger: 'person',
      actor: person,
      database: shop,
    })
    assert.equal((await world.finish(id)).state, 'succeeded')
    const { view } = await world.engine.backup((await world.engine.backups({ limit: 1 }))[0]!.id, null)
    const run = await carryOut(
      world,
      await world.engine.requestRestore(cloneAsk('everything', { backup: view.id }), person),
    )
    assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
    assert.equal(run.restore!.clone!.sanitized.length, 0)
    assert.deepEqual(await databasesLike(server, shop), [shop, `${shop}_copy`])
    const own = { ...world.config.strategies[0]! }
    own.clones = { staging: { ...own.clones.staging!, url: server.url(shop) } }
    world.context.config = { ...world.config, strategies: [own] }
    await assert.rejects(
      world.engine.requestRestore(cloneAsk('everything', { backup: view.id, typed: shop }), person),
      { code: 'target-invalid', message: /is the database of everything itself/ },
    )
  })

  test('never takes the place of the database itself, by whatever address', async (t) => {
    const world = await scene(t, { database_url: server.url('clone_own').replace('127.0.0.1', 'localhost') })
    const own = { ...world.config.strategies[0]! }
    const url = server.url(world.shop).replace('127.0.0.1', 'localhost')
    own.clones = { staging: { ...own.clones.staging!, url } }
    world.context.config = { ...world.config, strategies: [own] }
    await assert.rejects(ask(world, world.shop), { code: 'target-invalid', message: /is the database of/ })
  })
})

suite('a copy of a SQLite backup', () => {
  async function file(t: TestContext, place: Record<string, unknown> = {}) {
    const clock = fastClock(50)
    const folder = await makeWorldFolder(t)
    const staging = join(folder, 'staging.db')
    writeFileSync(
      join(folder, 'clean.sql'),
      `UPDATE people SET name = 'x' || id; -- no semicolon after the last\nDELETE FROM orders`,
    )
    const clones = {
      staging: { database_url: `sqlite://${staging}`, sanitize: ['clean.sql'], ...place },
    }
    const world = await makeWorld(t, { folder, clock, strategies: { shop: { clones } } })
    assert.equal((await world.backup()).state, 'succeeded')
    return { ...world, staging, clock, shop: 'shop' }
  }

  function names(path: string): string {
    const database = new DatabaseSync(path, { readOnly: true })
    const found = database.prepare('SELECT group_concat(name) AS names FROM people').get()!
    database.close()
    return String(found['names'])
  }

  test('is sanitized before it has its name, holds nothing of what was deleted, and goes in time', async (t) => {
    const world = await file(t, { drop_after: '1d' })
    const run = await carryOut(world, await ask(world, 'shop'))
    assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
    assert.equal(names(world.staging), 'x1,x2')
    assert.ok(run.restore!.clone!.sanitized[0]!.rows! > 2)
    assert.doesNotMatch((await readFile(world.staging)).toString('latin1'), /Ann|Bob/)
    writeFileSync(join(world.folder, 'clean.sql'), 'UPDATE nobody SET x = 1')
    const failed = await carryOut(world, await ask(world, 'shop'))
    assert.equal(failed.fault?.code, 'sanitize-failed')
    assert.match(failed.fault!.text, /^clean\.sql: .*no such table: nobody/)
    assert.equal(names(world.staging), 'x1,x2')
    writeFileSync(join(world.folder, 'clean.sql'), `UPDATE people SET name = 'y'`)
    const again = await carryOut(world, await ask(world, 'shop'))
    assert.equal(again.state, 'succeeded', again.fault?.text ?? '')
    assert.equal(names(world.staging), 'y,y')
    const left = (await readdir(world.folder)).filter((name) => name.startsWith('staging'))
    assert.deepEqual(left, ['staging.db'])
    world.clock.jump(2 * day)
    await lookAfterClones(world.context)
    assert.equal(existsSync(world.staging), false)
  })

  test('never takes the place of the file itself, by whatever path', async (t) => {
    const world = await file(t)
    symlinkSync(new URL(world.config.strategies[0]!.source.url).pathname, world.staging)
    await assert.rejects(ask(world, 'shop'), { code: 'target-invalid', message: /is the database of/ })
  })
})
