import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, suite, test, type TestContext } from 'node:test'
import { mysql } from '../../../src/sources/mysql/index.ts'
import { beside, openBench, sorted } from '../../contracts/source.ts'
import type { MariadbServer } from '../../support/mariadb.ts'
import { flavour, onlyMysql, startServer } from '../../support/mysql.ts'
import { describe, quoted } from './databases.ts'
import { randomSchema } from './random-schema.ts'

const never = new AbortController().signal
const every = process.env.EVERY === '1'
let server: MariadbServer
let made = 0

before(async () => {
  const log = flavour === 'MySQL' ? '--innodb-redo-log-capacity=2G' : '--innodb-log-file-size=1G'
  server = await startServer({ settings: ['--max-allowed-packet=1G', ...(every ? [log] : [])] })
})
after(() => server.close())

/** Backs it up, wipes the database, restores into one of the same name, and compares every definition and row. */
async function thereAndBack(t: TestContext, name: string): Promise<void> {
  const original = await describe(server, name)
  const b = await openBench(t, { facts: { driver: mysql }, url: server.url(name) })
  const backup = await b.backUp()
  await server.query(`DROP DATABASE ${quoted(name)}`)
  await server.query(`CREATE DATABASE ${quoted(name)} COLLATE ${String(original.collation)}`)
  const { tables } = await b.restore(backup, { ...beside, database: name })
  assert.deepEqual(sorted(tables), backup.tables)
  assert.deepEqual(await describe(server, name), original)
}

async function create(statements: readonly string[]): Promise<string> {
  const name = `--awk ward;${++made}`
  await server.query(`CREATE DATABASE ${quoted(name)} COLLATE utf8mb4_unicode_ci`)
  const mode = `SET sql_mode = 'NO_ENGINE_SUBSTITUTION'`
  for (const sql of statements) await server.query(`${mode}; ${sql}`, name)
  return name
}

const only = (which: typeof flavour, ...statements: string[]): string[] =>
  which === flavour ? statements : []

