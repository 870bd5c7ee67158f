import { createHash } from 'node:crypto'
import type { TestContext } from 'node:test'
import { createConnection } from 'mysql2/promise'
import type { MariadbServer } from '../../support/mariadb.ts'
import { flavour } from '../../support/mysql.ts'

const isMariadb = flavour === 'MariaDB'

/** `seq` from 1 on, as a table. */
export function numbers(most: number): string {
  return `JSON_TABLE(CONCAT('[0', REPEAT(',0', ${most - 1}), ']'), '$[*]' COLUMNS (seq FOR ORDINALITY)) AS numbers`
}

/** What only one of the two has. */
const ofMariadb = `
    CREATE TABLE past (a INT) WITH SYSTEM VERSIONING; INSERT INTO past VALUES (1); UPDATE past SET a = 2;
    CREATE SEQUENCE numbers START WITH 7;`
const ofMysql = `
    CREATE TABLE past (a INT INVISIBLE, b JSON, c POINT SRID 4326, KEY ((a + 1)), KEY ((CAST(b->'$.tags' AS UNSIGNED ARRAY))), CHECK (a > 0) NOT ENFORCED);
    INSERT INTO past (a, b, c) VALUES (1, '{"tags": [1, 2]}', ST_GeomFromText('POINT(1 2)', 4326)), (2, NULL, NULL);`

/** What the dump program, the scanner and the comparison each find hard. */
export const hardToCopy = {
  sql: `
    CREATE TABLE customers (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) NOT NULL, mood ENUM('sad', 'it''s'), photo BLOB,
      notes JSON, tags SET('a', 'b;c'), flags BIT(10), at TIMESTAMP(6) NULL, KEY (name)) CHARSET utf8mb4;
    INSERT INTO customers (name, mood, photo, notes, tags, flags, at)
      SELECT CONCAT('Zoë 🦊\\n\\\\''");', seq), 'it''s', UNHEX(REPEAT('00ff5c27', 50)), '{"a": "),(;"}', 'a,b;c', b'1000000001', '2026-05-05 10:00:00.123456' FROM ${numbers(4_000)};
    CREATE TABLE \`we ird;\n\\' "\`\` INSERT INTO x VALUES (1)\` (id INT, \`VALUES (\` TEXT);
    INSERT INTO \`we ird;\n\\' "\`\` INSERT INTO x VALUES (1)\` VALUES (1, 'a''),(''b'), (2, ''), (3, NULL), (4, '\\\\'), (5, '-- Dump completed\n');
    CREATE TABLE \`empty\` (x INT);
    CREATE TABLE sums (a INT, b INT, c INT GENERATED ALWAYS AS (a + b) STORED, d INT AS (a * b) VIRTUAL);
    INSERT INTO sums (a, b) VALUES (1, 2);
    CREATE TABLE events_of_years (at DATE, what TEXT) PARTITION BY RANGE (YEAR(at)) (PARTITION p1 VALUES LESS THAN (2026), PARTITION p2 VALUES LESS THAN MAXVALUE);
    INSERT INTO events_of_years VALUES ('2025-05-05', 'a'), ('2026-05-05', 'b'), (NULL, 'c');
    CREATE TABLE parents (id INT PRIMARY KEY, child INT); CREATE TABLE children (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parents (id));
    ALTER TABLE parents ADD FOREIGN KEY (child) REFERENCES children (id);
    SET foreign_key_checks = 0; INSERT INTO parents VALUES (1, 2); INSERT INTO children VALUES (2, 1); SET foreign_key_checks = 1;
    ${isMariadb ? ofMariadb : ofMysql}
    CREATE VIEW z_names AS SELECT name FROM customers; CREATE VIEW a_names AS SELECT * FROM z_names;
    CREATE FUNCTION lies() RETURNS TEXT DETERMINISTIC BEGIN RETURN '
INSERT INTO lie VALUES (1);
DELIMITER ;
'; END;
    CREATE PROCEDURE two() BEGIN /* a; comment */ SELECT 1; SELECT ';;'; END;
    CREATE TRIGGER fill BEFORE INSERT ON children FOR EACH ROW BEGIN IF NEW.parent < 0 THEN SET NEW.parent = NULL; END IF; END;
    CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 00:00:00' DO BEGIN DELETE FROM \`empty\`; DELETE FROM \`empty\`; END;`,
  tables: [
    { name: 'children', rows: 1 },
    { name: 'customers', rows: 4_000 },
    { name: 'empty', rows: 0 },
    { name: 'events_of_years', rows: 3 },
    { name: 'parents', rows: 1 },
    { name: 'past', rows: 2 },
    { name: 'sums', rows: 1 },
    { name: 'we ird;\n\\\' "` INSERT INTO x VALUES (1)', rows: 5 },
  ],
}

