import assert from 'node:assert/strict'
import { after, before, suite, test, type TestContext } from 'node:test'
import pg from 'pg'
import { postgres } from '../../../src/sources/postgres/index.ts'
import type { SwapNames, Swapping } from '../../../src/sources/source.ts'
import { beside, openBench, type Bench } from '../../contracts/source.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'
import { exists } from './databases.ts'

const never = new AbortController().signal
const stamp = '20261120_060000'
let server: PostgresServer
let made = 0

before(async () => void (server = await startPostgres()))
after(() => server.close())

interface Pair extends Bench {
  names: SwapNames
  swapping: Swapping
}

/** A database, and a restored one beside it, each knowing which it is. */
async function pair(
  t: TestContext,
  url: (name: string) => string = (name) => server.url(name),
): Promise<Pair> {
  const name = `shop_${++made}`
  const names = { name, beside: `${name}_restore_${stamp}`, kept: `${name}_before_${stamp}` }
  for (const database of [names.name, names.beside]) {
    await server.createDatabase(database)
    await server.query(`CREATE TABLE who AS SELECT '${database}'::text AS name`, database)
  }
  const bench = await openBench(t, { facts: { driver: postgres }, url: url(name) })
  return { ...bench, names, swapping: bench.source.swap! }
}

const who = async (database: string): Promise<unknown> =>
  (await server.query('SELECT name FROM who', database))[0]!.name

/** What people would compare: everything of pg_database and pg_db_role_setting but numbers and files. */
async function properties(database: string): Promise<unknown> {
  const name = pg.escapeLiteral(database)
  const rows = await server.query(
    `SELECT pg_get_userbyid(datdba) AS owner, datconnlimit, datallowconn, datistemplate, shobj_description(oid, 'pg_database') AS comment,
       ARRAY(SELECT a::text FROM unnest(datacl) a ORDER BY 1) AS acl, datacl IS NULL AS usual
     FROM pg_database WHERE datname = ${name}`,
  )
  const settings = await server.query(
    `SELECT COALESCE(setrole::regrole::text, '-') AS role, setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase
     WHERE datname = ${name} ORDER BY 1`,
  )
  return { ...rows[0], settings }
}

async function connected(
  t: TestContext,
  url: string,
): Promise<{ client: pg.Client; ended: Promise<unknown> }> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  await client.connect()
  t.after(() => client.end().catch(() => undefined))
  return { client, ended: new Promise((resolve) => client.once('end', resolve)) }
}

