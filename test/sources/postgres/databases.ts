import { createHash } from 'node:crypto'
import type { TestContext } from 'node:test'
import pg from 'pg'
import type { PostgresServer } from '../../support/postgres.ts'

/** What pg_dump, the row counter and the comparison each find hard. */
export const hardToCopy = {
  sql: `
    CREATE SCHEMA "Sales.2026";
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, mood mood, photo bytea, notes jsonb, tags text[]);
    INSERT INTO customers (name, mood, photo, notes, tags)
      SELECT E'Zoë\\n\\\\.\\n' || i, 'happy', decode(repeat('00ff5c', 50), 'hex'), '{"a": null}', ARRAY[NULL, '', E'\\t']
      FROM generate_series(1, 20000) i;
    CREATE TABLE "Sales.2026"."we ird;\n' "" COPY x FROM stdin;" (id int, "FROM stdin;" text);
    INSERT INTO "Sales.2026"."we ird;\n' "" COPY x FROM stdin;" VALUES (1, '\\.'), (2, ''), (3, NULL);
    CREATE TABLE empty (x int);
    CREATE TABLE "no columns" ();
    INSERT INTO "no columns" DEFAULT VALUES;
    CREATE TABLE one (t text);
    INSERT INTO one VALUES (''), ('\\.'), (E'\\\\.');
    CREATE TABLE sums (a int, b int, c int GENERATED ALWAYS AS (a + b) STORED);
    INSERT INTO sums VALUES (1, 2);
    CREATE TABLE events (at date, what text) PARTITION BY RANGE (at);
    CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE TABLE events_rest PARTITION OF events DEFAULT;
    INSERT INTO events VALUES ('2025-05-05', 'a'), ('2026-05-05', 'b'), (NULL, 'c');
    CREATE TABLE parents (id int); CREATE TABLE children (age int) INHERITS (parents);
    INSERT INTO parents VALUES (1); INSERT INTO children VALUES (2, 3), (4, 5);
    CREATE VIEW names AS SELECT name FROM customers;
    CREATE MATERIALIZED VIEW counts AS SELECT count(*) FROM customers;
    CREATE FUNCTION lies() RETURNS text LANGUAGE sql AS $$
      SELECT '
COPY public.lie (a) FROM stdin;
1
\\.
'::text $$;
    SELECT lo_from_bytea(0, repeat('COPY public.x (a) FROM stdin;', 5000)::bytea);
    COMMENT ON TABLE one IS E'\nCOPY public.lie (a) FROM stdin;\n1\n';
    CREATE INDEX ON customers (name);`,
  tables: [
    { name: '"Sales.2026"."we ird;\n\' "" COPY x FROM stdin;"', rows: 3 },
    { name: 'public."no columns"', rows: 1 },
    { name: 'public.children', rows: 2 },
    { name: 'public.customers', rows: 20_000 },
    { name: 'public.empty', rows: 0 },
    { name: 'public.events_2025', rows: 1 },
    { name: 'public.events_rest', rows: 2 },
    { name: 'public.one', rows: 3 },
    { name: 'public.parents', rows: 1 },
    { name: 'public.sums', rows: 1 },
  ],
}

export function databaseIn(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1))
}

/** Every definition and row; a digest per table. */
export async function contentOf(server: PostgresServer, database: string): Promise<string> {
  const objects = await server.query(
    `SELECT n.nspname, c.relname, c.relkind, c.relpersistence, pg_get_userbyid(c.relowner) AS owner, c.relacl::text,
       (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ',' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2`,
    database,
  )
  const digests = []
  for (const { nspname, relname, relkind } of objects.filter(({ relkind }) =>
    'rpm'.includes(String(relkind)),
  )) {
    const table = [nspname, relname].map((name) => pg.escapeIdentifier(String(name))).join('.')
    const [row] = await server.query(
      `SELECT count(*) AS rows, md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM ${table} t`,
      database,
    )
    digests.push([table, relkind, row])
  }
  const large = await server.query(
    'SELECT md5(string_agg(data, NULL ORDER BY loid, pageno)) FROM pg_largeobject',
    database,
  )
  return createHash('sha256')
    .update(JSON.stringify([objects, digests, large]))
    .digest('hex')
}

export async function exists(server: PostgresServer, database: string): Promise<boolean> {
  const rows = await server.query(`SELECT FROM pg_database WHERE datname = ${pg.escapeLiteral(database)}`)
  return rows.length > 0
}

/** An application that never stops writing. @returns how to stop it */
export async function keepWriting(t: TestContext, url: string): Promise<() => Promise<void>> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(`CREATE TABLE ledger_a (id serial, t text); CREATE TABLE ledger_b (id serial, t text);`)
  const insert = `BEGIN; INSERT INTO ledger_a (t) SELECT md5(i::text) FROM generate_series(1, 500) i;
    SELECT pg_sleep(0.002); INSERT INTO ledger_b (t) SELECT md5(i::text) FROM generate_series(1, 500) i; COMMIT;`
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