const long = 'é'.repeat(64)
const awkward: Record<string, string[]> = {
  'names with quotes, newlines, comments and 64 characters': [
    `CREATE TABLE ${quoted(long)} (${quoted(`${'x'.repeat(60)}\n\`;'`)} INT, ${quoted('VALUES (')} TEXT, ${quoted(' a /* b')} INT)`,
    `INSERT INTO ${quoted(long)} VALUES (1, '; */ -- ', 2)`,
    `CREATE TABLE ${quoted('-- Dump completed\n;')} (a INT)`,
    `CREATE TABLE ${quoted('--all-databases')} (a INT)`,
    `INSERT INTO ${quoted('-- Dump completed\n;')} VALUES (1)`,
    `CREATE TABLE ${quoted('%*/ ,/*!50001 x')} (${quoted('*/ b')} INT)`,
    `INSERT INTO ${quoted('%*/ ,/*!50001 x')} VALUES (1), (2)`,
    `CREATE TRIGGER ${quoted('*/ t')} BEFORE INSERT ON ${quoted('%*/ ,/*!50001 x')} FOR EACH ROW SET @x = 1`,
    `CREATE VIEW ${quoted('v\n`;')} AS SELECT * FROM ${quoted(long)}`,
    `CREATE PROCEDURE ${quoted('p\n`;;')}() SELECT 1`,
    `CREATE TRIGGER ${quoted('t\n`')} AFTER DELETE ON ${quoted(long)} FOR EACH ROW SET @x = 1`,
    `CREATE EVENT ${quoted('e\n`')} ON SCHEDULE AT '2037-01-01' DO SET @x = 1`,
  ],
  'views that depend on later views, and code that depends on modes': [
    'CREATE TABLE t (a INT, b VARCHAR(9))',
    'CREATE VIEW z AS SELECT a FROM t',
    'CREATE VIEW m AS SELECT * FROM z',
    'CREATE VIEW a AS SELECT m.a FROM m JOIN z USING (a)',
    'CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2',
    'CREATE VIEW f AS SELECT twice(a) AS x FROM a',
    `SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'; CREATE PROCEDURE odd() SELECT 'back\\', "a" FROM t`,
    ...only('MariaDB', `SET sql_mode = 'ORACLE'; CREATE PROCEDURE ora AS BEGIN SELECT 'x'';'; END`),
    `CREATE PROCEDURE carriage() BEGIN\r\n SELECT 'a\r\nb';\r\n -- comment ; with '\r\n # another\r\n END`,
    'CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1',
    'CREATE TRIGGER two BEFORE INSERT ON t FOR EACH ROW PRECEDES one SET NEW.b = 2',
    "CREATE EVENT off ON SCHEDULE EVERY 1 HOUR STARTS '2027-01-01' DISABLE COMMENT 'it''s' DO DELETE FROM t",
  ],
  'edges of numbers, times and character sets': [
    'CREATE TABLE n (f FLOAT, d DOUBLE, m DECIMAL(65,30), b BIGINT UNSIGNED, y YEAR, t TIME(6), dt DATETIME(6), ts TIMESTAMP(6) NULL)',
    `INSERT INTO n VALUES (3.40282e38, 1.7976931348623157e308, 99999999999999999999999999999999999.123456789012345678901234567890, 18446744073709551615, 2155, '-838:59:59', '0000-00-00', '2038-01-19 03:14:07.999999')`,
    `INSERT INTO n VALUES (-1.17549e-38, -4.9406564584124654e-324, -0.000000000000000000000000000001, 0, 0, '838:59:59.999999', '9999-12-31 23:59:59.999999', '1970-01-01 00:00:01')`,
    `SET time_zone = '+05:45'; INSERT INTO n (ts) VALUES ('2026-03-29 02:30:00'), ('2026-10-25 02:30:00')`,
    `CREATE TABLE c (l VARCHAR(20) CHARSET latin1, s VARCHAR(20) CHARSET sjis, g VARCHAR(20) CHARSET gbk, u VARCHAR(20) CHARSET utf16, e VARCHAR(20) CHARSET utf8mb4 COLLATE utf8mb4_bin, b VARCHAR(20) CHARSET binary)`,
    `INSERT INTO c VALUES ('é€ÿ', '表ソ能', '中文', '🦊', '🦊\\\\', X'00ff5c27')`,
    `CREATE TABLE k (e ENUM('a', 'b\\\\', ''), s SET('1', '2'), j JSON, bits BIT(64), g GEOMETRY)`,
    `INSERT INTO k VALUES ('b\\\\', '1,2', '{"a": "\\\\u0000 \\\\" ),("}', b'1', ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))'))`,
    ...only(
      'MariaDB',
      'CREATE TABLE own (i INET6, u UUID)',
      "INSERT INTO own VALUES ('::1', '123e4567-e89b-12d3-a456-426655440000')",
    ),
    'CREATE TABLE nothing (a INT)',
    'CREATE TABLE zero (id INT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 1000',
    "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; INSERT INTO zero VALUES (0), (-5)",
  ],
  'partitions, generated columns, cycles of foreign keys, sequences and history': [
    'CREATE TABLE p (a INT, at DATE) PARTITION BY RANGE (YEAR(at)) SUBPARTITION BY HASH (MONTH(at)) SUBPARTITIONS 2 (PARTITION `old ``` VALUES LESS THAN (2020), PARTITION rest VALUES LESS THAN MAXVALUE)',
    "INSERT INTO p VALUES (1, '2019-01-01'), (2, '2026-02-02')",
    "CREATE TABLE g (a INT, v INT AS (a + 1) VIRTUAL, s VARCHAR(50) AS (CONCAT('x;', a, '''')) STORED, INVISI INT INVISIBLE DEFAULT 3, CHECK (a < 100))",
    'INSERT INTO g (a) VALUES (1), (2)',
    'CREATE TABLE one (id INT PRIMARY KEY, other INT); CREATE TABLE two (id INT PRIMARY KEY, other INT, FOREIGN KEY (other) REFERENCES one (id) ON DELETE CASCADE); ALTER TABLE one ADD FOREIGN KEY (other) REFERENCES two (id)',
    'SET foreign_key_checks = 0; INSERT INTO one VALUES (1, 1); INSERT INTO two VALUES (1, 1)',
    ...only(
      'MariaDB',
      'CREATE SEQUENCE s START WITH 5 INCREMENT BY -2 MINVALUE -100 MAXVALUE 10 CYCLE; SELECT NEXTVAL(s)',
      'CREATE TABLE fromseq (id INT DEFAULT NEXTVAL(s), a INT); INSERT INTO fromseq (a) VALUES (1)',
      'CREATE TABLE h (a INT, b TEXT) WITH SYSTEM VERSIONING; INSERT INTO h VALUES (1, "x"), (2, "y"); UPDATE h SET b = "z"; DELETE FROM h WHERE a = 2',
      'CREATE TABLE ar (a INT) ENGINE=Aria; INSERT INTO ar VALUES (1)',
    ),
    'CREATE TABLE my (a INT PRIMARY KEY, b TEXT, FULLTEXT (b)) ENGINE=MyISAM; INSERT INTO my VALUES (1, "text")',
    'CREATE TABLE me (a INT) ENGINE=MEMORY; INSERT INTO me VALUES (1)',
  ],
  'what only MySQL has': only(
    'MySQL',
    'CREATE TABLE keys_of_its_own (a INT, b JSON, c VARCHAR(20), KEY ((a * 2)), UNIQUE ((LOWER(c))), KEY ((CAST(b AS CHAR(9) ARRAY))))',
    `INSERT INTO keys_of_its_own VALUES (1, '["x", "y;"]', 'Aa'), (2, '[]', 'b')`,
    'SET sql_generate_invisible_primary_key = 1; CREATE TABLE hidden_key (a INT, b INT INVISIBLE DEFAULT (a + 1)); INSERT INTO hidden_key (a) VALUES (5), (6)',
    'CREATE TABLE vectors (id INT PRIMARY KEY, v VECTOR(3), h BINARY(16) DEFAULT (UUID_TO_BIN(UUID())), CHECK (id > 0) NOT ENFORCED)',
    "INSERT INTO vectors (id, v) VALUES (1, TO_VECTOR('[1,-2.5,3e-7]'))",
    'CREATE TABLE places (p POINT NOT NULL SRID 4326, SPATIAL INDEX (p), note VARCHAR(30) COLLATE utf8mb4_0900_as_cs)',
    "INSERT INTO places VALUES (ST_GeomFromText('POINT(1 2)', 4326), 'Zoë 🦊')",
    'CREATE TABLE counted (a INT, KEY (a)); INSERT INTO counted VALUES (1), (1), (2); ANALYZE TABLE counted UPDATE HISTOGRAM ON a WITH 4 BUCKETS',
    "CREATE LIBRARY lib COMMENT 'x;' LANGUAGE JAVASCRIPT AS 'export function f() { return 1 }'",
    "CREATE JSON RELATIONAL DUALITY VIEW two_sided AS SELECT JSON_DUALITY_OBJECT('_id': id, 'h': h) FROM vectors",
  ),
  'as many columns as a table may have': [
    `CREATE TABLE wide (${Array.from({ length: 1017 }, (_, index) => `c${index} INT`).join(', ')})`,
    `INSERT INTO wide (c0, c1016) VALUES (1, 2)`,
  ],
  [`a row of ${every ? 100 : 16} MB`]: [
    'CREATE TABLE big (id INT, b LONGBLOB, t LONGTEXT)',
    `INSERT INTO big VALUES (1, REPEAT(X'00ff27', ${every ? 33 : 5} * 1048576), REPEAT('a\\'', 500000)), (2, '', '')`,
  ],
}