suite('the swap of two databases', () => {
  test('gives the restored one name, owner, settings, grants, limit and comment; the swap back changes none', async (t) => {
    const p = await pair(t)
    const { name, beside: fresh, kept } = p.names
    await server.query(`
      CREATE ROLE "own-er"; CREATE ROLE app; CREATE ROLE reader; CREATE ROLE sub;
      ALTER DATABASE ${name} OWNER TO "own-er"; ALTER DATABASE ${name} CONNECTION LIMIT 77;
      COMMENT ON DATABASE ${name} IS E'it''s\\nthe \\\\ shop';
      REVOKE ALL ON DATABASE ${name} FROM PUBLIC;
      GRANT CONNECT ON DATABASE ${name} TO app WITH GRANT OPTION; GRANT CREATE, TEMPORARY ON DATABASE ${name} TO reader;
      SET ROLE app; GRANT CONNECT ON DATABASE ${name} TO sub; RESET ROLE;
      ALTER DATABASE ${name} SET search_path TO "$user", 'we ird', public; ALTER DATABASE ${name} SET "myapp.tenant" TO E'a''b\\\\c';
      ALTER DATABASE ${name} SET statement_timeout TO '5min'; ALTER DATABASE ${name} SET default_transaction_read_only TO on;
      ALTER ROLE app IN DATABASE ${name} SET work_mem TO '12MB'; ALTER ROLE app IN DATABASE ${name} SET search_path TO ''`)
    const [old, plain] = [await properties(name), await properties(fresh)]
    assert.notDeepEqual(plain, old)
    const swap = await p.swapping.identify(p.names, never)
    const done = await p.swapping.exchange(swap, { force: false, carry: true }, never)
    assert.equal(done.sessions, 0)
    assert.deepEqual([await who(name), await who(kept), await exists(server, fresh)], [fresh, name, false])
    assert.deepEqual(await properties(name), old)
    assert.deepEqual(await properties(kept), old)
    assert.equal(await p.swapping.standing(swap, never), 'new')

    const back = await p.swapping.identify({ name, beside: kept, kept: fresh }, never)
    assert.deepEqual([back.oldId, back.newId], [swap.newId, swap.oldId])
    await p.swapping.exchange(back, { force: true, carry: false }, never)
    assert.deepEqual([await who(name), await who(fresh)], [name, fresh])
    assert.deepEqual(await properties(name), old)
    assert.equal(await p.swapping.standing(swap, never), 'old')
  })

  test('a database that nobody granted anything on has no grants afterwards', async (t) => {
    const p = await pair(t)
    const old = await properties(p.names.name)
    await p.swapping.exchange(await p.swapping.identify(p.names, never), { force: false, carry: true }, never)
    assert.deepEqual(await properties(p.names.name), old)
    assert.equal((old as { usual: boolean }).usual, true)
  })

  test('sessions are in the way, and with force they end; who comes back finds the restored one', async (t) => {
    const p = await pair(t)
    const { name, beside: fresh } = p.names
    const { client, ended } = await connected(t, server.url(name))
    const swap = await p.swapping.identify(p.names, never)
    const gently = p.swapping.exchange(swap, { force: false, carry: true }, never)
    await assert.rejects(gently, { code: 'database-locked', message: /one session is still in/ })
    await client.query('SELECT 1')
    assert.equal(await who(name), name)
    const { sessions, downMs } = await p.swapping.exchange(swap, { force: true, carry: true }, never)
    await ended
    assert.ok(sessions >= 1 && downMs < 5_000, `${sessions} sessions, ${downMs} ms`)
    assert.equal(await who(name), fresh)
  })

  test('a database of the same name that is another one is neither exchanged nor removed', async (t) => {
    const p = await pair(t)
    const { name, beside: fresh, kept } = p.names
    const swap = await p.swapping.identify(p.names, never)
    await server.query(`DROP DATABASE ${fresh}`)
    await server.createDatabase(fresh)
    const exchange = p.swapping.exchange(swap, { force: true, carry: true }, never)
    await assert.rejects(exchange, { code: 'stale' })
    assert.equal(await p.swapping.remove({ name: fresh, id: swap.newId }, never), 'foreign')
    assert.equal(
      await p.swapping.remove({ name: fresh, id: null }, never),
      'removed',
      'empty, and of this user',
    )
    assert.equal(
      await p.swapping.remove({ name, id: null }, never),
      'foreign',
      'it holds a table and has no mark',
    )
    assert.equal(await p.swapping.remove({ name: kept, id: swap.oldId }, never), 'absent')
    assert.equal(await who(name), name)
    const again = { ...p.names, kept: name.replace('shop', 'taken') }
    await server.createDatabase(again.kept)
    await server.createDatabase(fresh)
    const taken = p.swapping.exchange(
      await p.swapping.identify(again, never),
      { force: true, carry: true },
      never,
    )
    await assert.rejects(taken, { code: 'target-exists' })
    assert.equal(await who(name), name)
  })

  test('a setting that cannot be carried over stops the swap before anything is renamed', async (t) => {
    const p = await pair(t)
    const { name } = p.names
    await server.query(`ALTER DATABASE ${name} SET session_preload_libraries TO 'auto_explain'`)
    await server.query(`CREATE ROLE "keeper_${made}" LOGIN CREATEDB PASSWORD 'k'`)
    for (const one of [name, p.names.beside])
      await server.query(`ALTER DATABASE ${one} OWNER TO "keeper_${made}"`)
    const url = server.url(name).replace(/\/\/.*@/, `//keeper_${made}:k@`)
    const { source } = await openBench(t, { facts: { driver: postgres }, url })
    const swap = await source.swap!.identify(p.names, never)
    await assert.rejects(source.swap!.exchange(swap, { force: true, carry: true }, never), {
      code: /restore-failed|database-refused/ as unknown as string,
    })
    assert.equal(await who(name), name)
    assert.equal(await exists(server, p.names.beside), true)
  })

  test('the owner with CREATEDB and pg_signal_backend may do it, and is no superuser', async (t) => {
    const p = await pair(t)
    const { name, beside: fresh } = p.names
    const owner = `owner_${made}`
    await server.query(
      `CREATE ROLE ${owner} LOGIN CREATEDB PASSWORD 'o' IN ROLE pg_signal_backend; CREATE ROLE app_${made} LOGIN PASSWORD 'a'`,
    )
    for (const one of [name, fresh]) await server.query(`ALTER DATABASE ${one} OWNER TO ${owner}`)
    await server.query(
      `ALTER DATABASE ${name} SET work_mem TO '9MB'; GRANT CONNECT ON DATABASE ${name} TO app_${made}`,
    )
    const old = await properties(name)
    const { ended } = await connected(t, server.url(name).replace(/\/\/.*@/, `//app_${made}:a@`))
    const url = server.url(name).replace(/\/\/.*@/, `//${owner}:o@`)
    const { source } = await openBench(t, { facts: { driver: postgres }, url })
    const swap = await source.swap!.identify(p.names, never)
    const { sessions } = await source.swap!.exchange(swap, { force: true, carry: true }, never)
    await ended
    assert.equal(sessions, 1)
    assert.deepEqual([await who(name), await properties(name)], [fresh, old])
    assert.equal(await source.swap!.remove({ name: p.names.kept, id: swap.oldId }, never), 'removed')
  })

  test('two restores into one database exclude each other', async (t) => {
    const p = await pair(t)
    const other = await openBench(t, { facts: { driver: postgres }, url: server.url(p.names.name) })
    await p.swapping.alone(p.names.name, never, async () => {
      const second = other.source.swap!.alone(p.names.name, never, async () => assert.fail('both'))
      await assert.rejects(second, { code: 'busy' })
    })
    await other.source.swap!.alone(p.names.name, never, async () => undefined)
  })
})

