/** Every awkward thing of one database, each made by a statement of its own: some cannot run in a transaction with others. */
export function awkward(bigRowBytes: number): string[] {
  return [...names, ...values, ...structures, ...code, ...odds, bigRow(bigRowBytes)]
}

const long = 'ü'.repeat(31) + 'x' // 63 bytes, the longest name there is

const names = [
  `CREATE SCHEMA "it's a ""schema"""`,
  `CREATE TABLE "it's a ""schema"""."new
line	tab" (id int PRIMARY KEY, "select" text, "col ""q""" text, "日本語 🐘" text)`,
  `INSERT INTO "it's a ""schema"""."new
line	tab" VALUES (1, E'a\\tb\\nc\\\\d\\r', '\\.', '🐘'), (2, '', NULL, '\\N')`,
  `CREATE TABLE "${long}" ("${long}" text DEFAULT 'it''s', "%s %d $1 \${HOME} \`id\`" int)`,
  `INSERT INTO "${long}" VALUES (DEFAULT, 1)`,
  `CREATE TABLE "-- DROP TABLE x; /*" ("*/ ; --" int)`,
  `CREATE TABLE "--jobs=9" (a int)`,
  `CREATE INDEX "index
of lines" ON "${long}" ("${long}")`,
]

const values = [
  `CREATE TABLE numbers (f4 real, f8 double precision, n numeric, small numeric(30, 20))`,
  `INSERT INTO numbers VALUES ('NaN', 'NaN', 'NaN', 0.00000000000000000001), ('Infinity', '-Infinity', 'Infinity', 1),
     (1.17549435e-38, 5e-324, ${'9'.repeat(1000)}.${'9'.repeat(500)}, NULL), (3.4028235e38, 1.7976931348623157e308, '-Infinity', -1),
     ('-0', '-0', 0.10, 0.1)`,
  `CREATE TABLE times (tz timestamptz, t timestamp, d date, i interval, tt timetz)`,
  `INSERT INTO times VALUES ('infinity', '-infinity', 'infinity', '178000000 years', '23:59:59.999999+14'),
     ('4713-01-01 00:00:00 BC', '294276-12-31 23:59:59.999999', '5874897-12-31', '-1 mon +1 day -00:00:00.000001', '00:00-12'),
     ('2026-10-25 02:30:00 Europe/Berlin', '2026-03-29 02:30', '0001-01-01 BC', 'P1Y2M3DT4H5M6S', '24:00')`,
  `CREATE TABLE bytes (id int, b bytea, bits bit varying, flags bit(9))`,
  `INSERT INTO bytes SELECT i, decode(string_agg(lpad(to_hex(n), 2, '0'), ''), 'hex'), B'10101', B'111000111'
     FROM generate_series(0, 255) n, generate_series(1, 2) i GROUP BY i`,
  `INSERT INTO bytes VALUES (3, '', B'', NULL), (4, NULL, NULL, NULL)`,
  `CREATE TABLE documents (j json, b jsonb, x xml, a int[][], r int4range, m datemultirange, p point, pg polygon, c cidr, mac macaddr,
     u uuid, ts tsvector, q tsquery, lsn pg_lsn, money money)`,
  `INSERT INTO documents VALUES ('{"a" : 1, "a":2, "\\u00e9": null}', '{"deep": [[[1e400]]]}', '<a b="&lt;">x</a>', '[0:1][2:3]={{1,NULL},{3,4}}',
     '(,5]', '{[2026-01-01,2026-02-01),(2027-01-01,)}', '(NaN,Infinity)', '((0,0),(1,1),(2,0))', '2001:db8::/32', '08:00:2b:01:02:03',
     'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'it''s:1A lines:2', 'a & !b <-> c', '16/B374D848', '-92233720368547758.08')`,
  `CREATE TABLE empty (a int, b text NOT NULL)`,
  `CREATE TABLE "no columns" ()`,
  `INSERT INTO "no columns" DEFAULT VALUES`,
]

