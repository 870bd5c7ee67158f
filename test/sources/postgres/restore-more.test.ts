import assert from 'node:assert/strict'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import type { Manifest } from '../../../src/core/model.ts'
import { postgres } from '../../../src/sources/postgres/index.ts'
import type { TargetRequest } from '../../../src/sources/source.ts'
import { beside, openBench, plainFiles, temporary, type Bench } from '../../contracts/source.ts'
import { until } from '../../support/bot.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'
import { contentOf, exists, hardToCopy } from './databases.ts'

const never = new AbortController().signal
let server: PostgresServer
let made = 0

before(async () => void (server = await startPostgres()))
after(() => server.close())

const shopSql = `
  CREATE SCHEMA "My Sales";
  CREATE TABLE customers (id serial PRIMARY KEY, name text);
  INSERT INTO customers (name) SELECT 'c' || n FROM generate_series(1, 300) n;
  CREATE TABLE "My Sales"."Orders" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int REFERENCES customers, note text DEFAULT 'x');
  INSERT INTO "My Sales"."Orders" (customer) SELECT 1 + n % 300 FROM generate_series(1, 900) n;
  CREATE INDEX by_customer ON "My Sales"."Orders" (customer);
  COMMENT ON TABLE "My Sales"."Orders" IS 'sold';
  CREATE TABLE customers_old (id int); INSERT INTO customers_old VALUES (1);`

async function shop(t: TestContext, sql = shopSql): Promise<Bench & { name: string }> {
  const name = `shop_${++made}`
  await server.createDatabase(name)
  await server.query(sql, name)
  return { ...(await openBench(t, { facts: { driver: postgres }, url: server.url(name) })), name }
}

const into = (database: string, more: Partial<TargetRequest> = {}): TargetRequest => ({
  ...beside,
  database,
  ...more,
})
const count = async (table: string, database: string): Promise<unknown> =>
  (await server.query(`SELECT count(*)::int AS n FROM ${table}`, database))[0]!.n

suite('some tables of a backup', () => {
  test('come with rows, defaults, sequences, keys and indexes, and without the rest', async (t) => {
    const b = await shop(t)
    const backup = await b.backUp()
    const tables = ['"My Sales"."Orders"', 'public.customers'].map((name) =>
      name.replaceAll('"Orders"', 'Orders'),
    )
    const wanted = { ...backup, tables: backup.tables!.filter(({ name }) => tables.includes(name)) }
    const restored = await b.restore(wanted, into('some', { tables }))
    assert.deepEqual(restored.tables, wanted.tables)
    assert.match(restored.warnings.join(), /foreign keys, triggers and policies/)
    const [{ id } = {}] = await server.query(
      `INSERT INTO "My Sales"."Orders" DEFAULT VALUES RETURNING id`,
      'some',
    )
    assert.equal(id, 901)
    assert.equal(
      (await server.query(`INSERT INTO customers DEFAULT VALUES RETURNING id`, 'some'))[0]!.id,
      301,
    )
    const names = await server.query(
      `SELECT relname FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace IN ('public'::regnamespace, '"My Sales"'::regnamespace) ORDER BY 1`,
      'some',
    )
    assert.deepEqual(
      names.map(({ relname }) => relname),
      ['Orders', 'Orders_pkey', 'by_customer', 'customers', 'customers_pkey'],
    )
  })

  test('one that the backup does not hold is refused, and no database is left', async (t) => {
    const b = await shop(t)
    const backup = await b.backUp()
    await assert.rejects(b.restore({ ...backup, tables: [] }, into('nope', { tables: ['public.gone'] })), {
      code: 'target-invalid',
      message: /holds no table public\.gone/,
    })
    assert.equal(await exists(server, 'nope'), false)
  })
})

suite('several jobs', () => {
  test('load the same content', async (t) => {
    const b = await shop(t, hardToCopy.sql)
    await b.restore(await b.backUp(), into('parallel', { jobs: 3 }))
    assert.equal(await contentOf(server, 'parallel'), await contentOf(server, b.name))
  })

  test('that fail leave an empty target labelled partial, and a new one gone', async (t) => {
    const picky = `CREATE TABLE picky (id int CHECK (current_database() ~ '^shop_')); INSERT INTO picky VALUES (1);`
    const b = await shop(t, shopSql + picky)
    const backup = await b.backUp()
    await server.createDatabase('empty one')
    for (const database of ['empty one', 'new one'])
      await assert.rejects(b.restore(backup, into(database, { jobs: 2 })), { code: 'restore-failed' })
    const [row] = await server.query(
      `SELECT shobj_description(oid, 'pg_database') AS label FROM pg_database WHERE datname = 'empty one'`,
    )
    assert.match(String(row!.label), /partial restore/)
    assert.equal(await exists(server, 'new one'), false)
  })
})

