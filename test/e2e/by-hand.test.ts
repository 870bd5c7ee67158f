import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { makeBot, type Bot } from '../support/bot.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'

const compressions = ['zstd', 'gzip', 'none'] as const
const tables = ['customers', `Zoë's "odd; table`, 'empty']

let folder: string
let server: PostgresServer
let bot: Bot

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eb-by-hand-'))
  server = await startPostgres()
  await server.createDatabase('shop')
  await server.query(postgresSample, 'shop')
  const sample = new DatabaseSync(join(folder, 'shop.db'))
  sample.exec(sqliteSample)
  sample.close()
  const urls = { pg: server.url('shop'), lite: `sqlite://${folder}/shop.db` }
  const strategies = Object.entries(urls).flatMap(([name, url]) =>
    compressions.map(
      (kind) =>
        `  - { name: ${name}-${kind}, database_url: "${url}", schedule: manual, compression: ${kind} }`,
    ),
  )
  bot = await makeBot({ strategies: strategies.join('\n') })
  const made = await bot.command('run', 'all')
  assert.equal(made.code, 0, made.stderr)
})

after(async () => {
  await bot?.remove()
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})

for (const kind of compressions) {
  test(`PostgreSQL, ${kind}: the commands that show prints bring back every row`, async () => {
    const work = await pasted(`pg-${kind}`)
    assert.deepEqual(await rowsOf('restored'), await rowsOf('shop'))
    await paste(work, 'dropdb restored')
  })

  test(`SQLite, ${kind}: the commands that show prints bring back every row`, async () => {
    const work = await pasted(`lite-${kind}`)
    assert.deepEqual(contentOf(join(work, 'restored.db')), contentOf(join(folder, 'shop.db')))
  })
}

/** Types what `show` prints, in a fresh folder, with nothing but stock tools. @returns that folder */
async function pasted(strategy: string): Promise<string> {
  const work = join(folder, strategy)
  await mkdir(work)
  const { stdout } = await bot.command('show', strategy)
  const commands = stdout.split(/\n\n/).at(-1)!
  assert.match(commands, /restored/, stdout)
  const stored = await readdir(bot.storageDir, { recursive: true })
  await paste(work, commands)
  assert.deepEqual(
    await readdir(bot.storageDir, { recursive: true }),
    stored,
    'nothing new beside the backups',
  )
  return work
}

async function paste(cwd: string, commands: string): Promise<void> {
  const env = {
    PATH: process.env.PATH,
    PGHOST: '127.0.0.1',
    PGPORT: String(server.port),
    PGUSER: server.superuser,
    PGPASSWORD: server.password,
  }
  await promisify(execFile)('sh', ['-e', '-c', commands], { cwd, env })
}

async function rowsOf(database: string): Promise<unknown> {
  const rows = tables.map((table) =>
    server.query(`SELECT t::text AS row FROM ${identifier(table)} t ORDER BY 1`, database),
  )
  return Promise.all([...rows, server.query('SELECT count(*) FROM names', database)])
}

function contentOf(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return [
      database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all(),
      ...tables.map((table) => database.prepare(`SELECT * FROM ${identifier(table)}`).all()),
    ]
  } finally {
    database.close()
  }
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

const odd = identifier(tables[1]!)

const postgresSample = `
  CREATE TABLE customers (id int PRIMARY KEY, name text, at timestamptz, amount numeric, tags text[], raw bytea);
  INSERT INTO customers SELECT n, E'Zo\\u00eb\\t\\n\\\\ ' || md5(n::text), now() - n * interval '1 hour', n / 7.0,
    ARRAY['a', NULL, '"q"'], decode(md5(n::text), 'hex') FROM generate_series(1, 3000) n;
  CREATE TABLE ${odd} (id serial PRIMARY KEY, customer int REFERENCES customers, note jsonb);
  INSERT INTO ${odd} (customer, note) SELECT n, jsonb_build_object('n', n) FROM generate_series(1, 500) n;
  CREATE TABLE empty (id int);
  CREATE VIEW names AS SELECT name FROM customers`

const sqliteSample = `
  CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, amount REAL, raw BLOB);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    INSERT INTO customers SELECT i, 'Zoë' || char(9, 10) || i, i / 7.0, randomblob(16) FROM n;
  CREATE TABLE ${odd} (a, b);
  INSERT INTO ${odd} VALUES (1, 'it''s'), (NULL, x'00ff'), (9007199254740991, 1.5);
  CREATE TABLE empty (id);
  CREATE INDEX by_name ON customers (name);
  CREATE VIEW names AS SELECT name FROM customers`