const structures = [
  `CREATE TYPE mood AS ENUM ('sad', 'it''s', '')`,
  `CREATE TYPE pair AS (first int, "second one" text)`,
  `CREATE DOMAIN positive AS int DEFAULT 1 CHECK (VALUE > 0)`,
  `CREATE TYPE span AS RANGE (subtype = float8)`,
  `CREATE TABLE typed (m mood, p pair, n positive, s span, a mood[], g int GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5), t text COLLATE "C")`,
  `INSERT INTO typed (m, p, n, s, a) VALUES ('', '(1,"a ""b"", c")', 5, '[1,NaN)', '{sad,NULL}')`,
  `CREATE TABLE generated (id serial PRIMARY KEY, a int, b int, sum int GENERATED ALWAYS AS (a + b) STORED, low text GENERATED ALWAYS AS (lower(a::text)) STORED)`,
  `INSERT INTO generated (a, b) SELECT i, -i FROM generate_series(1, 50) i`,
  `SELECT setval('generated_id_seq', 999, false)`,
  `CREATE TABLE parts (region text, at date, v int, PRIMARY KEY (region, at)) PARTITION BY LIST (region)`,
  `CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu') PARTITION BY RANGE (at)`,
  `CREATE TABLE parts_eu_old PARTITION OF parts_eu FOR VALUES FROM (MINVALUE) TO ('2026-01-01')`,
  `CREATE TABLE parts_eu_new PARTITION OF parts_eu DEFAULT`,
  `CREATE TABLE parts_rest (at date NOT NULL, v int, region text NOT NULL)`, // attached with another order of columns
  `ALTER TABLE parts ATTACH PARTITION parts_rest DEFAULT`,
  `INSERT INTO parts SELECT (ARRAY['eu', 'us'])[1 + i % 2], date '2025-12-20' + i, i FROM generate_series(1, 40) i`,
  `CREATE TABLE hashed (id int) PARTITION BY HASH (id)`,
  `CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0)`,
  `CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1)`,
  `INSERT INTO hashed SELECT generate_series(1, 100)`,
  `CREATE TABLE dropped (a int, b int, c int)`,
  `ALTER TABLE dropped DROP COLUMN b`,
  `ALTER TABLE dropped ADD COLUMN d int DEFAULT 7`,
  `INSERT INTO dropped VALUES (1, 2)`,
  `CREATE TABLE hen (id int PRIMARY KEY, egg int)`,
  `CREATE TABLE egg (id int PRIMARY KEY, hen int REFERENCES hen DEFERRABLE INITIALLY DEFERRED)`,
  `INSERT INTO hen VALUES (1, 1)`,
  `INSERT INTO egg VALUES (1, 1)`,
  `ALTER TABLE hen ADD FOREIGN KEY (egg) REFERENCES egg`,
  `CREATE TABLE parents (id int)`,
  `CREATE TABLE children (age int) INHERITS (parents)`,
  `INSERT INTO children VALUES (1, 2)`,
  `CREATE TABLE bookings (room int, during tsrange, EXCLUDE USING gist (during WITH &&))`,
  `CREATE UNLOGGED TABLE unlogged (a int)`,
  `INSERT INTO unlogged VALUES (1)`,
  `CREATE TABLE wide (${Array.from({ length: 1600 }, (_, i) => `c${i} ${i % 3 ? 'int' : 'bool'}`).join(', ')})`, // the most there are
  `INSERT INTO wide (c0, c1, c1599) VALUES (true, 1, false), (NULL, NULL, NULL)`,
  `CREATE UNIQUE INDEX partial ON generated ((a * 2)) INCLUDE (b) WHERE a > 10`,
  `CREATE STATISTICS generated_ab (ndistinct) ON a, b FROM generated`,
]

const code = [
  `CREATE FUNCTION "f ""quoted"""(a int, VARIADIC b text[]) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
  RETURN $$
COPY public.lie (a) FROM stdin;
1
\\.
$$ || a || ';';
END $body$`,
  `CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''fired''; END'`,
  `CREATE PROCEDURE tidy(INOUT a int) LANGUAGE sql AS 'SELECT a + 1'`,
  `CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')`,
  `CREATE TABLE watched (a int)`,
  `INSERT INTO watched VALUES (1)`,
  `CREATE TRIGGER "no rows, please" BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION tell()`, // a restore must not fire it
  `CREATE TRIGGER off AFTER DELETE ON watched EXECUTE FUNCTION tell()`,
  `ALTER TABLE watched DISABLE TRIGGER off`,
  `CREATE VIEW z_first AS SELECT id, a, sum FROM generated`,
  `CREATE VIEW a_second AS SELECT z.id, m.n FROM z_first z, (SELECT count(*) AS n FROM z_first) m`, // named so that order by name is wrong
  `CREATE MATERIALIZED VIEW m_third AS SELECT * FROM a_second WHERE id < 20`,
  `CREATE INDEX ON m_third (id)`,
  `CREATE MATERIALIZED VIEW m_unfilled AS SELECT 1 AS a WITH NO DATA`,
  `CREATE VIEW looped AS SELECT 1 AS a, 2 AS b`,
  `CREATE FUNCTION of_looped() RETURNS SETOF looped LANGUAGE sql AS 'SELECT 1, 2'`,
  `CREATE OR REPLACE VIEW looped AS SELECT 1 AS a, count(*)::int AS b FROM of_looped()`, // each needs the other
  `CREATE RULE nothing AS ON DELETE TO watched DO INSTEAD NOTHING`,
  `ALTER TABLE watched ENABLE ROW LEVEL SECURITY`,
  `CREATE POLICY mine ON watched USING (a > 0) WITH CHECK (current_user <> 'x''y')`,
  `CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'`,
  `CREATE EVENT TRIGGER noting ON ddl_command_end WHEN TAG IN ('DROP FUNCTION') EXECUTE FUNCTION note()`,
  `CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)`,
  `CREATE PUBLICATION all_of_it FOR TABLE generated`,
]

const odds = [
  `CREATE FUNCTION rank(mood) RETURNS int LANGUAGE sql AS 'SELECT 1'`,
  `CREATE CAST (mood AS int) WITH FUNCTION rank(mood) AS ASSIGNMENT`,
  `SELECT lo_from_bytea(900001, decode(repeat('00ff', 100000), 'hex'))`,
  `SELECT lo_create(900002)`,
  `COMMENT ON LARGE OBJECT 900001 IS 'it''s large'`,
  `COMMENT ON TABLE watched IS E'\\nCOPY public.lie (a) FROM stdin;\\n1\\n\\\\.\\n'`,
  `COMMENT ON COLUMN wide.c7 IS '${'x'.repeat(10_000)}'`,
  `CREATE EXTENSION pgcrypto`,
  `CREATE COLLATION german (provider = libc, locale = 'C')`,
  `CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple)`,
  `CREATE SEQUENCE backwards INCREMENT -3 MINVALUE -100 MAXVALUE 100 START 50 CYCLE`,
  `SELECT nextval('backwards')`,
  `GRANT SELECT (a), UPDATE ON watched TO PUBLIC`,
  `ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC`,
]

const bigRow = (bytes: number): string =>
  `CREATE TABLE big AS SELECT 1 AS id, string_agg(sha512(i::text::bytea), '') AS b FROM generate_series(1, ${Math.ceil(bytes / 64)}) i`
