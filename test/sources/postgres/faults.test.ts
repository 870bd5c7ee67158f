import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import pg from 'pg'
import { postgres } from '../../../src/sources/postgres/index.ts'
import type { Inspection } from '../../../src/sources/source.ts'
import { strays } from '../../../src/sys/strays.ts'
import { openBench, type Bench } from '../../contracts/source.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'

const never = new AbortController().signal
let server: PostgresServer

before(async () => {
  server = await startPostgres()
  await server.createDatabase('shop')
  await server.query(`CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)`, 'shop')
  await server.query(`CREATE ROLE reader LOGIN PASSWORD 'canary-7f3a'`)
})
after(() => server.close())

function bench(t: TestContext, url: string, options: Record<string, unknown> = {}): Promise<Bench> {
  return openBench(t, { facts: { driver: postgres, options }, url })
}

/** What pg_dump itself meets, as if the question before it had gone well. */
async function dumpAnyway(b: Bench): Promise<void> {
  const inspection = { engine: { toolVersion: `${server.version}.0` } } as Inspection
  await b.source.dump(b.series, inspection, b.sink(), never)
}

suite('a fault reads the same whether the driver or pg_dump met it', () => {
  const cases = {
    'a wrong password': {
      url: () => server.url('shop').replace(server.password, 'wrong'),
      fault: {
        code: 'database-refused',
        message: 'the server refused the password for user "postgres"',
        hint: /database_url/,
        retry: false,
      },
    },
    'no password at all': {
      url: () => server.url('shop').replace(`:${server.password}`, ''),
      fault: { code: 'database-refused', message: /asks for the password of user "postgres"/ },
    },
    'a missing database': {
      url: () => server.url('no such'),
      fault: { code: 'database-missing', message: /there is no database "no such" on 127\.0\.0\.1:\d+/ },
    },
    'nobody listening': {
      url: () => server.url('shop').replace(`:${server.port}`, ':1'),
      fault: { code: 'database-unreachable', message: /127\.0\.0\.1:1 did not answer/, retry: true },
    },
    'an unknown host': {
      url: () => server.url('shop').replace('127.0.0.1', 'no-such-host.invalid'),
      fault: { code: 'database-unreachable', message: /no-such-host\.invalid:\d+ did not answer/ },
    },
    'a missing socket': {
      url: () => 'postgres://u:p@/shop?host=/no/such/folder',
      fault: { code: 'database-unreachable', message: /\/no\/such\/folder\/\.s\.PGSQL\.5432 did not answer/ },
    },
    'no entry in pg_hba.conf': {
      url: () => server.url('shop').replace('//postgres:', '//stranger:'),
      fault: {
        code: 'database-refused',
        message: /does not let user "stranger" into database "shop"/,
        hint: /pg_hba/,
      },
    },
    'a server without TLS': {
      url: () => `${server.url('shop')}?sslmode=require`,
      fault: { code: 'database-refused', message: /no encrypted connection to 127/, hint: /sslmode/ },
    },
  }

  before(async () => {
    const file = join(server.socketDir, 'data/pg_hba.conf')
    writeFileSync(file, `host all stranger 127.0.0.1/32 reject\n${readFileSync(file, 'utf8')}`)
    await server.query(`SELECT pg_reload_conf()`)
  })

  for (const [what, { url, fault }] of Object.entries(cases))
    test(what, async (t) => {
      const b = await bench(t, url())
      await assert.rejects(b.source.inspect(b.series, never), fault)
      await assert.rejects(dumpAnyway(b), fault)
      const [line] = await b.source.check(never)
      assert.equal(line?.ok, false)
    })
})

test('a certificate file that is not there is not told as a server that is away', async (t) => {
  const b = await bench(t, `${server.url('shop')}?sslmode=verify-ca&sslrootcert=/no/such/root.crt`)
  await assert.rejects(b.source.inspect(b.series, never), {
    code: 'database-refused',
    message: /no encrypted connection to 127\..*"\/no\/such\/root\.crt" cannot be read/,
    hint: /sslrootcert/,
  })
})

test('a user without rights is told which table, and what to grant', async (t) => {
  const b = await bench(t, server.url('shop').replace(`postgres:${server.password}`, 'reader:canary-7f3a'))
  const fault = {
    code: 'database-refused',
    message: /permission denied for table orders/,
    hint: /GRANT pg_read_all_data TO "reader"/,
  }
  await assert.rejects(b.backUp(), fault)
  const lines = await b.source.check(never)
  assert.deepEqual(
    lines.map(({ name, ok }) => `${name} ${ok}`),
    ['database true', 'dump program true', 'right to read false', 'right to create false'],
  )
  assert.match(lines[2]!.text, /public\.orders/)
  assert.match(lines[3]!.text, /ALTER ROLE "reader" CREATEDB;/)
})

test('a table that stays locked ends the dump with its name', async (t) => {
  const b = await bench(t, server.url('shop'), { lock_timeout: '1s' })
  const release = await lock(t)
  await assert.rejects(b.backUp(), {
    code: 'database-locked',
    message: /table public\.orders stayed locked/,
    retry: true,
  })
  await release()
})

