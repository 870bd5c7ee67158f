import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { postgres } from '../../../../src/sources/postgres/index.ts'
import { systemClock } from '../../../../src/sys/clock.ts'
import { strays } from '../../../../src/sys/strays.ts'
import { openBench, temporary, type Bench } from '../../../contracts/source.ts'
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts'
import { stubTool } from '../../../support/stub-tools.ts'
import { enginePipes } from '../../pipes.ts'

const never = new AbortController().signal
let server: PostgresServer

before(async () => {
  server = await startPostgres()
  await server.createDatabase('shop')
  for (const name of ['a', 'b', 'c'])
    await server.query(`CREATE TABLE ${name} AS SELECT generate_series(1, 2000) id`, 'shop')
})
after(() => server.close())

const tables = ['a', 'b', 'c'].map((name) => ({ name: `public.${name}`, rows: 2_000 }))

async function bench(
  t: TestContext,
  settings: Partial<Parameters<typeof openBench>[1]> = {},
): Promise<Bench> {
  const facts = { driver: postgres, options: { jobs: 2, lock_timeout: '1s' } }
  return openBench(t, { facts, url: server.url('shop'), ...settings })
}

/** pg_dump with workers, as far as this script goes; `$D` is the folder that it writes into. */
async function withStub(t: TestContext, script: string): Promise<Bench> {
  const folder = await temporary(t)
  const folderOf = `for word in "$@"; do case "$word" in --file=*) D="\${word#--file=}";; esac; done`
  const stub = await stubTool(folder, 'pg_dump', `${folderOf}\n${script}`)
  const pipes = enginePipes(['zstd'])
  return bench(t, { pipes, environment: { ...process.env, PATH: `${stub}:${process.env.PATH}` } })
}

async function assertFails(b: Bench, fault: Record<string, unknown>): Promise<void> {
  const inspection = await b.source.inspect(b.series, never)
  await assert.rejects(b.source.dump(b.series, inspection, b.sink(), never), fault)
  assert.deepEqual(strays(new Set([b.runId])), [])
  assert.deepEqual(
    readdirSync(b.folder).filter((name) => !name.startsWith('pgpass-')),
    [],
  )
}

suite('several workers of pg_dump', () => {
  test('that fail half-way leave nothing behind, whatever the tables are called', async (t) => {
    const b = await withStub(
      t,
      `echo toc > "$D/toc.dat"; echo 1 > "$D/7.dat"
       echo 'pg_dump: dumping contents of table "public.too many clients"' >&2
       echo 'pg_dump: finished item 7 TABLE DATA too many clients' >&2
       echo 'pg_dump: error: a worker process died unexpectedly' >&2; exit 1`,
    )
    await assertFails(b, { code: 'dump-failed', message: /a worker process died unexpectedly/ })
    assert.doesNotMatch(b.said.join('\n'), /dumping contents|finished item/)
    assert.match(b.said.join('\n'), /died unexpectedly/)
  })

  test('that are killed are a failure, and a filter that dies ends them', async (t) => {
    await assertFails(await withStub(t, 'echo toc > "$D/toc.dat"; kill -KILL $$'), { code: 'dump-failed' })
    const folder = await temporary(t)
    const stub = await stubTool(folder, 'zstd', 'head -c 100 > /dev/null; exit 1')
    const environment = { ...process.env, PATH: `${stub}:${process.env.PATH}` }
    await assertFails(await bench(t, { pipes: enginePipes(['zstd']), environment }), { code: 'tool-failed' })
  })

  test('that say nothing of finished tables are dumped all the same', async (t) => {
    const b = await withStub(t, 'exec "$REAL" "$@" 2> /dev/null')
    assert.deepEqual((await b.backUp()).tables, tables)
  })

  test('wait for a locked table no longer than they may', async (t) => {
    const { Client } = (await import('pg')).default
    const client = new Client(server.url('shop'))
    await client.connect()
    t.after(() => client.end())
    await client.query('BEGIN; LOCK TABLE b')
    await assertFails(await bench(t), { code: 'database-locked' })
  })

  test('end with the run, also while they wait', async (t) => {
    const over = new AbortController()
    const b = await withStub(t, 'echo toc > "$D/toc.dat"; sleep 60')
    const inspection = await b.source.inspect(b.series, never)
    const reason = new Error('somebody cancelled')
    const dumping = b.source.dump(b.series, inspection, b.sink(), over.signal)
    const failed = assert.rejects(dumping, (error) => error === reason)
    while (!readdirSync(b.folder).includes('dump.dir')) await systemClock.sleep(10)
    over.abort(reason)
    await failed
    assert.deepEqual(strays(new Set([b.runId])), [])
    assert.equal(readdirSync(b.folder).includes('dump.dir'), false, join(b.folder))
  })
})
