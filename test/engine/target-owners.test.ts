import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import type { RestoreAsk } from '../../src/engine/facade.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { makeWorld, person, type World } from '../support/world.ts'

let server: PostgresServer
let made = 0

before(async () => void (server = await startPostgres()))
after(() => server.close())

const elsewhere = (url: string): string => url.replace('127.0.0.1', 'localhost')

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