suite('overwriting a database that holds something', () => {
  async function occupied(name: string): Promise<void> {
    await server.createDatabase(name)
    await server.query(
      `CREATE TABLE customers (id int, old boolean); INSERT INTO customers VALUES (7, true);
       CREATE TABLE mine (x int); INSERT INTO mine VALUES (1); COMMENT ON DATABASE ${name} IS 'ours'`,
      name,
    )
  }

  test('what the backup holds is replaced, everything else stays', async (t) => {
    const b = await shop(t)
    const backup = await b.backUp()
    await occupied('used')
    const request = into('used', { clean: true })
    const plan = await b.source.plan(backup, request, never)
    assert.deepEqual([plan.exists, plan.empty, plan.blockers], [true, false, []])
    const restored = await b.restore(backup, request)
    assert.deepEqual(restored.tables, backup.tables)
    assert.deepEqual([await count('customers', 'used'), await count('mine', 'used')], [300, 1])
  })

  test('without --clean, and with several jobs, it is blocked', async (t) => {
    const b = await shop(t)
    const backup = await b.backUp()
    await occupied('busy')
    const blockers = async (request: TargetRequest): Promise<string> =>
      (await b.source.plan(backup, request, never)).blockers.join()
    assert.match(await blockers(into('busy')), /is not empty/)
    assert.match(await blockers(into('busy', { clean: true, jobs: 2 })), /exclude each other/)
  })

  const changes: Record<string, () => Promise<void>> = {
    'an object that depends on what is replaced': async () =>
      void (await server.query('CREATE VIEW v AS SELECT * FROM customers', 'kept')),
    'a trigger that adds rows of its own': async () =>
      void (await server.query(
        `CREATE FUNCTION more() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
           IF to_regclass('public.customers_old') IS NOT NULL AND NOT EXISTS (SELECT FROM public.customers_old WHERE id = 99)
           THEN INSERT INTO public.customers_old VALUES (99); END IF; END $$;
         CREATE EVENT TRIGGER more ON ddl_command_end EXECUTE FUNCTION more()`,
        'kept',
      )),
  }
  for (const [what, change] of Object.entries(changes))
    test(`${what}: it fails, and the old data is still there`, async (t) => {
      const b = await shop(t, `${shopSql} SELECT lo_from_bytea(0, 'a large object')`)
      const backup = await b.backUp()
      await server.query('DROP DATABASE IF EXISTS kept')
      await occupied('kept')
      await change()
      await assert.rejects(b.restore(backup, into('kept', { clean: true })), { code: 'restore-failed' })
      assert.deepEqual(await server.query('SELECT * FROM customers', 'kept'), [{ id: 7, old: true }])
      const [row] = await server.query(
        `SELECT shobj_description(oid, 'pg_database') AS label FROM pg_database WHERE datname = 'kept'`,
      )
      assert.equal(row!.label, 'ours', 'it is not partial')
    })
})

suite('plain SQL', () => {
  async function scripted(
    t: TestContext,
    text: string,
  ): Promise<{ b: Bench & { name: string }; backup: Manifest }> {
    const b = await shop(t)
    const backup = await b.backUp()
    await writeFile(join(b.out, b.artifact()), text)
    return { b, backup: { ...backup, format: 'sql', tables: null } }
  }

  for (const [what, sql, database] of [
    ['new', hardToCopy.sql, 'from_sql'],
    ['empty', shopSql, 'prepared_sql'],
  ] as const)
    test(`as pg_dump writes it is restored into a ${what} database, its own guards and all`, async (t) => {
      const b = await shop(t, sql)
      const backup: Manifest = { ...(await b.backUp()), format: 'sql', tables: null }
      const file = join(b.out, b.artifact())
      const env = { ...process.env, PGPASSWORD: server.password }
      const argv = ['-h', '127.0.0.1', '-p', String(server.port), '-U', server.superuser, '-d', b.name]
      await promisify(execFile)('/usr/lib/postgresql/15/bin/pg_dump', [...argv, '-f', file], { env })
      assert.match(await readFile(file, 'utf8'), /^\\restrict /m)
      await b.source.prove('dump', plainFiles.input(file, b.processes, b.running), never, 'sql')
      if (what === 'empty') await server.createDatabase(database)
      await b.restore(backup, into(database))
      assert.equal(await contentOf(server, database), await contentOf(server, b.name))
    })

  test('its first error stops it, and the database is gone', async (t) => {
    const { b, backup } = await scripted(
      t,
      'CREATE TABLE a (x int);\nINSERT INTO b VALUES (1);\nCREATE TABLE c (x int);\n',
    )
    await assert.rejects(b.restore(backup, into('stopped')), {
      code: 'restore-failed',
      message: /relation "b" does not exist/,
    })
    assert.equal(await exists(server, 'stopped'), false)
  })

  test('in an empty database that was there, it is all or nothing', async (t) => {
    await server.createDatabase('there')
    const broken = await scripted(t, 'CREATE TABLE a (x int);\nSELECT 1/0;\n')
    await assert.rejects(broken.b.restore(broken.backup, into('there')), { code: 'restore-failed' })
    assert.deepEqual(await server.query(`SELECT FROM pg_class WHERE relname = 'a'`, 'there'), [])
    const own = await scripted(t, 'BEGIN;\nCREATE TABLE a (x int);\nCOMMIT;\n')
    await assert.rejects(own.b.restore(own.backup, into('there')), { code: 'target-invalid' })
    await own.b.restore(own.backup, into('own_transactions'))
    assert.equal(await count('a', 'own_transactions'), 0)
  })

  for (const [what, text] of Object.entries({
    'at the start of a line': 'SELECT 1;\n\\! touch FILE\n',
    'behind a statement': 'SELECT 1 \\g |touch FILE\n',
    'hidden in a body that is no body': `CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC\nSELECT 1;\nCOPY t FROM stdin;\n\\! touch FILE\nEND;\n`,
    'behind a text that ends early': `SET standard_conforming_strings = off;\nSELECT 'a\\';\n\\! touch FILE\n--';\n`,
  }))
    test(`a command of psql ${what} is never run`, async (t) => {
      const file = join(await temporary(t), 'never')
      const { b, backup } = await scripted(t, text.replaceAll('FILE', file))
      await assert.rejects(b.restore(backup, into('never_made')))
      assert.equal(existsSync(file), false)
      assert.equal(await exists(server, 'never_made'), false)
    })

  test('rows that look like commands are rows', async (t) => {
    const rows = `CREATE TABLE r (t text);\nCOPY public.r (t) FROM stdin;\n\\\\! ls\n\\N\n\\\\.x\n\\.\nSELECT E'\\\\! \\'', $$\\! $$;\n`
    const { b, backup } = await scripted(t, rows)
    await b.restore(backup, into('rows_only'))
    assert.equal(await count('r', 'rows_only'), 3)
  })
})