test('the password is in no argument and no environment while pg_dump runs, and no file of it is open to others', async (t) => {
  const b = await bench(t, server.url('shop'))
  const release = await lock(t)
  const dumping = b.backUp()
  const pids = await until(() =>
    strays(new Set([b.runId])).filter((pid) => /--format=custom/.test(read(pid, 'cmdline'))),
  )
  const everywhere = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  for (const pid of everywhere) assert.ok(!read(Number(pid), 'cmdline').includes(server.password), pid)
  for (const pid of pids) assert.ok(!read(pid, 'environ').includes(server.password))
  assert.ok(read(pids[0]!, 'environ').includes('PGPASSFILE='))
  await release()
  await dumping
})

test('a session that a dead run left is found by its name and ended', async (t) => {
  const b = await bench(t, server.url('shop'))
  const release = await lock(t)
  const dumping = assert.rejects(b.backUp(), { code: 'database-unreachable' })
  await until(async () => {
    const name = `easy-backup ${b.runId}`
    const found = await server.query(
      `SELECT FROM pg_stat_activity WHERE application_name = '${name}' AND wait_event_type = 'Lock'`,
    )
    return found
  })
  const later = await bench(t, server.url('shop'))
  assert.equal(await later.source.terminate(b.runId, never), 1)
  await dumping
  await release()
})

test('a server that stops in the middle of a question is told, not waited for', async (t) => {
  const own = await startPostgres()
  t.after(() => own.close())
  const b = await bench(t, own.url())
  await b.source.inspect(b.series, never)
  await own.close()
  await assert.rejects(b.source.inspect(b.series, never), { code: 'database-unreachable' })
})

for (const name of [
  'host=evil.invalid dbname=x',
  'postgres://evil.invalid/x',
  `it's "odd" \\ 100% $(reboot)`,
  'línea 🐘',
  'x'.repeat(63),
  '-rf',
])
  test(`a database called ${name} is dumped, proved and restored as itself`, async (t) => {
    await server.createDatabase(name)
    await server.query('CREATE TABLE only_here (id int); INSERT INTO only_here VALUES (1), (2)', name)
    const b = await bench(t, server.url(name))
    const backup = await b.backUp()
    assert.deepEqual(backup.tables, [{ name: 'public.only_here', rows: 2 }])
    const restored = await b.restore(backup)
    assert.deepEqual(restored.tables, backup.tables)
    const { name: target } = await b.source.plan(backup, { ...request, stamp: 'other' }, never)
    assert.ok(Buffer.byteLength(target) <= 63)
  })

const request = { database: null, url: null, stamp: '', noOwner: false }

/** Holds the table until released. */
async function lock(t: TestContext): Promise<() => Promise<void>> {
  const client = new pg.Client(server.url('shop'))
  await client.connect()
  await client.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE')
  let held = true
  const release = async (): Promise<void> => {
    if (held) await client.end()
    held = false
  }
  t.after(release)
  return release
}

async function until<T>(look: () => T[] | Promise<T[]>): Promise<T[]> {
  for (;;) {
    const found = await look()
    if (found.length > 0) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return '' // it has ended
  }
}

test('a backup whose rows do not restore is a failed restore, whatever the rows say', async (t) => {
  await server.createDatabase('bad')
  await server.query(
    `CREATE TABLE log (said text CHECK (current_database() = 'bad')); INSERT INTO log VALUES ('connection refused')`,
    'bad',
  )
  const b = await bench(t, server.url('bad'))
  await assert.rejects(b.restore(await b.backUp()), {
    code: 'restore-failed',
    message: /violates check constraint/,
  })
})

suite('doctor says what a dump would fail at, and what to type', () => {
  const cases = {
    sequences: {
      sql: 'CREATE TABLE o (id serial PRIMARY KEY)',
      text: /^no right to read sequence public\.o_id_seq$/,
    },
    secured: {
      sql: 'CREATE TABLE o (id int); ALTER TABLE o ENABLE ROW LEVEL SECURITY',
      text: /^row level security would stop the dump at public\.o$/,
    },
    largeobjects: {
      sql: `CREATE TABLE o (id int); SELECT lo_from_bytea(42, 'x')`,
      text: /^no right to read large object 42$/,
    },
    partitions: {
      sql: `CREATE TABLE o (id int) PARTITION BY RANGE (id); CREATE TABLE p PARTITION OF o DEFAULT`,
      text: /^no right to read public\.o$/,
      before: 'REVOKE ALL ON o FROM typist',
    },
  }

  for (const [name, { sql, text, ...more }] of Object.entries(cases))
    test(name, async (t) => {
      await server.createDatabase(name)
      await server.query(`${sql}; DROP ROLE IF EXISTS typist; CREATE ROLE typist LOGIN PASSWORD 'pw'`, name)
      await server.query(
        `GRANT SELECT ON ALL TABLES IN SCHEMA public TO typist; ${'before' in more ? more.before : ''}`,
        name,
      )
      t.after(() => server.query('DROP OWNED BY typist; DROP ROLE typist', name))
      const url = server.url(name).replace(`postgres:${server.password}`, 'typist:pw')
      const doctor = async () =>
        (await (await bench(t, url)).source.check(never)).find((line) => line.name === 'right to read')!
      const line = await doctor()
      assert.equal(line.ok, false)
      assert.match(line.text, text)
      await assert.rejects((await bench(t, url)).backUp())
      await server.query(line.hint!, name)
      assert.deepEqual(await doctor(), {
        name: 'right to read',
        ok: true,
        text: 'every table can be read',
        hint: null,
      })
      await (await bench(t, url)).backUp()
    })
})
