/** Every awkward thing of one file, each made by a statement of its own. */
export function awkward(bigRowBytes: number): string[] {
  return [...settings, ...names, ...values, ...structures, ...code, `INSERT INTO blobs VALUES (9, randomblob(${bigRowBytes}))`]
} // prettier-ignore

const settings = [`PRAGMA user_version = 42`, `PRAGMA application_id = 1234567`, `PRAGMA page_size = 1024`]
const long = 'ü'.repeat(500)

const names = [
  `CREATE TABLE "new
line	and ""quotes"" 'single' [b] \`t\`" ("a ""b""" TEXT, "select", "" INT, "🐘 日本")`,
  `INSERT INTO "new
line	and ""quotes"" 'single' [b] \`t\`" VALUES ('x', 1, 2, 3)`,
  `CREATE TABLE "${long}" ("${long}")`,
  `CREATE TABLE "--" ("; DROP TABLE x; --")`,
  `CREATE TABLE "%s %00 \${HOME}" (a)`,
  `CREATE INDEX "index of
lines" ON "${long}" ("${long}" COLLATE NOCASE DESC)`,
]

const values = [
  `CREATE TABLE anything (id INTEGER PRIMARY KEY, v)`,
  `INSERT INTO anything (v) VALUES (1), (1.0), ('1'), (x'31'), (NULL), (9e999), (-9e999), (-0.0), (1e-308), (9223372036854775807),
     (-9223372036854775808), (0.1 + 0.2), (''), (x''), (char(0) || 'after zero'), ('🐘' || char(0xfffe)), (CAST(x'fffe80' AS TEXT)),
     ('2026-10-25T02:30:00+02:00'), (julianday('2026-03-29 02:30'))`,
  `CREATE TABLE typed (a INT, b INTEGER, c REAL, d TEXT, e BLOB, f NUMERIC, g "odd type(3, 4)", h DATETIME DEFAULT CURRENT_TIMESTAMP)`,
  `INSERT INTO typed VALUES ('text in int', 1.5, 'x', 5, 6, '7', x'08', NULL), ('12', '34', '5.5', 6.25, 'blob?', '1e3', 9, 'now')`,
  `CREATE TABLE strictly (i INT, r REAL, t TEXT NOT NULL, b BLOB, a ANY) STRICT`,
  `INSERT INTO strictly VALUES (1, 2, 'three', x'04', 5), (NULL, NULL, '', NULL, '5')`,
  `CREATE TABLE blobs (id INTEGER PRIMARY KEY, b BLOB)`,
  `INSERT INTO blobs VALUES (1, x'000102fffe'), (-5, zeroblob(70000)), (9223372036854775807, NULL)`,
  `CREATE TABLE empty (a NOT NULL)`,
]

const structures = [
  `CREATE TABLE generated (a INT, b INT, stored INT GENERATED ALWAYS AS (a * b) STORED, virtual TEXT AS (a || '-' || b) VIRTUAL)`,
  `INSERT INTO generated (a, b) VALUES (2, 3), (NULL, 1)`,
  `CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, t)`,
  `INSERT INTO counted (id, t) VALUES (500, 'x')`,
  `DELETE FROM counted`, // the next one is 501 all the same
  `CREATE TABLE pairs (a TEXT COLLATE NOCASE, b INT, c, PRIMARY KEY (a, b DESC)) WITHOUT ROWID`,
  `INSERT INTO pairs VALUES ('A', 1, 'x'), ('a', 2, 'y'), ('ä', 1, NULL)`,
  `CREATE TABLE hen (id INTEGER PRIMARY KEY, egg REFERENCES egg DEFERRABLE INITIALLY DEFERRED)`,
  `CREATE TABLE egg (id INTEGER PRIMARY KEY, hen REFERENCES hen ON DELETE CASCADE)`,
  `INSERT INTO hen VALUES (1, 1), (2, 99)`, // a broken reference is data, too
  `INSERT INTO egg VALUES (1, 1)`,
  `CREATE TABLE checked (a CHECK (a <> 'it''s'), UNIQUE (a) ON CONFLICT REPLACE)`,
  `INSERT INTO checked VALUES ('fine'), (NULL), (NULL)`,
  `CREATE TABLE altered (a, b, c)`,
  `INSERT INTO altered VALUES (1, 2, 3)`,
  `ALTER TABLE altered ADD COLUMN d DEFAULT 'late'`,
  `ALTER TABLE altered DROP COLUMN b`,
  `ALTER TABLE altered RENAME COLUMN c TO "see"`,
  `CREATE TABLE wide (${Array.from({ length: 1600 }, (_, i) => `c${i}`).join(', ')})`,
  `INSERT INTO wide (c0, c799, c1599) VALUES (1, 'middle', x'ff'), (NULL, NULL, NULL)`,
  `CREATE INDEX partial ON altered (a, see) WHERE a > 0`,
  `CREATE UNIQUE INDEX expressed ON altered (lower(see), a + 1)`,
  `CREATE VIRTUAL TABLE found USING fts5(title, body, tokenize = 'porter unicode61')`,
  `INSERT INTO found SELECT 'title ' || value, 'running ' || value FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 500) SELECT value FROM n)`,
  `DELETE FROM found WHERE rowid % 3 = 0`,
  `CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)`,
  `INSERT INTO boxes VALUES (1, -1.5, 2.5), (2, 0, 100)`,
  `ANALYZE`,
]

const code = [
  `CREATE VIEW z_first AS SELECT a, stored FROM generated`,
  `CREATE VIEW "a second" AS SELECT count(*) AS n FROM z_first`, // named so that order by name is wrong
  `CREATE VIEW broken AS SELECT * FROM nobody`, // SQLite keeps it
  `CREATE TRIGGER "on 'insert'" AFTER INSERT ON counted BEGIN INSERT INTO empty VALUES ('fired;' || NEW.t); SELECT RAISE(IGNORE); END`,
  `CREATE TRIGGER through INSTEAD OF DELETE ON z_first BEGIN DELETE FROM generated; END`,
]