suite('the plan of a restore in place', () => {
  const request = { ...beside, stamp, inPlace: { freshnessSql: 'SELECT max(id) FROM sold' } }

  test('names what will happen, and says what the newest data is', async (t) => {
    const p = await pair(t)
    await server.query('CREATE TABLE sold AS SELECT 41 + n AS id FROM generate_series(0, 1) n', p.names.name)
    const backup = await p.backUp()
    const plan = await p.source.plan(backup, request, never)
    assert.deepEqual(
      [plan.mode, plan.name, plan.swap, plan.newest],
      ['in-place', p.names.name, p.names, '42'],
    )
    assert.deepEqual(plan.blockers, [])
    const broken = { ...request, inPlace: { freshnessSql: 'DELETE FROM sold RETURNING id' } }
    const careful = await p.source.plan(backup, broken, never)
    assert.match(careful.warnings.join(), /newest data is unknown.*read-only transaction/)
    assert.equal(careful.newest, null)
  })

  test('says first who may not rename, end sessions or carry settings over, and what to do instead', async (t) => {
    const { names, backUp } = await pair(t)
    const { name } = names
    const backup = await backUp()
    await server.query(`CREATE ROLE "reader_${made}" LOGIN PASSWORD 'r'`)
    const url = server.url(name).replace(/\/\/.*@/, `//reader_${made}:r@`)
    const { source } = await openBench(t, {
      facts: { driver: postgres },
      url: server.url(name),
      settings: { restoreUrl: url },
    })
    const plan = async (): Promise<string> => (await source.plan(backup, request, never)).blockers.join('\n')
    assert.match(
      await plan(),
      /may not rename "shop_\d+" \(its owner is "postgres"\).*restore beside only, or with --clean/,
    )
    await server.query(
      `ALTER ROLE "reader_${made}" CREATEDB; ALTER DATABASE ${name} OWNER TO "reader_${made}"`,
    )
    assert.doesNotMatch(await plan(), /may not/)
    await connected(t, server.url(name))
    assert.match(await plan(), /may not end sessions of postgres: GRANT pg_signal_backend/)
    await server.query(
      `CREATE ROLE "app_${made}"; ALTER ROLE "app_${made}" IN DATABASE ${name} SET work_mem TO '9MB'`,
    )
    await server.query(`ALTER DATABASE ${name} SET log_statement TO 'all'`)
    assert.match(
      await plan(),
      /may not carry over what app_\d+ set or granted on it and its setting of log_statement/,
    )
    const some = await source.plan(backup, { ...request, tables: ['public.who'] }, never)
    assert.match(some.blockers.join(), /single tables are not restored in place/)
  })
})