test('the plan names the roles that the target lacks, read from the front of the dump', async (t) => {
  await server.query(`CREATE ROLE "A; owner"; CREATE ROLE reader`)
  const b = await shop(
    t,
    `${shopSql} ALTER TABLE customers OWNER TO "A; owner"; GRANT SELECT ON customers_old TO reader`,
  )
  const backup = await b.backUp()
  for (const role of ['"A; owner"', 'reader'])
    await server.query(
      `REASSIGN OWNED BY ${role} TO postgres; DROP OWNED BY ${role}; DROP ROLE ${role}`,
      b.name,
    )
  const front = join(b.out, 'front')
  const whole = await readFile(join(b.out, b.artifact()))
  await writeFile(front, whole.subarray(0, whole.length - 2_000))
  const input = plainFiles.input(front, b.processes, b.running)
  const plan = await b.source.plan(backup, beside, never, input)
  assert.deepEqual(plan.missingRoles.toSorted(), ['A; owner', 'reader'])
  assert.match(plan.warnings.join(), /will be restored without owners and grants/)
  assert.deepEqual((await b.source.plan(backup, { ...beside, noOwner: true }, never, input)).missingRoles, [])
  await copyFile(front, join(b.out, 'short'))
  await writeFile(join(b.out, 'short'), whole.subarray(0, 200))
  const short = await b.source.plan(
    backup,
    beside,
    never,
    plainFiles.input(join(b.out, 'short'), b.processes, b.running),
  )
  assert.match(short.warnings.join(), /unknown before all of it was fetched/)
})

test('a server that works for the run shows it; one that waits for a lock, or for us, does not', async (t) => {
  const b = await shop(t)
  const open = async (): Promise<pg.Client> => {
    const client = new pg.Client({
      connectionString: server.url(b.name),
      application_name: `easy-backup ${b.runId}`,
    })
    await client.connect()
    t.after(() => client.end())
    return client
  }
  const works = async (expected: boolean): Promise<void> => {
    await until(async () => (await b.source.works!(never)) === expected, `it says ${expected}`)
  }
  const [mine, other] = [await open(), await open()]
  await works(false)
  const [{ pid }] = (await mine.query('SELECT pg_backend_pid() AS pid')).rows as [{ pid: number }]
  const busy = assert.rejects(mine.query('DO $$ BEGIN LOOP NULL; END LOOP; END $$'), /canceling statement/)
  await works(true)
  await server.query(`SELECT pg_cancel_backend(${pid})`)
  await busy
  await works(false)
  await other.query('BEGIN; LOCK TABLE customers')
  const waiting = mine.query('SELECT count(*) FROM customers')
  const lock = `SELECT FROM pg_stat_activity WHERE pid = ${pid} AND wait_event_type = 'Lock'`
  await until(async () => (await server.query(lock)).length > 0, 'it waits for the lock')
  assert.equal(await b.source.works!(never), false)
  await other.query('COMMIT')
  await waiting
})
