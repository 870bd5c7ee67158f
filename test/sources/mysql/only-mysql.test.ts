import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { after, before, suite, test, type TestContext } from 'node:test'
import { optionFile } from '../../../src/sources/mysql/environment.ts'
import { mysql } from '../../../src/sources/mysql/index.ts'
import { connectionTo } from '../../../src/sources/mysql/url.ts'
import { beside, openBench, temporary, type Bench } from '../../contracts/source.ts'
import type { MariadbServer } from '../../support/mariadb.ts'
import { onlyMysql, startServer } from '../../support/mysql.ts'
import { fileInput } from '../../support/source-sink.ts'
import { exists, numbers } from './databases.ts'

const never = new AbortController().signal
let server: MariadbServer
let made = 0

async function create(...statements: string[]): Promise<string> {
  const name = `shop_${++made}`
  await server.createDatabase(name)
  for (const sql of statements) await server.query(sql, name)
  return name
}

const bench = (t: TestContext, name: string, more: object = {}): Promise<Bench> =>
  openBench(t, { facts: { driver: mysql }, url: server.url(name), ...more })

/** With the clients of MariaDB alone. */
const withMariadbs = { environment: { ...process.env, PATH: '/usr/bin:/bin' } }

suite('MySQL’s own server with its binary log, GTIDs and no TLS', { skip: onlyMysql }, () => {
  before(async () => {
    server = await startServer({ tls: 'none', settings: ['--gtid-mode=ON', '--enforce-gtid-consistency=ON'] })
    await server.query("CREATE USER app IDENTIFIED BY 'pw'; GRANT ALL ON `shop\\_%`.* TO app")
  })
  after(() => server.close())

  const asApp = (name: string): string => server.url(name).replace(`root:${server.password}`, 'app:pw')

  test('a dump by the least rights names no GTID, and a restorer without rights on the server loads it', async (t) => {
    const name = await create('CREATE TABLE t (a INT)', 'INSERT INTO t VALUES (1)')
    await server.query(
      `CREATE USER reader IDENTIFIED BY 'pw'; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON ${name}.* TO reader; GRANT SHOW_ROUTINE ON *.* TO reader`,
    )
    const url = asApp(name).replace('app:', 'reader:')
    const b = await bench(t, name, { url, settings: { restoreUrl: asApp(name) } })
    const backup = await b.backUp()
    assert.doesNotMatch(await readFile(join(b.out, b.artifact()), 'utf8'), /GTID|SQL_LOG_BIN/)
    assert.deepEqual((await b.restore(backup)).tables, [{ name: 't', rows: 1 }])
  })

  test('rights that come by a role count', async (t) => {
    const name = await create('CREATE TABLE t (a INT)')
    await server.query(
      `CREATE ROLE readers; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON ${name}.* TO readers; GRANT SHOW_ROUTINE ON *.* TO readers;
       CREATE USER member IDENTIFIED BY 'pw'; GRANT readers TO member; SET DEFAULT ROLE readers TO member`,
    )
    const b = await bench(t, name, { url: asApp(name).replace('app:', 'member:') })
    assert.deepEqual((await b.backUp()).tables, [{ name: 't', rows: 0 }])
  })

  test('triggers that the target’s server would refuse are told before anything is made', async (t) => {
    const name = await create(
      'CREATE TABLE t (a INT)',
      'CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1',
    )
    const b = await bench(t, name, { settings: { restoreUrl: asApp(name) } })
    const backup = await b.backUp()
    const input = fileInput(join(b.out, b.artifact()), b.processes, b.running)
    const { blockers } = await b.source.plan(backup, beside, never, input)
    assert.match(blockers.join(), /users with SUPER make a TRIGGER: SET GLOBAL log_bin_trust/)
    await assert.rejects(b.restore(backup), { code: 'target-invalid', hint: /log_bin_trust/ })
    assert.equal(await exists(server, `${name}_restore_${beside.stamp}`), false)
    await b.restore(backup, { ...beside, tables: ['t'] })
  })

  test('a function that it refuses to everybody is told with the setting', async (t) => {
    await server.query('SET GLOBAL log_bin_trust_function_creators = 1')
    const name = await create('CREATE FUNCTION f() RETURNS INT RETURN RAND() * 10')
    await server.query('SET GLOBAL log_bin_trust_function_creators = 0')
    const b = await bench(t, name)
    const backup = await b.backUp()
    await assert.rejects(b.restore(backup), { code: 'restore-failed', hint: /log_bin_trust/ })
    assert.equal(await exists(server, `${name}_restore_${beside.stamp}`), false)
  })

  test('a trigger and an event that end with a semicolon are told, and restored', async (t) => {
    const name = await create('CREATE TABLE t (a INT)')
    await server.query('CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 2; SELECT 1', name)
    await server.query(
      "CREATE EVENT ev ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO SELECT 1; SELECT 1",
      name,
    )
    const b = await bench(t, name)
    assert.match(
      (await b.source.inspect(b.series, never)).warnings.join(),
      /^ev, tr: the text ends with a semi/,
    )
    await b.restore(await b.backUp())
    const copy = `${name}_restore_${beside.stamp}`
    await server.query('INSERT INTO t VALUES (1)', copy)
    assert.deepEqual(await server.query('SELECT * FROM t', copy), [{ a: 2 }])
  })

  test('the size of a database is that of now', async (t) => {
    const name = await create('CREATE TABLE t (a TEXT)')
    const size = 'SELECT DATA_LENGTH FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()'
    await server.query(size, name) // it is remembered for a day
    await server.query(`INSERT INTO t SELECT REPEAT('x', 2000) FROM ${numbers(1_000)}; ANALYZE TABLE t`, name)
    await server.query(`SET SESSION information_schema_stats_expiry = 86400; ${size}`, name)
    const b = await bench(t, name)
    assert.ok((await b.source.inspect(b.series, never)).sizeBytes! > 1_000_000)
  })

  test('the password is told over a plain connection, also when the server has forgotten it', async (t) => {
    const name = await create('CREATE TABLE t (a INT)')
    const context = { folder: await temporary(t), reach: (host: object) => host } as never
    const connection = connectionTo(`${asApp(name)}?ssl-mode=disabled`)
    const file = await optionFile(connection, { context, flavour: 'MySQL', encrypted: false })
    await server.query('FLUSH PRIVILEGES')
    await promisify(execFile)('mysql', [`--defaults-file=${file}`, '-e', 'SELECT 1'])
  })

  test('the clients of MariaDB dump and restore it, with a warning each time', async (t) => {
    const name = await create(
      'CREATE TABLE t (a INT)',
      'INSERT INTO t VALUES (1)',
      'CREATE VIEW v AS SELECT 1',
    )
    const b = await bench(t, name, withMariadbs)
    const { method, warnings } = await b.source.inspect(b.series, never)
    assert.equal(method, 'mariadb-dump')
    assert.match(
      warnings.join(),
      /^the client is of MariaDB [\d.]+, the server is MySQL [\d.]+: install mysqldump/,
    )
    const backup = await b.backUp()
    assert.deepEqual((await b.restore(backup)).tables, [{ name: 't', rows: 1 }])
    const again = await bench(t, name) // and MySQL’s own client, what MariaDB’s wrote
    const text = await readFile(join(b.out, b.artifact()))
    assert.match(text.toString(), /^\/\*M!999999/)
    await writeFile(join(again.out, b.artifact()), text)
    const artifact = async () => fileInput(join(again.out, b.artifact()), again.processes, again.running)
    const request = { ...beside, database: `${name}_again` }
    const plan = await again.source.plan(backup, request, never)
    assert.deepEqual((await again.source.restore(backup, request, plan, artifact, never)).tables, [
      { name: 't', rows: 1 },
    ])
  })
})
