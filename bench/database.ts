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
  { name: 'customers', rowBytes: 286, share: 0.12 },
  { name: 'orders', rowBytes: 205, share: 0.43 },
  { name: 'events', rowBytes: 266, share: 0.4 },
  { name: 'files', rowBytes: 4_189, share: 0.05 },
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
  await Promise.all([fill(server, ['orders', 'files'], rows), fill(server, ['events', 'customers'], rows)])
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

const definitions = `
CREATE FUNCTION word() RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT (ARRAY['amber','bread','cloud','delta','ember','frost','grain','harbor','island','jacket','kettle','lumen','maple',
    'north','ocean','paper','quartz','river','stone','timber','umbra','violet','water','xenon','yellow','zephyr','parcel',
    'invoice','refund','delivery','address','customer','warehouse','express','pending','confirmed'])[1 + floor(random() * 36)] $$;
CREATE TABLE customers (id int PRIMARY KEY, key uuid NOT NULL, name text, email text, joined timestamptz, profile jsonb);
CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, key uuid NOT NULL, amount numeric(12,2), tax numeric(8,4),
  status text, placed timestamptz, note text);
CREATE TABLE events (id bigint PRIMARY KEY, kind text, at timestamptz, payload jsonb);
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
      'note', word() || ' ' || word() || ' ' || word() || ' ' || word()) FROM generate_series(1, ${rows}) n`,
  orders: (
    rows,
  ) => `INSERT INTO orders SELECT n, (random() * 400000)::int, gen_random_uuid(), (random() * 900)::numeric(12,2),
    (random() * 20)::numeric(8,4), word(), now() - random() * interval '900 days',
    word() || ' ' || word() || ' ' || word() || ' ' || word() || ' for the order of ' || word() || ' in the ' || word()
      || ' of ' || word() || ', sent with ' || word() || ' and ' || word() || ' ' || word() FROM generate_series(1, ${rows}) n`,
  events: (rows) => `INSERT INTO events SELECT n, word(), now() - random() * interval '90 days',
    jsonb_build_object('session', md5(random()::text), 'page', '/' || word() || '/' || word() || '/' || (random() * 1e6)::int,
      'agent', 'Mozilla/5.0 (X11; Linux x86_64) ' || word(), 'took_ms', (random() * 4000)::int, 'items',
      jsonb_build_array(jsonb_build_object('sku', word(), 'qty', (random() * 9)::int),
        jsonb_build_object('sku', word(), 'qty', (random() * 9)::int))) FROM generate_series(1, ${rows}) n`,
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
