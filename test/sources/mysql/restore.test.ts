import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { createConnection } from 'mysql2/promise'
import type { Manifest } from '../../../src/core/model.ts'
import { mysql } from '../../../src/sources/mysql/index.ts'
import { beside, openBench, sorted, type Bench } from '../../contracts/source.ts'
import type { MariadbServer } from '../../support/mariadb.ts'
import { flavour, startServer } from '../../support/mysql.ts'
import { fileInput } from '../../support/source-sink.ts'
import { describe, exists, hardToCopy, numbers, quoted } from './databases.ts'

const never = new AbortController().signal
let server: MariadbServer
let made = 0

const settings = ['--max-allowed-packet=16M', '--log-bin-trust-function-creators=1']

before(async () => void (server = await startServer({ settings })))
after(() => server.close())

async function create(...statements: string[]): Promise<string> {
  const name = `shop_${++made}`
  await server.createDatabase(name)
  for (const sql of statements) await server.query(sql, name)
  return name
}

const bench = (t: TestContext, name: string, more: object = {}): Promise<Bench> =>
  openBench(t, { facts: { driver: mysql }, url: server.url(name), ...more })

/** The dump's text with something changed. */
async function change(b: Bench, how: (text: string) => string): Promise<void> {
  const path = join(b.out, b.artifact())
  await writeFile(path, how(await readFile(path, 'utf8')))
}

const databases = async (): Promise<string[]> =>
  (await server.query('SHOW DATABASES')).map(({ Database }) => String(Database))

