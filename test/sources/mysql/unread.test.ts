import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { mysql } from '../../../src/sources/mysql/index.ts'
import { beside, openBench, type Bench } from '../../contracts/source.ts'
import type { MariadbServer } from '../../support/mariadb.ts'
import { flavour, startServer } from '../../support/mysql.ts'
import { fileInput } from '../../support/source-sink.ts'

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

/** As a user with these rights and no others. */
async function as(
  t: TestContext,
  name: string,
  grants: string[],
  options: Record<string, unknown> = {},
): Promise<Bench> {
  await server.query("DROP USER IF EXISTS ro; CREATE USER ro IDENTIFIED BY 'pw'")
  for (const grant of grants) await server.query(`GRANT ${grant} TO ro`)
  const url = server.url(name).replace(`root:${server.password}`, 'ro:pw')
  return openBench(t, { facts: { driver: mysql, options }, url })
}

const bodies = flavour === 'MySQL' ? 'SHOW_ROUTINE ON *.*' : 'SELECT ON mysql.proc'
const bodiesHint = new RegExp(`GRANT ${bodies.replaceAll(/[.*]/g, '\\$&')} TO`)

async function refuses(b: Bench, words: RegExp): Promise<void> {
  const refused = { code: 'database-refused', message: words, hint: bodiesHint }
  await assert.rejects(b.source.inspect(b.series, never), refused)
  await assert.rejects(b.backUp(), refused)
}

const code = [
  'CREATE TABLE t (a INT)',
  'CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1',
  'CREATE PROCEDURE p() SELECT 1',
  'CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1',
]

suite(`what the user of ${flavour} may not read is refused, not left out`, () => {
  test('the rows of tables', async (t) => {
    const name = await create('CREATE TABLE t (a INT, b INT)', 'INSERT INTO t VALUES (1, 1)')
    const others = [bodies, `SHOW VIEW, TRIGGER, EVENT ON ${name}.*`]
    await refuses(await as(t, name, others), /no right to SELECT on database/)
    await server.query('CREATE TABLE hidden (a INT)', name)
    const one = [bodies, `SELECT, TRIGGER ON ${name}.t`, `EVENT ON ${name}.*`]
    await refuses(await as(t, name, one), /no right to SELECT, TRIGGER on database/)
    const named = await as(t, name, one, { tables: ['t'] })
    assert.deepEqual((await named.backUp()).tables, [{ name: 't', rows: 1 }])
    const column = [...others, `SELECT (a) ON ${name}.t`]
    await refuses(await as(t, name, column, { tables: ['t'] }), /no right to SELECT/)
  })

  test('triggers, events, and the bodies of routines', async (t) => {
    const name = await create(...code)
    await refuses(await as(t, name, [bodies, `SELECT, SHOW VIEW, EVENT ON ${name}.*`]), /TRIGGER on database/)
    await refuses(await as(t, name, [bodies, `SELECT, SHOW VIEW, TRIGGER ON ${name}.*`]), /EVENT on database/)
    const read = `SELECT, SHOW VIEW, TRIGGER, EVENT ON ${name}.*`
    const hidden = await as(t, name, [read])
    await refuses(hidden, /no right to routines of database/)
    const line = (await hidden.source.check(never)).find((one) => one.name === 'right to read')!
    assert.match(`${line.ok} ${line.text}`, /^false no right to routines /)
    assert.match(line.hint!, bodiesHint)
    await refuses(await as(t, name, [read, `EXECUTE ON ${name}.*`]), /body of routine "[fp]"/)
  })

  test('by the line that the refusal tells to type, all is read', async (t) => {
    const name = await create(...code)
    const weak = await as(t, name, [`SELECT ON ${name}.*`])
    const { hint } = (await weak.source.inspect(weak.series, never).catch((error: unknown) => error)) as {
      hint: string
    }
    const typed = hint
      .replaceAll('…', '%')
      .match(/GRANT [^;]+;/g)!
      .slice(0, 2)
    const b = await as(t, name, [])
    for (const line of typed) await server.query(line)
    await b.backUp()
    const input = fileInput(join(b.out, b.artifact()), b.processes, b.running)
    const { objects } = await b.source.prove(b.artifact(), input, never, 'mysqldump')
    assert.deepEqual(objects, { TABLE: 1, TRIGGER: 1, FUNCTION: 1, PROCEDURE: 1 })
  })

  test('an account that made all routines itself needs no more than its own database', async (t) => {
    const name = await create('CREATE TABLE t (a INT)')
    assert.deepEqual((await (await as(t, name, [`ALL ON ${name}.*`])).backUp()).tables, [
      { name: 't', rows: 0 },
    ])
  })
})

suite(`settings and tables of ${flavour} that make a dump smaller than it seems`, () => {
  test('a server that cuts answers is refused, and we are not cut', async (t) => {
    const name = await create('CREATE TABLE t (a INT)', 'INSERT INTO t VALUES (1), (2), (3)')
    const b = await openBench(t, { facts: { driver: mysql }, url: server.url(name) })
    for (const rows of [0, 2]) {
      await server.query(`SET GLOBAL sql_select_limit = ${rows}`)
      await assert.rejects(b.source.inspect(b.series, never), {
        code: 'database-refused',
        message: new RegExp(`after ${rows} rows`),
      })
    }
    await server.query('SET GLOBAL sql_select_limit = DEFAULT')
    assert.deepEqual((await b.backUp()).tables, [{ name: 't', rows: 3 }])
  })

  test('a MERGE table has no rows of its own: it restores as complete, and a warning says so', async (t) => {
    const name = await create(
      'CREATE TABLE one (a INT) ENGINE=MyISAM',
      'INSERT INTO one VALUES (1), (2)',
      'CREATE TABLE merged (a INT) ENGINE=MERGE UNION=(one)',
    )
    const b = await openBench(t, { facts: { driver: mysql }, url: server.url(name) })
    assert.match(
      (await b.source.inspect(b.series, never)).warnings.join('\n'),
      /^merged: the rows are of other/m,
    )
    const backup = await b.backUp()
    const tables = [
      { name: 'merged', rows: 0 },
      { name: 'one', rows: 2 },
    ]
    assert.deepEqual(backup.tables, tables)
    assert.deepEqual((await b.restore(backup)).tables, tables)
    assert.deepEqual((await b.restore(backup, { ...beside, database: name, clean: true })).tables, tables)
  })

  test('the mark of a restore that never ended is no part of a backup', async (t) => {
    const name = await create('CREATE TABLE t (a INT)', 'CREATE TABLE easy_backup_restore (note INT)')
    const b = await openBench(t, { facts: { driver: mysql }, url: server.url(name) })
    const backup = await b.backUp()
    assert.deepEqual(backup.tables, [{ name: 't', rows: 0 }])
    assert.deepEqual((await b.restore(backup)).tables, backup.tables)
  })
})
