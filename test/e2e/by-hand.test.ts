import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { bytesSpool } from '../../src/sys/spool.ts'
import { makeBot, type Bot } from '../support/bot.ts'
import { startMariadb, type MariadbServer } from '../support/mariadb.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { openBucket } from '../support/s3/make.ts'
import { startS3, type S3Server } from '../support/s3/server.ts'

const compressions = ['zstd', 'gzip', 'none'] as const
const tables = ['customers', `Zoë's "odd; table`, 'empty']

let folder: string
let server: PostgresServer
let mariadb: MariadbServer
let bot: Bot

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eb-by-hand-'))
  server = await startPostgres()
  await server.createDatabase('shop')
  await server.query(postgresSample, 'shop')
  mariadb = await startMariadb()
  await mariadb.createDatabase('shop')
  await mariadb.query(mariadbSample, 'shop')
  const who = `[client]\nuser=${mariadb.superuser}\npassword=${mariadb.password}\nsocket=${mariadb.socket}\n`
  await writeFile(join(folder, '.my.cnf'), who, { mode: 0o600 })
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
  strategies.push(
    `  - { name: pg-jobs, database_url: "${urls.pg}", schedule: manual, compression: zstd, options: { jobs: 2 } }`,
  )
  strategies.push(
    `  - { name: my-zstd, database_url: "${mariadb.url('shop')}", schedule: manual, compression: zstd }`,
  )
  bot = await makeBot({ strategies: strategies.join('\n') })
  const made = await bot.command('run', 'all')
  assert.equal(made.code, 0, made.stderr)
})