suite(`overwriting a database of ${flavour}`, () => {
  const over = (name: string) => ({ ...beside, database: name, clean: true })

  test('brings back what the backup holds, and leaves what it does not', async (t) => {
    const name = await create(hardToCopy.sql)
    const original = await describe(server, name)
    const b = await bench(t, name)
    const backup = await b.backUp()
    await server.query(
      'DROP TRIGGER fill; DROP VIEW a_names; CREATE VIEW a_names AS SELECT 1 AS one; DELETE FROM customers; UPDATE sums SET a = 9; ALTER TABLE `empty` ADD y INT; ' +
        'CREATE TRIGGER later BEFORE DELETE ON customers FOR EACH ROW SET @x = 1; CREATE TABLE newer (a INT); INSERT INTO newer VALUES (7)',
      name,
    )
    const plan = await b.source.plan(backup, over(name), never)
    assert.deepEqual(plan.blockers, [])
    const { tables } = await b.restore(backup, over(name))
    assert.deepEqual(sorted(tables), backup.tables)
    assert.deepEqual(await server.query('SELECT * FROM newer', name), [{ a: 7 }])
    await server.query('DROP TABLE newer', name)
    assert.deepEqual(await describe(server, name), original)
    assert.deepEqual(
      (await databases()).filter((one) => one.startsWith(`${name}_`)),
      [],
    )
  })

  test('needs to be asked for', async (t) => {
    const name = await create('CREATE TABLE t (a INT)')
    const b = await bench(t, name)
    const backup = await b.backUp()
    const request = { ...beside, database: name }
    assert.match((await b.source.plan(backup, request, never)).blockers[0]!, /not empty/)
    await assert.rejects(b.restore(backup, request), { code: 'target-exists' })
  })

  test('that fails before the exchange changes nothing', async (t) => {
    const name = await create('CREATE TABLE t (a INT PRIMARY KEY)', 'INSERT INTO t VALUES (1), (2)')
    const b = await bench(t, name)
    const backup = await b.backUp()
    await change(b, (text) => text.replace('(2);', '(1);')) // the same key twice
    await server.query('DELETE FROM t', name)
    await assert.rejects(b.restore(backup, over(name)), {
      code: 'restore-failed',
    })
    assert.deepEqual(await server.query('SELECT * FROM t', name), [])
    assert.deepEqual(
      (await databases()).filter((one) => one.startsWith(`${name}_`)),
      [],
    )
  })

  test('whose exchange fails half-way puts back tables, views, triggers and routines', async (t) => {
    const tables = ['CREATE TABLE t (a INT)', 'CREATE TABLE gone (a INT)', 'INSERT INTO t VALUES (1)']
    const name = await create(
      ...tables,
      "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO SET @a = 1",
    )
    const b = await bench(t, name)
    const backup = await b.backUp()
    // who restores may do everything in new databases, and may make no event in this one
    const rights = `SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, TRIGGER, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE`
    const user = `restorer_${name}`
    await server.query(
      `DROP EVENT e; DROP TABLE gone; UPDATE t SET a = 5; CREATE USER ${user} IDENTIFIED BY 'pw'; GRANT ALL ON \`${name}\\_%\`.* TO ${user}; GRANT ${rights} ON ${name}.* TO ${user}`,
      name,
    )
    const restoreUrl = `mysql://${user}:pw@127.0.0.1:${server.port}/${name}`
    const own = await createConnection(restoreUrl)
    for (const sql of [
      'CREATE VIEW v AS SELECT * FROM t',
      'CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET @a = 1',
      'CREATE PROCEDURE p() SELECT 1',
    ])
      await own.query(sql)
    await own.end()
    const was = await describe(server, name)
    const weak = await bench(t, name, { settings: { restoreUrl } })
    const artifact = async () => fileInput(join(b.out, b.artifact()), weak.processes, weak.running)
    const plan = await weak.source.plan(backup, over(name), never)
    await assert.rejects(weak.source.restore(backup, over(name), plan, artifact, never), {
      hint: 'everything is as it was',
    })
    assert.deepEqual(await describe(server, name), was)
    const left = (await databases()).filter((one) => one.startsWith(`${name}_`))
    assert.deepEqual(left, [])
  })

  test('is refused when a table that stays refers to one that goes', async (t) => {
    const name = await create('CREATE TABLE parent (id INT PRIMARY KEY)', 'INSERT INTO parent VALUES (1)')
    const b = await bench(t, name)
    const backup = await b.backUp()
    await server.query(
      'CREATE TABLE child (p INT, FOREIGN KEY (p) REFERENCES parent (id)); INSERT INTO child VALUES (1)',
      name,
    )
    const was = await describe(server, name)
    await assert.rejects(b.restore(backup, over(name)), {
      code: 'target-invalid',
      message: /"child" refers to "parent"/,
    })
    assert.deepEqual(await describe(server, name), was)
  })

  test('in place is refused with the reason and two ways out', async (t) => {
    const name = await create('CREATE TABLE t (a INT)')
    const b = await bench(t, name)
    const plan = await b.source.plan(await b.backUp(), { ...beside, inPlace: { freshnessSql: null } }, never)
    assert.equal(plan.mode, 'in-place')
    assert.match(plan.blockers.join(), /no way to rename a database.*restore beside.*--clean/)
    assert.equal(b.source.swap, undefined)
  })
})

