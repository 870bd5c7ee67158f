import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { createConnection } from 'mysql2/promise'
import { mysql } from '../../../src/sources/mysql/index.ts'
import { beside, openBench, type Bench } from '../../contracts/source.ts'
import type { MariadbServer } from '../../support/mariadb.ts'
import { flavour, startServer } from '../../support/mysql.ts'
import { fileInput } from '../../support/source-sink.ts'
import { describe } from './databases.ts'

const never = new AbortController().signal
let server: MariadbServer
let made = 0

before(async () => void (server = await startServer()))
after(() => server.close())

async function create(...statements: string[]): Promise<string> {
  const name = `shop_${++made}`
  await server.createDatabase(name)
  for (const sql of statements) await server.query(sql, name)
  return name
}

const bench = (t: TestContext, name: string, options: object = {}): Promise<Bench> =>
  openBench(t, { facts: { driver: mysql, options: { ...options } }, url: server.url(name) })

const over = (name: string) => ({ ...beside, database: name, clean: true })
const parentAndChild = [
  'CREATE TABLE customers (id INT PRIMARY KEY)',
  'CREATE TABLE orders (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES customers (id))',
  'INSERT INTO customers VALUES (1), (2)',
  'INSERT INTO orders VALUES (1, 1)',
]

const leftOf = async (name: string): Promise<unknown[]> =>
  (await server.query('SHOW DATABASES')).filter(({ Database }) => String(Database).startsWith(`${name}_`))

suite(`overwriting in ${flavour} never leaves a foreign key that refers elsewhere`, () => {
  test('a table whose parent is not chosen with it', async (t) => {
    const name = await create(...parentAndChild)
    const b = await bench(t, name)
    const backup = await b.backUp()
    const was = await describe(server, name)
    for (const [table, words] of [
      ['orders', /"orders" refers to "customers", which is not restored with it/],
      ['customers', /"orders" refers to "customers", which would be replaced/],
    ] as const) {
      const request = { ...over(name), tables: [table] }
      assert.match((await b.source.plan(backup, request, never)).blockers.join(), words)
      await assert.rejects(b.restore(backup, request), { code: 'target-invalid', message: words })
    }
    assert.deepEqual(await describe(server, name), was)
    assert.deepEqual(await leftOf(name), [])
    await b.restore(backup, { ...over(name), tables: ['orders', 'customers'] })
    assert.deepEqual(await describe(server, name), was)
  })

  test('a table whose parent the backup leaves out, also when the target has no such key now', async (t) => {
    const name = await create(...parentAndChild)
    const b = await bench(t, name, { exclude_tables: ['customers'] })
    const backup = await b.backUp()
    const refused = { code: 'target-invalid', message: /which is not restored with it/ }
    await assert.rejects(b.restore(backup, over(name)), refused)
    await server.query('ALTER TABLE orders DROP FOREIGN KEY orders_ibfk_1', name)
    assert.deepEqual((await b.source.plan(backup, over(name), never)).blockers, [])
    const was = await describe(server, name)
    await assert.rejects(b.restore(backup, over(name)), refused)
    assert.deepEqual(await describe(server, name), was)
    assert.deepEqual(await leftOf(name), [])
  })

  test('a table of another database that has the same name as one that is replaced', async (t) => {
    const name = await create('CREATE TABLE customers (id INT PRIMARY KEY)', 'CREATE TABLE orders (id INT)')
    await server.query(
      `CREATE DATABASE other_${name}; CREATE TABLE other_${name}.orders (c INT, FOREIGN KEY (c) REFERENCES ${name}.customers (id))`,
    )
    const b = await bench(t, name)
    const backup = await b.backUp()
    const words = new RegExp(`"other_${name}\\.orders" refers to "customers"`)
    assert.match((await b.source.plan(backup, over(name), never)).blockers.join(), words)
    await assert.rejects(b.restore(backup, over(name)), { code: 'target-invalid', message: words })
    assert.deepEqual(await leftOf(name), [])
  })
})

suite(`overwriting single tables of ${flavour}`, () => {
  test('keeps the triggers that they have, and the plan says so', async (t) => {
    const name = await create(
      'CREATE TABLE t (a INT)',
      'CREATE TABLE audit (a INT)',
      'CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW INSERT INTO audit VALUES (NEW.a)',
    )
    const b = await bench(t, name)
    const backup = await b.backUp()
    const was = await describe(server, name)
    const request = { ...over(name), tables: ['t'] }
    assert.match((await b.source.plan(backup, request, never)).warnings.join(), /triggers .* have now stay/)
    await b.restore(backup, request)
    assert.deepEqual(await describe(server, name), was)
  })
})

suite(`overwriting in ${flavour} while somebody works in a table`, () => {
  test('gives up before any trigger is dropped', async (t) => {
    const name = await create(
      'CREATE TABLE a (x INT)',
      'CREATE TABLE b (x INT)',
      'CREATE TRIGGER tr AFTER INSERT ON a FOR EACH ROW SET @x = 1',
    )
    const b = await bench(t, name)
    const backup = await b.backUp()
    const made = 'SELECT CREATED AS at FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()'
    const was = await server.query(made, name)
    const other = await createConnection(server.url(name))
    try {
      await other.query('BEGIN')
      await other.query('SELECT * FROM b')
      await assert.rejects(b.restore(backup, over(name)), { hint: 'everything is as it was' })
    } finally {
      await other.end()
    }
    assert.deepEqual(await server.query(made, name), was)
    assert.deepEqual(await leftOf(name), [])
  })
})

suite(`a drill of ${flavour}`, () => {
  test('does not miss an event whose time is over', async (t) => {
    const name = await create(
      'CREATE TABLE t (a INT)',
      "CREATE EVENT once ON SCHEDULE AT '2037-01-01' DO SELECT 1",
      "CREATE EVENT ends ON SCHEDULE EVERY 1 DAY STARTS '2036-01-01' ENDS '2037-01-01' DO SELECT 1",
      "CREATE EVENT stays ON SCHEDULE EVERY 1 DAY STARTS '2036-01-01' DO SELECT ' ENDS ON COMPLETION NOT PRESERVE'",
      "CREATE EVENT later ON SCHEDULE AT '2038-01-01' ON COMPLETION PRESERVE DO SELECT 1",
    )
    const b = await bench(t, name)
    const backup = await b.backUp()
    const path = join(b.out, b.artifact())
    const input = () => fileInput(path, b.processes, b.running)
    const at = { url: server.url(), stamp: beside.stamp }
    const past = (await readFile(path, 'utf8')).replaceAll('2037-', '2025-').replaceAll('2036-', '2024-')
    for (const text of [await readFile(path, 'utf8'), past]) {
      await writeFile(path, text)
      const scratch = await b.source.scratch!.open(backup, at, never)
      await scratch.restore(async () => input(), never)
      const { counted } = await scratch.objects(never)
      assert.deepEqual(counted, { TABLE: 1, EVENT: 2 })
      assert.deepEqual(await scratch.objectsOf(input(), never), counted)
      await scratch.close()
    }
  })
})
