import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { decodingChain } from '../../../src/engine/chain.ts'
import { rawInput } from '../../../src/engine/pipeline.ts'
import { filters } from '../../../src/filters/registry.ts'
import { postgres } from '../../../src/sources/postgres/index.ts'
import type { RawInput, TargetRequest } from '../../../src/sources/source.ts'
import { systemClock } from '../../../src/sys/clock.ts'
import { openFileSpool } from '../../../src/sys/spool.ts'
import { beside, openBench, type Bench } from '../../contracts/source.ts'
import { until } from '../../support/bot.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'
import { exists } from './databases.ts'

const never = new AbortController().signal
let server: PostgresServer
let made = 0

before(async () => void (server = await startPostgres()))
after(() => server.close())

async function database(sql: string): Promise<string> {
  const name = `chosen_${++made}`
  await server.createDatabase(name)
  await server.query(sql, name)
  return name
}

const benchOf = (
  t: TestContext,
  name: string,
  more: { options?: Record<string, unknown>; signal?: AbortSignal } = {},
) =>
  openBench(t, {
    facts: { driver: postgres, options: more.options ?? {} },
    url: server.url(name),
    ...(more.signal && { signal: more.signal }),
  })

suite('some tables', () => {
  test('come whole out of a database of many, wherever they stand among its definitions', async (t) => {
    const table = (n: number): string =>
      `CREATE TABLE t${n} (id serial PRIMARY KEY, note text); CREATE INDEX note_${n} ON t${n} (note); INSERT INTO t${n} (note) VALUES ('a')`
    const b = await benchOf(t, await database(Array.from({ length: 80 }, (_, n) => table(n)).join(';')))
    const backup = await b.backUp()
    const names = [0, 41, 79].map((n) => `public.t${n}`)
    const wanted = { ...backup, tables: backup.tables!.filter(({ name }) => names.includes(name)) }
    const into = `few_${made}`
    const request = { ...beside, database: into, tables: names }
    const plan = await b.source.plan(wanted, request, never)
    await b.source.restore(wanted, request, plan, await filtered(t, b, 'none'), never)
    const rows = await server.query(
      `SELECT relname FROM pg_class WHERE relkind IN ('r', 'i', 'S') AND relnamespace = 'public'::regnamespace ORDER BY 1`,
      into,
    )
    const parts = (n: number): string[] => [`note_${n}`, `t${n}`, `t${n}_id_seq`, `t${n}_pkey`]
    assert.deepEqual(
      rows.map(({ relname }) => String(relname)),
      [0, 41, 79].flatMap(parts).toSorted(),
    )
  })

  test('come out of a backup however it is compressed, also over a database, with much behind them that is not read', async (t) => {
    const b = await benchOf(
      t,
      await database(
        `CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a SELECT generate_series(1, 10);
         CREATE TABLE b (id int, t text); INSERT INTO b SELECT n, md5(n::text) || md5((n + 1)::text) FROM generate_series(1, 40000) n`,
      ),
    )
    const backup = await b.backUp()
    const wanted = { ...backup, tables: [{ name: 'public.a', rows: 10 }] }
    for (const filter of ['none', 'gzip', 'zstd']) {
      const raw = await filtered(t, b, filter)
      const restore = async (more: Partial<TargetRequest>): Promise<void> => {
        const request = { ...beside, ...more, tables: ['public.a'] }
        const plan = await b.source.plan(wanted, request, never)
        const restored = await b.source.restore(wanted, request, plan, raw, never)
        assert.deepEqual(restored.tables, wanted.tables, filter)
      }
      await restore({ database: `a_${filter}` })
      const other = await database('CREATE TABLE a (id int); INSERT INTO a VALUES (7)')
      await restore({ database: other, clean: true })
    }
  })

  test('that a dump was to be of, and that are not there, fail it with the name', async (t) => {
    const name = await database('CREATE TABLE orders (id int)')
    for (const [option, pattern] of [
      ['tables', 'custmers'],
      ['schemas', 'sales'],
    ] as const) {
      const options = { [option]: [option === 'tables' ? 'orders' : 'public', pattern] }
      const b = await benchOf(t, name, { options })
      await assert.rejects(b.backUp(), {
        code: 'dump-failed',
        message: new RegExp(`no matching ${option} were found for pattern "${pattern}"`),
      })
    }
  })
})

/** What the bench dumped, compressed, and undone again as the engine does it. */
async function filtered(t: TestContext, b: Bench, filter: string): Promise<() => Promise<RawInput>> {
  const path = join(b.out, b.artifact())
  if (filter !== 'none') await promisify(execFile)(filter, ['-k', '-f', path])
  const ending: Record<string, string> = { gzip: '.gz', zstd: '.zst' }
  const stored = path + (ending[filter] ?? '')
  const chain = decodingChain(filters, filter === 'none' ? [] : [filter], null)
  const tools = { processes: b.processes, running: b.running, folder: b.folder }
  const spool = await openFileSpool(stored, systemClock)
  t.after(() => spool.close())
  return async () => rawInput(spool, chain, tools)
}

test('whoever stops a restore while its database is being created leaves none', async (t) => {
  const name = await database('CREATE TABLE orders (id int)')
  const stop = new AbortController()
  const b = await benchOf(t, name, { signal: stop.signal })
  const backup = await b.backUp()
  const holder = new pg.Client({ connectionString: server.url(name) })
  await holder.connect()
  t.after(() => holder.end())
  await holder.query(`BEGIN; COMMENT ON DATABASE template0 IS 'held'`)
  const into = `stopped_${made}`
  const restoring = b.restore(backup, { ...beside, database: into })
  const refused = assert.rejects(restoring, /enough/)
  const creating = `SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE%' AND wait_event_type = 'Lock'`
  await until(async () => (await server.query(creating)).length > 0, 'it waits to be created')
  stop.abort(new Error('enough'))
  await holder.query('ROLLBACK')
  await refused
  await until(
    async () =>
      (
        await server.query(
          creating.replace(
            ` AND wait_event_type = 'Lock'`,
            ` AND pid <> pg_backend_pid() AND state = 'active'`,
          ),
        )
      ).length === 0,
    'the server is done',
  )
  assert.equal(await exists(server, into), false)
})