suite(`restoring dumps of ${flavour}`, () => {
  for (const [what, statement] of Object.entries({
    USE: 'USE elsewhere;',
    'DROP DATABASE': 'DROP DATABASE elsewhere;',
    'USE behind a comment': '/* a */ -- b\n uSe elsewhere;',
    'USE in a comment for servers': '/*!50000 USE elsewhere */;',
    'another database’s table': 'DROP TABLE `elsewhere`.`t`;',
    'rows for another database': 'INSERT INTO elsewhere.t VALUES (1);',
    'a grant': 'GRANT ALL ON *.* TO x;',
    'a command of the client': '\\! touch /tmp/should-not-be\n;',
    'a setting of the server': 'SET GLOBAL general_log = 1;',
    'a setting of the server behind another': "SET @a = '', GLOBAL general_log = 1;",
    'a setting in a comment for servers': 'SET @a = 1, /*!50000GLOBAL general_log = 1*/;',
    'a setting of the server by its other name': 'SET @a = 1, @@global . general_log = 1;',
    'a statement behind settings': 'SET STATEMENT max_statement_time=9 FOR DROP DATABASE elsewhere;',
    'a block': 'DELIMITER ;;\nBEGIN NOT ATOMIC DROP DATABASE elsewhere; END;;\nDELIMITER ;',
    'several tables in one': 'DROP TABLE IF EXISTS t, elsewhere.v;',
    'a table moved away': 'ALTER TABLE t RENAME TO elsewhere.t;',
    'a call': 'CALL elsewhere.p();',
  }))
    test(`a dump with ${what} is refused before the first byte`, async (t) => {
      const name = await create('CREATE TABLE t (a INT)', 'INSERT INTO t VALUES (1)')
      const b = await bench(t, name)
      const backup = await b.backUp()
      await change(b, (text) => text.replace('DROP TABLE IF EXISTS', `${statement}\nDROP TABLE IF EXISTS`))
      await assert.rejects(b.restore(backup), { code: 'restore-failed' })
      assert.equal(await exists(server, `${name}_restore_${beside.stamp}`), false)
    })

  test('the first line for newer clients does not stop the restore, nor a missing one', async (t) => {
    const name = await create('CREATE TABLE t (a INT)', 'INSERT INTO t VALUES (1)')
    const b = await bench(t, name)
    const backup = await b.backUp()
    const sandbox = '/*M!999999\\- enable the sandbox mode */ \n'
    await change(b, (text) => sandbox + text.replace(/^\/\*M!999999.*\n/, '')) // mysqldump writes none
    await b.restore(backup, { ...beside, database: `${name}_a` })
    await change(b, (text) => text.slice(text.indexOf('\n') + 1))
    await b.restore(backup, { ...beside, database: `${name}_b` })
    for (const copy of ['_a', '_b'])
      assert.deepEqual(await server.query('SELECT * FROM t', name + copy), [{ a: 1 }])
  })

  test('single tables come back without the others', async (t) => {
    const name = await create(hardToCopy.sql)
    const b = await bench(t, name)
    const backup = await b.backUp()
    const tables = ['customers', 'past']
    const restored = await b.restore(backup, { ...beside, tables })
    assert.deepEqual(
      restored.tables.map((table) => table.name),
      tables,
    )
    assert.match(restored.warnings.join(), /triggers of the chosen tables/)
    const target = `${name}_restore_${beside.stamp}`
    assert.deepEqual((await server.query('SHOW TABLES', target)).flatMap(Object.values), tables)
    await assert.rejects(b.restore(backup, { ...beside, database: `${name}_x`, tables: ['nope'] }), {
      code: 'target-invalid',
    })
  })

  test('a trigger that was typed with its database’s name, and a changed collation, stay at home', async (t) => {
    const name = await create('CREATE TABLE t (a INT)', 'CREATE PROCEDURE p() SELECT 1')
    await server.query(
      `CREATE TRIGGER ${name}.tr BEFORE INSERT ON ${name}.t FOR EACH ROW SET NEW.a = 2; ALTER DATABASE ${name} COLLATE utf8mb4_bin`,
      name,
    )
    const was = await describe(server, name)
    const b = await bench(t, name)
    const backup = await b.backUp()
    assert.match(await readFile(join(b.out, b.artifact()), 'utf8'), /ALTER DATABASE/)
    await b.restore(backup)
    const target = `${name}_restore_${beside.stamp}`
    assert.deepEqual(await describe(server, name), was)
    await server.query('INSERT INTO t VALUES (1)', target)
    assert.deepEqual(await server.query('SELECT a FROM t', target), [{ a: 2 }])
    assert.deepEqual(await server.query('SELECT * FROM t', name), [])
    const [row] = await server.query('SELECT @@collation_database AS c', target)
    assert.equal(row!.c, 'utf8mb4_bin')
  })

  test('views and routines of somebody who is not there run as whoever restores, and the plan says so', async (t) => {
    const name = await create(
      'CREATE TABLE t (a INT)',
      "CREATE USER leaver@'%'",
      "GRANT SELECT ON *.* TO leaver@'%'",
    )
    await server.query(
      "CREATE DEFINER=leaver@'%' VIEW v AS SELECT * FROM t; CREATE DEFINER=leaver@'%' PROCEDURE p() SELECT 1",
      name,
    )
    const b = await bench(t, name)
    const backup = await b.backUp()
    await server.query("DROP USER leaver@'%'")
    const input = fileInput(join(b.out, b.artifact()), b.processes, b.running)
    assert.deepEqual((await b.source.plan(backup, beside, never, input)).missingRoles, ['leaver@%'])
    const { warnings } = await b.restore(backup)
    assert.match(warnings.join(), /leaver@% cannot be named/)
    const target = `${name}_restore_${beside.stamp}`
    const definers = await server.query(
      `SELECT DEFINER AS d FROM information_schema.VIEWS WHERE TABLE_SCHEMA = '${target}' UNION ALL SELECT DEFINER FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '${target}'`,
    )
    assert.deepEqual(
      definers.map(({ d }) => d),
      ['root@127.0.0.1', 'root@127.0.0.1'],
    )
  })

  test('a statement that the server would not take is told with the setting, before anything is made', async (t) => {
    const name = await create('CREATE TABLE t (a LONGBLOB)', "INSERT INTO t VALUES (REPEAT(X'00', 9000000))")
    const b = await bench(t, name)
    const backup = await b.backUp()
    await assert.rejects(b.restore(backup), {
      code: 'target-invalid',
      hint: 'SET GLOBAL max_allowed_packet = 33554432;',
    })
    assert.equal(await exists(server, `${name}_restore_${beside.stamp}`), false)
  })

  test('two restores into one target exclude each other', async (t) => {
    const name = await create(hardToCopy.sql)
    const [first, second] = [await bench(t, name), await bench(t, name)]
    const backup = await first.backUp()
    await second.backUp()
    const ends = await Promise.allSettled([first.restore(backup), second.restore(backup)])
    const codes = ends.map((end) =>
      end.status === 'rejected' ? (end.reason as { code: string }).code : 'ok',
    )
    assert.ok(codes.includes('ok'))
    assert.ok(
      codes.some((code) => ['busy', 'target-exists'].includes(code)),
      codes.join(),
    )
  })

  test('a restore cancelled while rows are loaded leaves no target and no session', async (t) => {
    const name = await create(
      'CREATE TABLE t (a INT)',
      `INSERT INTO t SELECT seq FROM ${numbers(200_000)}`,
      'CREATE TABLE z (a INT)',
      'INSERT INTO z VALUES (1)',
    )
    const first = await bench(t, name)
    const backup = await first.backUp()
    await change(first, (text) => text.replace('INSERT INTO `z`', 'SET @wait = SLEEP(30);\nINSERT INTO `z`'))
    const controller = new AbortController()
    const b = await bench(t, name, { signal: controller.signal })
    const artifact = async () => fileInput(join(first.out, first.artifact()), b.processes, b.running)
    const restoring = b.source.restore(
      backup as Manifest,
      beside,
      await b.source.plan(backup, beside, never),
      artifact,
      controller.signal,
    )
    const target = `${name}_restore_${beside.stamp}`
    const sleeping = `SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SET @wait%' AND DB = '${target}'`
    while (Number((await server.query(sleeping))[0]!.n) === 0)
      await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(await b.source.works!(never), true)
    const reason = new Error('somebody cancelled')
    controller.abort(reason)
    await assert.rejects(restoring, (error) => error === reason)
    assert.equal(await exists(server, target), false)
    assert.equal(await b.source.terminate(b.runId, never), 0)
  })

  test('the text of nobody in particular is judged whole, and restored beside', async (t) => {
    const name = await create('CREATE TABLE t (a INT)')
    const b = await bench(t, name)
    const backup = { ...(await b.backUp()), format: 'sql', tables: null }
    await writeFile(
      join(b.out, b.artifact()),
      'CREATE TABLE mine (a INT);\nINSERT INTO mine SELECT 5;\nUPDATE mine SET a = 6;\n',
    )
    const { tables } = await b.restore(backup)
    assert.deepEqual(tables, [{ name: 'mine', rows: 1 }])
    assert.deepEqual(await server.query('SELECT * FROM mine', `${name}_restore_${beside.stamp}`), [{ a: 6 }])
  })
})