after(async () => {
  await bot?.remove()
  await server?.close()
  await mariadb?.close()
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

/** The blocks of docs/restore-by-hand.md by the names behind their `sh`. */
async function pageBlocks(): Promise<Map<string, string>> {
  const page = await readFile(resolve(import.meta.dirname, '../../docs/restore-by-hand.md'), 'utf8')
  return new Map(
    [...page.matchAll(/^```sh ([a-z0-9-]+)\n(.*?)^```$/gms)].map(([, name, text]) => [name!, text!]),
  )
}

const followed = new Set<string>()

/** Types the named blocks of the page one after the other, with what a person fills in before them. */
async function followPage(
  work: string,
  names: string[],
  filled: Record<string, string> = {},
): Promise<string> {
  const blocks = await pageBlocks()
  const set = Object.entries(filled).map(([name, value]) => `${name}='${value}'\n`)
  const texts = names.map((name) => blocks.get(name) ?? assert.fail(`the page has no block ${name}`))
  for (const name of names) followed.add(name)
  return paste(work, [...set, ...texts].join(''))
}

/** The newest backup's folder, and the file in it. */
async function storedIn(strategy: string): Promise<{ BACKUP: string; FILE: string }> {
  const names = await readdir(bot.storageDir, { recursive: true })
  const manifest = names.find((name) => name.startsWith(`${strategy}/`) && name.endsWith('manifest.json'))!
  const BACKUP = join(bot.storageDir, manifest, '..')
  return { BACKUP, FILE: (await readdir(BACKUP)).find((name) => !name.endsWith('.json'))! }
}

for (const kind of compressions)
  for (const [name, engine] of [
    ['pg', 'postgres'],
    ['lite', 'sqlite'],
  ] as const)
    test(`${engine}, ${kind}: the page for restores by hand brings back every row`, async () => {
      const work = join(folder, `page-${name}-${kind}`)
      await mkdir(work)
      const where = await storedIn(`${name}-${kind}`)
      const said = await followPage(
        work,
        ['from-folder', 'check', `undo-${kind}`, `restore-${engine}`, `compare-${engine}`],
        where,
      )
      assert.match(said, /: OK\n/)
      assert.match(said, /3000/)
      if (engine === 'sqlite') {
        assert.deepEqual(contentOf(join(work, 'restored.db')), contentOf(join(folder, 'shop.db')))
        return
      }
      assert.deepEqual(await rowsOf('restored'), await rowsOf('shop'))
      await paste(work, 'dropdb restored')
    })

test('several tables at a time: the commands that show prints, and the page, bring back every row', async () => {
  const work = await pasted('pg-jobs')
  assert.deepEqual(await rowsOf('restored'), await rowsOf('shop'))
  await paste(work, 'dropdb restored')
  const byPage = join(folder, 'page-pg-jobs')
  await mkdir(byPage)
  const steps = ['from-folder', 'check', 'undo-zstd', 'restore-postgres-directory', 'compare-postgres']
  const said = await followPage(byPage, steps, await storedIn('pg-jobs'))
  assert.match(said, /: OK\n/)
  assert.match(said, /3000/)
  assert.deepEqual(await rowsOf('restored'), await rowsOf('shop'))
  await paste(byPage, 'dropdb restored')
})

test('MariaDB: the commands that show prints, and the page, bring back every row', async () => {
  const rows = (database: string) =>
    mariadb.query('SELECT HEX(name) AS name FROM customers UNION ALL SELECT name FROM names', database)
  const before = await rows('shop')
  await pasted('my-zstd')
  assert.deepEqual(await rows('restored'), before)
  await mariadb.query('DROP DATABASE restored')
  const work = join(folder, 'page-my')
  await mkdir(work)
  const steps = ['from-folder', 'check', 'undo-zstd', 'restore-mysql', 'compare-mysql']
  const said = await followPage(work, steps, await storedIn('my-zstd'))
  assert.match(said, /: OK\n/)
  assert.match(said, /3000/)
  assert.deepEqual(await rows('restored'), before)
})

for (const tool of ['aws', 'curl'] as const)
  test(`the page fetches a backup from a bucket with ${tool}, and a changed byte fails its check`, async (t) => {
    const installed = await paste(folder, `${tool} --version`).catch(() => null)
    if (installed === null) return t.skip(`${tool} is not installed`)
    const s3 = await startS3(t)
    const { BACKUP, FILE } = await storedIn('lite-zstd')
    const PREFIX = 'team/shop/backup'
    for (const name of await readdir(BACKUP))
      await putInto(s3, `${PREFIX}/${name}`, await readFile(join(BACKUP, name)))
    const work = join(folder, `bucket-${tool}`)
    await mkdir(work)
    const filled = { FILE, PREFIX, BUCKET: s3.bucket, S3_ENDPOINT: s3.endpoint }
    const credentials = {
      AWS_ACCESS_KEY_ID: s3.credentials.access_key,
      AWS_SECRET_ACCESS_KEY: s3.credentials.secret_key,
      AWS_REGION: s3.region,
    }
    const exported = `export ${Object.keys(credentials).join(' ')}\n`
    const blocks = await pageBlocks()
    const set = Object.entries({ ...filled, ...credentials }).map(([name, value]) => `${name}='${value}'\n`)
    followed.add(`from-s3-${tool}`)
    const steps = [`from-s3-${tool}`, 'check', 'undo-zstd', 'restore-sqlite'].map((name) => blocks.get(name)!)
    assert.match(await paste(work, [...set, exported, ...steps].join('')), /: OK\n/)
    assert.deepEqual(contentOf(join(work, 'restored.db')), contentOf(join(folder, 'shop.db')))
    const bytes = await readFile(join(work, FILE))
    bytes[100]! ^= 1
    await writeFile(join(work, FILE), bytes)
    await assert.rejects(followPage(work, ['check'], { FILE }), /FAILED/)
  })

async function putInto(s3: S3Server, key: string, bytes: Buffer): Promise<void> {
  const storage = openBucket(s3.options, { own: { base_path: '' } })
  await storage.put(key, bytesSpool(bytes), { ifAbsent: true, signal: new AbortController().signal })
}

test('every command of the page was run', async () => {
  const examples = ['say-which', 'from-s3-aws'] // filled in by a person; not every machine has the program
  const names = [...(await pageBlocks()).keys()].filter((name) => !examples.includes(name))
  assert.deepEqual(
    names.filter((name) => !followed.has(name)),
    [],
  )
})

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

async function paste(cwd: string, commands: string): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    PGHOST: '127.0.0.1',
    PGPORT: String(server.port),
    PGUSER: server.superuser,
    PGPASSWORD: server.password,
    HOME: folder,
  }
  const { stdout } = await promisify(execFile)('sh', ['-e', '-c', commands], { cwd, env }).catch(
    (error: Error & { stdout?: string }) => {
      throw new Error(`${error.message}\n${error.stdout ?? ''}`, { cause: error })
    },
  )
  return stdout
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

const mariadbSample = `
  CREATE TABLE customers (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60), photo BLOB);
  INSERT INTO customers (name, photo) SELECT CONCAT('Zoë; \\'', seq), X'00ff27' FROM seq_1_to_3000;
  CREATE VIEW names AS SELECT name FROM customers;
  CREATE PROCEDURE two() BEGIN /* a; comment */ SELECT 1; SELECT 2; END;`

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
