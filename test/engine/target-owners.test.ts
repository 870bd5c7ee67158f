import assert from 'node:assert/strict'
import { linkSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import type { Actor } from '../../src/core/model.ts'
import type { RestoreAsk } from '../../src/engine/facade.ts'
import { askInPlace } from '../support/in-place.ts'
import { startServer } from '../support/mysql.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { makeWorld, person, type World } from '../support/world.ts'

let server: PostgresServer
let made = 0

before(async () => void (server = await startPostgres()))
after(() => server.close())

const elsewhere = (url: string): string => url.replace('127.0.0.1', 'localhost')
const inSlack = { via: 'slack', id: 'U1', name: 'u1' } as Actor

async function createFilled(): Promise<string> {
  const name = `crm${++made}`
  await server.createDatabase(name)
  await server.query('CREATE TABLE orders AS SELECT generate_series(1, 3) AS id', name)
  return name
}

/** A strategy `side` with a backup, and whatever else is configured. */
async function scene(
  t: TestContext,
  more: Record<string, Record<string, unknown>>,
  side: Record<string, unknown> = {},
) {
  const own = await createFilled()
  const strategies = { side: { database_url: server.url(own), ...side }, ...more }
  const world = await makeWorld(t, { strategies })
  assert.equal((await world.backup('side')).state, 'succeeded')
  return { world, own }
}

function over(world: World, target: Partial<RestoreAsk>): Promise<unknown> {
  const base = { backup: 'latest', strategy: 'side', noOwner: false, reason: 'r', clean: true } as const
  const ask = { ...base, targetDb: null, targetUrl: null, typed: target.targetDb ?? '', ...target }
  return world.engine.requestRestore(ask, person)
}

const refused = (owner: string) =>
  ({ code: 'target-invalid', message: new RegExp(`is the database of ${owner} itself`) }) as const

test('what any strategy backs up is never overwritten, whatever its address or however many it takes', async (t) => {
  const prod = await createFilled()
  const others = {
    alone: { database_url: server.url(prod), protected: true },
    whole: { database_url: server.url('postgres'), databases: { include: [prod] }, protected: true },
    replica: { database_url: server.url('elsewhere'), dump_url: server.url(prod) },
  }
  for (const [name, settings] of Object.entries(others)) {
    const { world, own } = await scene(t, { [name]: settings })
    await assert.rejects(over(world, { targetDb: prod }), refused(name))
    const targetUrl = elsewhere(server.url(prod))
    await assert.rejects(over(world, { targetUrl, typed: prod }), refused(name))
    await assert.rejects(over(world, { targetUrl: elsewhere(server.url(own)), typed: own }), refused('side'))
  }
  assert.deepEqual(await server.query('SELECT count(*)::int AS n FROM orders', prod), [{ n: 3 }])
})

test('its own database stays its own when restores go there by another name of the server', async (t) => {
  const mine = await createFilled()
  const restore = { database_url: elsewhere(server.url(mine)) }
  const { world } = await scene(t, {}, { database_url: server.url(mine), restore })
  await assert.rejects(over(world, { targetDb: mine }), refused('side'))
})

test('a copy of one database beside it that a strategy of the whole server chooses is not overwritten', async (t) => {
  const whole = { database_url: server.url('postgres'), databases: { include: ['crm*'] } }
  const { world } = await scene(t, { whole })
  const beside = await createFilled()
  await assert.rejects(over(world, { targetDb: beside }), refused('whole'))
})

test('what may be the database of somebody who cannot be asked is not overwritten', async (t) => {
  const prod = await createFilled()
  const nobody = server.url(prod).replace(`:${server.port}/`, ':1/')
  const { world } = await scene(t, { down: { database_url: nobody } })
  await assert.rejects(over(world, { targetDb: prod }), {
    code: 'target-invalid',
    message: /could be the database of down, which cannot be asked/,
  })
})

test('a database that nobody backs up is overwritten as before', async (t) => {
  const theirs = await createFilled()
  const whole = { database_url: server.url('postgres'), databases: { include: ['*'], exclude: ['crm*'] } }
  const { world } = await scene(t, { whole })
  await over(world, { targetDb: theirs })
})

test('in place what the strictest of its owners needs is needed', async (t) => {
  const mine = await createFilled()
  const whole = { database_url: elsewhere(server.url('postgres')), databases: { include: [mine] } }
  for (const isProtected of [false, true]) {
    const guarded = { ...whole, protected: isProtected }
    const { world } = await scene(t, { whole: guarded }, { database_url: server.url(mine) })
    const { plan, needs } = await askInPlace(world, 'side')
    assert.deepEqual(plan.owners, ['whole'])
    assert.deepEqual([needs.reason, needs.second], [isProtected, isProtected])
    assert.match(plan.warnings.join(), /is backed up by whole, too/)
  }
})

test('in place of another strategy’s database, which alone would not be backed up first, nothing is restored', async (t) => {
  const second = await startPostgres()
  t.after(() => second.close())
  const { world, own } = await scene(t, {})
  await second.createDatabase(own)
  await second.query('CREATE TABLE orders (id int)', own)
  const [side] = world.config.strategies
  const other = { ...side!, name: 'other', source: { ...side!.source, url: second.url(own) } }
  const led = { ...side!, source: { ...side!.source, restoreUrl: second.url(own) } }
  world.context.config = { ...world.config, strategies: [led, other] }
  await assert.rejects(askInPlace(world, 'side'), { code: 'target-invalid', message: /not that of side/ })
})

test('a file of SQLite is known by whatever path', async (t) => {
  const world = await makeWorld(t, { strategies: { shop: {}, side: {} } })
  const shop = join(world.folder, 'shop.db')
  assert.equal((await world.backup('side')).state, 'succeeded')
  const [link, hard] = [join(world.folder, 'link.db'), join(world.folder, 'hard.db')]
  symlinkSync(shop, link)
  linkSync(shop, hard)
  for (const path of [shop, link, hard, join(world.folder, '../') + shop.split('/').slice(-2).join('/')]) {
    const typed = (await world.engine.planRestore(plannedOver(path), inSlack)).plan.target.name
    await assert.rejects(over(world, { targetDb: path, typed }), refused('shop'))
  }
})

function plannedOver(targetDb: string): RestoreAsk {
  const ask = { backup: 'latest', strategy: 'side', noOwner: false, reason: 'r', clean: true }
  return { ...ask, targetDb, targetUrl: null }
}

test('a database of MySQL is known by whatever capitals, where its server does not tell them apart', async (t) => {
  for (const lower of [0, 1]) {
    const mysql = await startServer({ settings: [`--lower-case-table-names=${lower}`] })
    t.after(() => mysql.close())
    for (const name of ['prod', 'side', ...(lower === 0 ? ['PROD'] : [])]) {
      await mysql.createDatabase(name)
      await mysql.query('CREATE TABLE orders (id int)', name)
    }
    for (const owner of [
      { database_url: mysql.url('prod') },
      { database_url: mysql.url('mysql'), databases: { include: ['prod'] } },
    ]) {
      const strategies = { side: { database_url: mysql.url('side') }, owner }
      const world = await makeWorld(t, { strategies })
      assert.equal((await world.backup('side')).state, 'succeeded')
      await assert.rejects(over(world, { targetDb: 'prod' }), refused('owner'))
      await assert.rejects(over(world, { targetUrl: elsewhere(mysql.url('prod')) }), refused('owner'))
      const shouted = over(world, { targetDb: 'PROD' })
      if (lower === 1) await assert.rejects(shouted, refused('owner'))
      else await shouted
    }
  }
})