suite(`inspecting ${flavour}`, () => {
  test('tables without transactions and FLOAT columns are named', async (t) => {
    const name = await create(
      'CREATE TABLE m (a INT) ENGINE=MyISAM',
      'CREATE TABLE f (x FLOAT)',
      'CREATE TABLE i (x DOUBLE)',
    )
    const b = await bench(t, name)
    const { warnings } = await b.source.inspect(b.series, never)
    assert.match(warnings.join('\n'), /^m: MyISAM has no transactions[^]*f\.x: of FLOAT/)
  })

  test('the databases of a server are listed without its own', async (t) => {
    const name = await create()
    const choice = { include: ['shop_*'], exclude: ['shop_1'] }
    const b = await bench(t, name, { settings: { databases: choice } })
    const series = await b.source.series(never)
    const names = series.map((one) => one.name)
    assert.ok(names.includes(name) && !names.includes('shop_1') && !names.includes('mysql'))
    assert.ok(series.every(({ sole }) => !sole))
  })

  test('a dump that the program did not end is refused, whatever else it holds', async (t) => {
    const name = await create('CREATE TABLE t (a INT)', 'INSERT INTO t VALUES (1)')
    const b = await bench(t, name)
    await b.backUp()
    await change(b, (text) => text.replace('-- Dump completed', '-- Dump complete'))
    await assert.rejects(b.prove(join(b.out, b.artifact())), { code: 'proof-failed', message: /it is cut/ })
  })

  test('event that no dump program can write is told at once', async (t) => {
    const name = await create("CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO SELECT ';;'")
    const b = await bench(t, name)
    await assert.rejects(b.backUp(), { code: 'dump-failed', retry: false, message: /would never end/ })
    await server.query(`DROP DATABASE ${quoted(name)}`)
  })
})

