import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { truncate, stat } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { postgres } from '../../../src/sources/postgres/index.ts'
import type { SourceSettings, TargetRequest } from '../../../src/sources/source.ts'
import { beside, openBench, type Bench } from '../../contracts/source.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'
import { exists } from './databases.ts'

const never = new AbortController().signal
let server: PostgresServer
let made = 0

before(async () => void (server = await startPostgres()))
after(() => server.close())

async function shop(
  t: TestContext,
  sql: string,
  settings: Partial<SourceSettings> = {},
): Promise<Bench & { name: string }> {
  const name = `shop_${++made}`
  await server.createDatabase(name)
  await server.query(sql, name)
  const b = await openBench(t, { facts: { driver: postgres }, url: server.url(name), settings })
  return { ...b, name }
}

const orders = 'CREATE TABLE orders (id int); INSERT INTO orders SELECT generate_series(1, 5000);'
const into = (database: string): TargetRequest => ({ ...beside, database })

test('roles that are missing on the server: owners and grants are left out, and that is said', async (t) => {
  await server.query(`CREATE ROLE "Bob; the owner"; CREATE ROLE "gra""ntee"`)
  const b = await shop(
    t,
    `${orders} ALTER TABLE orders OWNER TO "Bob; the owner"; GRANT SELECT ON orders TO "gra""ntee"`,
  )
  const backup = await b.backUp()
  const kept = await b.restore(backup, into('kept'))
  assert.deepEqual(kept.warnings, [])
  assert.equal((await ownerOf('kept')).owner, 'Bob; the owner')
  assert.match(String((await ownerOf('kept')).acl), /gra.*ntee/)
  for (const database of [b.name, 'kept'])
    await server.query(
      `REASSIGN OWNED BY "Bob; the owner" TO postgres; DROP OWNED BY "Bob; the owner", "gra""ntee"`,
      database,
    )
  await server.query(`DROP ROLE "gra""ntee"`)
  const withoutGrantee = await b.restore(backup, into('no_grantee'))
  assert.match(
    withoutGrantee.warnings.join(),
    /without owners and grants: roles are missing on the server \(gra"ntee\)/,
  )
  await server.query(`DROP ROLE "Bob; the owner"`)
  const restored = await b.restore(backup, into('no_roles'))
  assert.match(restored.warnings.join(), /Bob; the owner, gra"ntee/)
  assert.equal((await ownerOf('no_roles')).owner, 'postgres')
  assert.deepEqual(restored.tables, backup.tables)
})

async function ownerOf(database: string): Promise<Record<string, unknown>> {
  const [row] = await server.query(
    `SELECT pg_get_userbyid(relowner) AS owner, relacl::text AS acl FROM pg_class WHERE relname = 'orders'`,
    database,
  )
  return row!
}

test('a restoring user who is no superuser restores what others own', async (t) => {
  await server.query(`CREATE ROLE restorer LOGIN CREATEDB PASSWORD 'r'`)
  const restoreUrl = server.url().replace(`postgres:${server.password}`, 'restorer:r')
  const b = await shop(t, orders, { restoreUrl })
  const backup = await b.backUp()
  const restored = await b.restore(backup, into('by_restorer'))
  assert.match(restored.warnings.join(), /restoring user is no member of postgres/)
  assert.equal((await ownerOf('by_restorer')).owner, 'restorer')
  assert.match(restored.open!, /^psql -h 127\.0\.0\.1 -p \d+ -U restorer -d by_restorer$/)
})

test('without the right to create databases the plan says what to type, and nothing is tried', async (t) => {
  await server.query(`CREATE ROLE "weak one" LOGIN PASSWORD 'w'`)
  const restoreUrl = server.url().replace(`postgres:${server.password}`, 'weak%20one:w')
  const b = await shop(t, orders, { restoreUrl })
  const backup = await b.backUp()
  const plan = await b.source.plan(backup, beside, never)
  assert.match(plan.blockers.join(), /ALTER ROLE "weak one" CREATEDB;/)
  await assert.rejects(b.restore(backup), { code: 'target-invalid' })
})

test('encoding and locale of the dump are kept', async (t) => {
  await server.query(`CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`)
  await server.query(`CREATE TABLE orders (t text); INSERT INTO orders VALUES ('Zoë')`, 'latin')
  const b = await openBench(t, { facts: { driver: postgres }, url: server.url('latin') })
  await b.restore(await b.backUp(), into('latin2'))
  const [row] = await server.query(
    `SELECT pg_encoding_to_char(encoding) AS e, datcollate FROM pg_database WHERE datname = 'latin2'`,
  )
  assert.deepEqual(row, { e: 'LATIN1', datcollate: 'C' })
  assert.deepEqual(await server.query('SELECT t FROM orders', 'latin2'), [{ t: 'Zoë' }])
})

test('the tablespace of the database is kept where there is one of its name; else that is said', async (t) => {
  const client = new pg.Client({ connectionString: server.url() })
  await client.connect()
  await client.query('SET allow_in_place_tablespaces = on') // else it needs a folder of the server's user
  await client.query(`CREATE TABLESPACE "fast disk" LOCATION ''`)
  await client.end()
  await server.query('CREATE DATABASE ts TABLESPACE "fast disk"')
  await server.query('CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)', 'ts')
  const b = await openBench(t, { facts: { driver: postgres }, url: server.url('ts') })
  const backup = await b.backUp()
  assert.deepEqual((await b.restore(backup, into('ts2'))).warnings, [])
  const [row] = await server.query(
    `SELECT spcname FROM pg_database d JOIN pg_tablespace s ON s.oid = dattablespace WHERE datname = 'ts2'`,
  )
  assert.equal(row?.spcname, 'fast disk')
  await server.query('ALTER TABLESPACE "fast disk" RENAME TO other')
  assert.match((await b.restore(backup, into('ts3'))).warnings.join(), /no tablespace "fast disk"/)
})

test('an empty database that exists can be filled, all or nothing', async (t) => {
  const b = await shop(t, orders)
  const backup = await b.backUp()
  await server.createDatabase('prepared')
  const plan = await b.source.plan(backup, into('prepared'), never)
  assert.deepEqual([plan.mode, plan.exists, plan.empty, plan.blockers], ['other-database', true, true, []])
  const path = join(b.out, b.artifact())
  const { size } = await stat(path)
  await truncate(path, size - 20)
  await assert.rejects(b.restore(backup, into('prepared')), { code: 'restore-failed' })
  assert.deepEqual(
    await server.query(`SELECT relname FROM pg_class WHERE relname = 'orders'`, 'prepared'),
    [],
  )
  assert.match(await labelOf('prepared'), /partial/)
  const again = await shop(t, orders)
  await again.restore(await again.backUp(), into('prepared'))
  assert.deepEqual(await server.query('SELECT count(*)::int AS n FROM orders', 'prepared'), [{ n: 5000 }])
  assert.match(await labelOf('prepared'), /restored from shop-/)
})

async function labelOf(database: string): Promise<string> {
  const [row] = await server.query(
    `SELECT shobj_description(oid, 'pg_database') AS label FROM pg_database WHERE datname = '${database}'`,
  )
  return String(row!.label)
}

for (const [what, sql] of Object.entries({
  'a function': 'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
  'a schema': 'CREATE SCHEMA s',
  'a view': 'CREATE VIEW v AS SELECT 1',
  'a large object': `SELECT lo_create(0)`,
}))
  test(`a database that holds only ${what} is not empty`, async (t) => {
    const b = await shop(t, orders)
    const other = await shop(t, sql)
    await assert.rejects(b.restore(await b.backUp(), into(other.name)), { code: 'target-exists' })
  })

test('another server is named by its URL', async (t) => {
  const other = await startPostgres()
  t.after(() => other.close())
  const b = await shop(t, orders)
  const request = { ...beside, url: other.url('copy of shop') }
  const backup = await b.backUp()
  const plan = await b.source.plan(backup, request, never)
  assert.deepEqual([plan.mode, plan.name, plan.blockers], ['other-server', 'copy of shop', []])
  assert.ok(!JSON.stringify(plan).includes(other.password))
  await b.restore(backup, request)
  assert.deepEqual(await other.query('SELECT count(*)::int AS n FROM orders', 'copy of shop'), [{ n: 5000 }])
})

test('two restores into one target exclude each other', async (t) => {
  const b = await shop(t, orders)
  const backup = await b.backUp()
  const results = await Promise.allSettled([b.restore(backup, into('once')), b.restore(backup, into('once'))])
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
  assert.equal(failures.length, 1)
  assert.ok(['busy', 'target-exists'].includes(failures[0]))
  assert.deepEqual(await server.query('SELECT count(*)::int AS n FROM orders', 'once'), [{ n: 5000 }])
})

test('an error of the server stops the restore, is told in its words, and removes the target', async (t) => {
  const b = await shop(t, `${orders} ${picky('picky')} ${picky('picky_too')}`)
  const backup = await b.backUp()
  const fault = {
    code: 'restore-failed',
    message: /pg_restore failed: .*violates check constraint "picky_check"/,
  }
  await assert.rejects(b.restore(backup, into('broken')), fault)
  assert.equal(await exists(server, 'broken'), false)
  const errors = b.said.filter((line) => line.includes('violates check constraint'))
  assert.equal(errors.length, 1, 'it went on after the first error')
})

/** A table whose rows are only welcome in the original. */
function picky(name: string): string {
  return `CREATE TABLE ${name} (id int CHECK (current_database() ~ '^shop_[0-9]+$')); INSERT INTO ${name} VALUES (1);`
}

test('a name of more than 63 bytes is refused instead of cut', async (t) => {
  const b = await shop(t, orders)
  await assert.rejects(b.source.plan(await b.backUp(), into('x'.repeat(64)), never), {
    code: 'target-invalid',
  })
})

test('rows are counted in the target itself: a missing row shows', async (t) => {
  const b = await shop(t, orders)
  const backup = await b.backUp()
  backup.tables = [
    { name: 'public.orders', rows: 6000 },
    { name: 'public.gone', rows: 1 },
  ]
  const restored = await b.restore(backup)
  assert.deepEqual(restored.tables, [{ name: 'public.orders', rows: 5000 }])
})
