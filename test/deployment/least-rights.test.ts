import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import pg from 'pg'
import { startPostgres, type PostgresServer } from '../../playground/servers/postgres.ts'
import { fillSample, makeWorld, person } from '../support/world.ts'
import { text } from './files.ts'

const page = text('docs/least-rights.md')

/** The SQL of the page, in its order: dumps (new, and before 14), restores, drills. */
const [dumps, dumpsBefore14, restores, drills] = [...page.matchAll(/```sql\n(.*?)```/gs)].map(
  ([, sql]) => sql!,
)
let server: PostgresServer

before(async () => {
  server = await startPostgres()
  for (const name of ['shop', 'older']) await fillSample(server, name, 500)
})
after(() => server.close())

const as = (role: string, password: string, database = 'shop'): string =>
  server.url(database).replace(/\/\/[^@]+@/, `//${role}:${password}@`)

async function write(url: string): Promise<unknown> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query('SET default_transaction_read_only = off') // which anybody may
    return await client.query(`INSERT INTO people VALUES (3, 'Eve')`)
  } finally {
    await client.end()
  }
}

suite('docs/least-rights.md', () => {
  test('its roles are enough to back up, to drill elsewhere and to restore beside, and can do nothing more', async (t) => {
    for (const sql of [dumps, restores, drills]) await server.query(sql!)
    const spare = as('drill', 'choose-a-third', 'postgres')
    const strategy = {
      database_url: as('backup', 'choose-one'),
      restore: { database_url: as('restorer', 'choose-another') },
      drill: {
        database_url: spare,
        checks: [{ name: 'people', sql: 'SELECT count(*) FROM people', expect: 2 }],
      },
    }
    const world = await makeWorld(t, { postgres: server, strategies: { shop: strategy } })
    const run = await world.backup()
    assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
    assert.deepEqual(run.backup!.warnings, [])

    const { id } = await world.engine.startDrill('shop', 'latest', { trigger: 'person', actor: person })
    const drilled = await world.finish(id)
    assert.equal(drilled.state, 'succeeded', drilled.fault?.text ?? '')

    const ask = {
      backup: 'latest',
      strategy: 'shop',
      targetDb: 'shop_again',
      targetUrl: null,
      noOwner: true,
      reason: null,
    }
    const planned = await world.engine.requestRestore(ask, person)
    const restored = await world.finish(
      (await world.engine.confirm(planned.id, planned.version, person)).run!,
    )
    assert.equal(restored.state, 'succeeded', restored.fault?.text ?? '')
    assert.deepEqual(await server.query('SELECT count(*)::int AS n FROM orders', 'shop_again'), [{ n: 500 }])

    const rights = await server.query(
      `SELECT rolname, rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls AS mighty,
      has_table_privilege(rolname, 'public.orders', 'INSERT, UPDATE, DELETE, TRUNCATE') AS writes
      FROM pg_roles WHERE rolname IN ('backup', 'restorer', 'drill') ORDER BY rolname`,
      'shop',
    )
    for (const { mighty, writes } of rights) assert.deepEqual([mighty, writes], [false, false])
    assert.equal(rights.length, 3)
    await assert.rejects(write(as('backup', 'choose-one')), { code: '42501' })
  })

  test('what it says for PostgreSQL before 14 is enough too, also for tables that come later', async (t) => {
    await server.query(dumpsBefore14!.replaceAll('backup', 'backup12'), 'older')
    await server.query('CREATE TABLE later (id serial); INSERT INTO later DEFAULT VALUES', 'older')
    const database_url = as('backup12', 'choose-one', 'older')
    const world = await makeWorld(t, { postgres: server, strategies: { older: { database_url } } })
    const run = await world.backup()
    assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
    assert.equal(run.backup!.tables, 3)
    await assert.rejects(write(database_url), { code: '42501' })
  })
})