suite(`a drill of ${flavour}`, () => {
  test('restores into a private server, counts the same objects, answers checks, and leaves nothing', async (t) => {
    const name = await create(hardToCopy.sql)
    const b = await bench(t, name)
    const backup = await b.backUp()
    const scratch = await b.source.scratch!.open(backup, { url: null, stamp: beside.stamp }, never)
    try {
      assert.match(scratch.server, new RegExp(`^a scratch ${flavour} \\d`))
      const input = () => fileInput(join(b.out, b.artifact()), b.processes, b.running)
      const { tables } = await scratch.restore(async () => input(), never)
      assert.deepEqual(sorted(tables), backup.tables)
      const expected = await scratch.objectsOf(input(), never)
      assert.deepEqual(await scratch.objects(never), { counted: expected, alike: true })
      assert.deepEqual(expected, {
        TABLE: 8,
        VIEW: 2,
        TRIGGER: 1,
        PROCEDURE: 1,
        FUNCTION: 1,
        EVENT: 1,
        ...(flavour === 'MariaDB' && { SEQUENCE: 1 }),
      })
      assert.equal(await scratch.ask('SELECT COUNT(*) FROM customers;', never), '4000')
      assert.equal(await scratch.ask('SELECT NULL', never), null)
      await assert.rejects(scratch.ask('SELECT * FROM nowhere', never), { code: 'restore-incomplete' })
      await assert.rejects(scratch.ask('DELETE FROM customers', never), { code: 'restore-incomplete' })
    } finally {
      assert.equal(await scratch.close(), null)
    }
    const { strays } = await import('../../../src/sys/strays.ts')
    assert.deepEqual(strays(new Set([b.runId])), [])
  })

  test('on a given server makes one database, and removes that one only', async (t) => {
    const name = await create('CREATE TABLE t (a INT)', 'INSERT INTO t VALUES (1)')
    const b = await bench(t, name)
    const backup = await b.backUp()
    const at = { url: server.url(), stamp: beside.stamp }
    const scratch = await b.source.scratch!.open(backup, at, never)
    await scratch.restore(async () => fileInput(join(b.out, b.artifact()), b.processes, b.running), never)
    const made = `${name}_drill_${beside.stamp}`
    assert.deepEqual((await scratch.objects(never)).counted, { TABLE: 1 })
    assert.equal(await exists(server, made), true)
    await b.source.scratch!.sweep(backup, at, never)
    assert.equal(await exists(server, made), false)
    await server.query(`CREATE DATABASE ${made}; CREATE TABLE ${made}.theirs (a INT)`)
    await b.source.scratch!.sweep(backup, at, never)
    assert.equal(await exists(server, made), true)
  })
})
