import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { startPostgres, type PostgresServer } from '../playground/servers/postgres.ts'

/** A private server with one database of ordinary data. */
export interface SampleServer {
  server: PostgresServer
  /** What `pg_dump` of this server's own major is called. */
  programs: string
  database: string
  /** For stock tools. */
  env: Record<string, string>
}

const database = 'shop'
// bytes of one row of each table in `pg_dump -Fc -Z0`, measured, and its share of the whole
const tables = [
  { name: 'customers', rowBytes: 331, share: 0.1 },
  { name: 'orders', rowBytes: 180, share: 0.22 },
  { name: 'events', rowBytes: 364, share: 0.25 },
  { name: 'messages', rowBytes: 530, share: 0.13 },
  { name: 'files', rowBytes: 4_189, share: 0.3 },
]

/** @param rawMb  size of the uncompressed dump in millions of bytes */
export async function startSampleServer(rawMb: number): Promise<SampleServer> {
  const server = await startPostgres()
  const programs = `/usr/lib/postgresql/${server.version}/bin`
  await server.createDatabase(database)
  const rows = Object.fromEntries(
    tables.map(({ name, rowBytes, share }) => [name, Math.ceil((rawMb * 1e6 * share) / rowBytes)]),
  )
  await server.query(definitions, database)
  // two at a time: both processors
  await Promise.all([
    fill(server, ['orders', 'files', 'customers'], rows),
    fill(server, ['events', 'messages'], rows),
  ])
  await server.query('CHECKPOINT', database)
  return {
    server,
    programs,
    database,
    env: {
      PGHOST: '127.0.0.1',
      PGPORT: String(server.port),
      PGUSER: server.superuser,
      PGPASSWORD: server.password,
      PATH: `${programs}:${process.env['PATH']}`,
    },
  }
}

/** `word()`, `word(k)` and `phrase(k)`: text that compresses like people's. */
export const wordFunctions = `
CREATE FUNCTION word(k int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT (ARRAY['amber','bread','cloud','delta','ember','frost','grain','harbor','island','jacket','kettle','lumen','maple',
    'north','ocean','paper','quartz','river','stone','timber','umbra','violet','water','xenon','yellow','zephyr','parcel',
    'invoice','refund','delivery','address','customer','warehouse','express','pending','confirmed'])[1 + k % 36] $$;
CREATE FUNCTION word() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT word((random() * 1000)::int) $$;
CREATE FUNCTION phrase(k int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT concat_ws(' ', word(k * 7), word(k / 3), 'for the', word(k * 11 / 5), 'of', word(k / 17), 'sent with', word(k * 5 / 3),
    'and', word(k / 36), word(k * 3)) $$;`

const definitions = `${wordFunctions}
CREATE TABLE customers (id int PRIMARY KEY, key uuid NOT NULL, name text, email text, joined timestamptz, profile jsonb);
CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, key uuid NOT NULL, amount numeric(12,2), tax numeric(8,4),
  status text, placed timestamptz, note text);
CREATE TABLE events (id bigint PRIMARY KEY, kind text, at timestamptz, payload jsonb);
CREATE TABLE messages (id int PRIMARY KEY, customer int, sent timestamptz, body text);
CREATE TABLE files (id int PRIMARY KEY, name text, digest bytea, content bytea);
CREATE INDEX ON orders (customer); CREATE INDEX ON orders (placed); CREATE UNIQUE INDEX ON customers (email);
CREATE INDEX ON events (kind, at); CREATE INDEX ON events USING gin (payload jsonb_path_ops) WHERE id % 50 = 0;`

const fills: Record<string, (rows: number) => string> = {
  customers: (
    rows,
  ) => `INSERT INTO customers SELECT n, gen_random_uuid(), initcap(word()) || ' ' || initcap(word()),
    word() || n || '@' || word() || '.example', now() - random() * interval '900 days',
    jsonb_build_object('tags', jsonb_build_array(word(), word(), word()), 'score', round((random() * 100)::numeric, 3),
      'address', jsonb_build_object('street', word() || ' ' || word(), 'zip', (random() * 99999)::int, 'city', word()),
      'note', phrase((random() * 5000)::int)) FROM generate_series(1, ${rows}) n`,
  orders: (
    rows,
  ) => `INSERT INTO orders SELECT n, (random() * 400000)::int, gen_random_uuid(), (random() * 900)::numeric(12,2),
    (random() * 20)::numeric(8,4), word(), now() - random() * interval '900 days',
    phrase((random() * 5000)::int) FROM generate_series(1, ${rows}) n`,
  events: (rows) => `INSERT INTO events SELECT n, word(), now() - random() * interval '90 days',
    jsonb_build_object('session', word() || '-' || (random() * 1e5)::int, 'page', '/' || word() || '/' || word() || '/' || (random() * 1e6)::int,
      'agent', 'Mozilla/5.0 (X11; Linux x86_64) ' || phrase((random() * 2000)::int), 'referrer', 'https://www.example.com/' || word() || '/' || word(), 'took_ms', (random() * 4000)::int, 'items',
      jsonb_build_array(jsonb_build_object('sku', word(), 'qty', (random() * 9)::int),
        jsonb_build_object('sku', word(), 'qty', (random() * 9)::int))) FROM generate_series(1, ${rows}) n`,
  messages: (
    rows,
  ) => `INSERT INTO messages SELECT n, (random() * 400000)::int, now() - random() * interval '90 days',
    'Dear ' || word() || E',\\n' || phrase((random() * 3000)::int) || '. ' || phrase((random() * 3000)::int) || E'.\\n'
      || phrase((random() * 3000)::int) || ', ' || phrase((random() * 3000)::int) || '. ' || phrase((random() * 3000)::int)
      || ': ' || (random() * 1e6)::int || '. ' || phrase((random() * 3000)::int) || E'.\\nYours, ' || word()
    FROM generate_series(1, ${rows}) n`,
  files: (rows) => `INSERT INTO files SELECT n, word() || n, sha256(n::text::bytea),
    (SELECT string_agg(sha256((n * 64 + part)::text::bytea), ''::bytea) FROM generate_series(1, 64) part)
    FROM generate_series(1, ${rows}) n`,
}

async function fill(server: PostgresServer, names: string[], rows: Record<string, number>): Promise<void> {
  for (const name of names) await server.query(fills[name]!(rows[name]!), database)
}

export async function versionOf(program: string, env: Record<string, string>): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(program, ['--version'], {
    env: { ...process.env, ...env },
  })
  return (stdout || stderr).trim().split('\n')[0]!
}