suite(`awkward databases of ${flavour} come back as they were`, () => {
  for (const [what, statements] of Object.entries(awkward))
    test(what, { skip: statements.length === 0 && onlyMysql }, async (t) =>
      thereAndBack(t, await create(statements)),
    )

  const first = Number(process.env.SEED ?? randomInt(2 ** 31))
  test(`random schemas from seed ${first}`, async (t) => {
    for (let index = 0; index < (every ? 100 : 4); index++) {
      const seed = first + index
      try {
        await thereAndBack(t, await create(randomSchema(seed)))
      } catch (error) {
        throw new Error(`the schema of seed ${seed} did not come back`, { cause: error })
      }
    }
  })

  test('a filtered dump holds what was chosen', async (t) => {
    const name = await create([
      'CREATE TABLE keep_me (a INT)',
      'CREATE TABLE log_1 (a INT)',
      'CREATE TABLE `log.2` (a INT)',
      'INSERT INTO log_1 VALUES (1)',
      'INSERT INTO keep_me VALUES (1)',
    ])
    const tablesWith = async (options: Record<string, unknown>) => {
      const b = await openBench(t, { facts: { driver: mysql, options }, url: server.url(name) })
      const inspection = await b.source.inspect(b.series, never)
      assert.equal(inspection.hasTables, false) // as little as nobody knows
      return (await b.backUp()).tables!.map(({ name: table, rows }) => `${table} ${rows}`)
    }
    assert.deepEqual(await tablesWith({ exclude_tables: ['log*'] }), ['keep_me 1'])
    assert.deepEqual(await tablesWith({ tables: ['log?2', 'keep_me'] }), ['keep_me 1', 'log.2 0'])
    const withoutRows = tablesWith({ exclude_table_data: ['log_*'] })
    if (flavour === 'MariaDB') assert.deepEqual(await withoutRows, ['keep_me 1', 'log.2 0', 'log_1 0'])
    else await assert.rejects(withoutRows, { code: 'tool-too-old' }) // mysqldump has no such option
    await assert.rejects(tablesWith({ tables: ['nope'] }), { code: 'dump-failed' })
  })
})