export function databaseIn(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1))
}

/** Every definition and row; a digest per table. */
export async function contentOf(server: MariadbServer, database: string): Promise<string> {
  return createHash('sha256')
    .update(JSON.stringify(await describe(server, database)))
    .digest('hex')
}

/** The same to be looked at. */
export async function describe(server: MariadbServer, database: string): Promise<Record<string, unknown>> {
  const relations = await server.query('SHOW FULL TABLES', database)
  const found: Record<string, unknown> = {
    collation: (await server.query('SELECT @@collation_database AS c', database))[0]!.c,
  }
  for (const relation of relations) {
    const [name, type] = Object.values(relation).map(String) as [string, string]
    const id = quoted(name)
    if (type === 'SEQUENCE') {
      found[`sequence ${name}`] = await server.query(`SELECT * FROM ${id}`, database)
      continue
    }
    const [made] = await server.query(`SHOW CREATE TABLE ${id}`, database)
    const sql = String(made!['Create Table'] ?? made!['Create View'])
    found[`${type} ${name}`] = sql.replaceAll(/ CHARACTER SET \w+(?= COLLATE)/g, '') // MySQL says it where somebody typed it
    if (type !== 'VIEW')
      found[`rows of ${name}`] = await rowsOf(server, { database, id, isVersioned: /VERSIONED/.test(type) })
  }
  for (const [kind, list] of Object.entries(codeKinds))
    for (const { name } of await server.query(list, database)) {
      const [made] = await server.query(`SHOW CREATE ${kind} ${quoted(String(name))}`, database)
      const { Created: _when, ...facts } = made!
      found[`${kind} ${String(name)}`] = facts
    }
  return found
}

const codeKinds = {
  FUNCTION: `SELECT ROUTINE_NAME AS name FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_TYPE = 'FUNCTION' ORDER BY 1`,
  PROCEDURE: `SELECT ROUTINE_NAME AS name FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_TYPE = 'PROCEDURE' ORDER BY 1`,
  TRIGGER:
    'SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1',
  EVENT:
    'SELECT EVENT_NAME AS name FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1',
}

async function rowsOf(
  server: MariadbServer,
  { database, id, isVersioned }: { database: string; id: string; isVersioned: boolean },
): Promise<unknown> {
  const columns = await server.query(`SHOW COLUMNS FROM ${id}`, database)
  const values = columns.map(({ Field }) => `COALESCE(HEX(${quoted(String(Field))}), 'NULL')`)
  const history = isVersioned ? ', row_start, row_end' : ''
  const digests = await server.query(
    `SELECT SHA2(CONCAT_WS('|', ${values.join(', ')}${history}), 224) AS digest FROM ${id}${isVersioned ? ' FOR SYSTEM_TIME ALL' : ''} ORDER BY 1`,
    database,
  )
  const hash = createHash('md5')
  for (const { digest } of digests) hash.update(String(digest))
  return [digests.length, hash.digest('hex')]
}

export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

export async function exists(server: MariadbServer, database: string): Promise<boolean> {
  const names = await server.query('SHOW DATABASES')
  return names.some(({ Database }) => Database === database)
}

/** An application that never stops writing. @returns how to stop it */
export async function keepWriting(t: TestContext, url: string): Promise<() => Promise<void>> {
  const client = await createConnection({ uri: url, multipleStatements: true })
  await client.query('CREATE TABLE ledger_a (id SERIAL, t TEXT); CREATE TABLE ledger_b (id SERIAL, t TEXT)')
  const insert = `BEGIN; INSERT INTO ledger_a (t) SELECT SHA2(seq, 224) FROM ${numbers(500)};
    DO SLEEP(0.002); INSERT INTO ledger_b (t) SELECT SHA2(seq, 224) FROM ${numbers(500)}; COMMIT`
  await client.query(insert)
  let stopped = false
  const writing = (async () => {
    while (!stopped) await client.query(insert)
    await client.end()
  })()
  const stop = async (): Promise<void> => {
    stopped = true
    await writing
  }
  t.after(stop)
  return stop
}
