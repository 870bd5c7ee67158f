import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { postgres } from '../../../src/sources/postgres/index.ts'
import { parseConnection, urlAt } from '../../../src/sources/postgres/url.ts'
import type { Sink } from '../../../src/sources/source.ts'
import { openBench, temporary, type Bench } from '../../contracts/source.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'
import { startStandby, type Standby } from '../../support/standby.ts'

const never = new AbortController().signal
const nobody = '127.0.0.1:1'
let server: PostgresServer
let standby: Standby

before(async () => {
  server = await startPostgres()
  await server.createDatabase('shop')
  await server.query('CREATE TABLE sold (id int); INSERT INTO sold VALUES (1), (2)', 'shop')
  standby = await startStandby(server, {
    max_standby_streaming_delay: '0',
    hot_standby_feedback: 'off',
    log_recovery_conflict_waits: 'on',
    deadlock_timeout: '10ms', // how long it waits before it logs that
  })
})
after(async () => {
  await standby.close()
  await server.close()
})

const primaryAt = (): string => `127.0.0.1:${server.port}`
const standbyAt = (): string => `127.0.0.1:${standby.port}`

function urlOf(hosts: string[], role?: string): string {
  const { superuser, password } = server
  const query = role === undefined ? '' : `?target_session_attrs=${role}`
  return `postgres://${superuser}:${password}@${hosts.join(',')}/shop${query}`
}

const bench = (t: TestContext, url: string, settings = {}): Promise<Bench> =>
  openBench(t, { facts: { driver: postgres }, url, settings })

/** Which host is looked at and dumped. */
async function chosen(t: TestContext, hosts: string[], role?: string): Promise<string> {
  const b = await bench(t, urlOf(hosts, role))
  const backup = await b.backUp()
  assert.deepEqual(backup.tables, [{ name: 'public.sold', rows: 2 }])
  return (backup as unknown as { endpoint: string }).endpoint
}

suite('several hosts of PostgreSQL', () => {
  test('are read from the URL and its query, with a port each or one for all', () => {
    const hostsIn = (url: string): unknown => {
      const parsed = postgres.parseUrl(url)
      return 'mistake' in parsed ? parsed.mistake : [parsed.endpoint, parsed.hosts]
    }
    const both = [
      { host: 'a', port: 5433 },
      { host: 'b', port: 5432 },
    ]
    assert.deepEqual(hostsIn('postgres://u:p@a:5433,b/shop'), ['a:5433,b:5432', both])
    assert.deepEqual(hostsIn('postgres://u:p@/shop?host=a,b&port=5433,5432'), ['a:5433,b:5432', both])
    assert.deepEqual(hostsIn('postgres://u:p@/shop?host=a,::1&port=6000'), [
      'a:6000,[::1]:6000',
      [
        { host: 'a', port: 6000 },
        { host: '::1', port: 6000 },
      ],
    ])
    assert.match(String(hostsIn('postgres://u@/shop?host=/run,b')), /is a socket/)
    assert.match(String(hostsIn('postgres://u@a,b:0/shop')), /port/)
    assert.match(String(hostsIn('postgres://u@a,b/shop?target_session_attrs=slave')), /target_session_attrs/)
    assert.equal(
      urlAt('postgres://u:p%40@a:1,b/x?target_session_attrs=any', 'my/db'),
      'postgres://u:p%40@a:1,b/my%2Fdb?target_session_attrs=any',
    )
    assert.equal(urlAt('postgres://u@/x?host=/run', 'y'), 'postgres://u@/y?host=/run')
    assert.ok(!('mistake' in parseConnection('postgres://u@/x?host=/run')))
  })

  test('may be a standby for dumps alone, with several workers too', async (t) => {
    const driver = { driver: postgres, options: { jobs: 2 } }
    const dumpUrl = urlOf([standbyAt()])
    const b = await openBench(t, { facts: driver, url: urlOf([primaryAt()]), settings: { dumpUrl } })
    assert.deepEqual((await b.backUp()).tables, [{ name: 'public.sold', rows: 2 }])
  })

  test('are chosen in their order, by what answers and by its role, for sessions and for pg_dump', async (t) => {
    assert.equal(await chosen(t, [nobody, standbyAt(), primaryAt()]), standbyAt())
    assert.equal(await chosen(t, [standbyAt(), primaryAt()], 'primary'), primaryAt())
    assert.equal(await chosen(t, [standbyAt(), primaryAt()], 'read-write'), primaryAt())
    assert.equal(await chosen(t, [primaryAt(), standbyAt()], 'prefer-standby'), standbyAt())
    assert.equal(await chosen(t, [primaryAt(), nobody], 'prefer-standby'), primaryAt())
    assert.equal(await chosen(t, [primaryAt(), standbyAt()], 'read-only'), standbyAt())
  })

  test('of which none will do: each is told with its reason, and it is tried again later', async (t) => {
    const b = await bench(t, urlOf([nobody, primaryAt()], 'standby'))
    await assert.rejects(
      b.source.inspect(b.series, never),
      (error: { code: string; message: string; retry: boolean }) => {
        assert.equal(error.code, 'database-unreachable')
        assert.match(error.message, /^127\.0\.0\.1:1 did not answer: .*; 127\.0\.0\.1:\d+ is not a standby$/)
        return error.retry
      },
    )
  })

  test('a server that refuses the password ends the search', async (t) => {
    const b = await bench(t, urlOf([standbyAt(), primaryAt()]).replace(server.password, 'wrong'))
    await assert.rejects(b.source.inspect(b.series, never), {
      code: 'database-refused',
      message: /refused the password/,
    })
  })

  test('restores go to the one that takes writes, whichever was dumped from', async (t) => {
    const b = await bench(t, urlOf([standbyAt(), primaryAt()], 'prefer-standby'))
    const backup = await b.backUp()
    assert.equal((backup as unknown as { endpoint: string }).endpoint, standbyAt())
    assert.deepEqual((await b.restore(backup)).tables, backup.tables)
  })

  test('of one cluster have one fingerprint, in whatever order they are written', async (t) => {
    const prints = []
    for (const hosts of [[primaryAt()], [standbyAt(), primaryAt()], [nobody, primaryAt()]]) {
      const b = await bench(t, urlOf(hosts))
      const backup = await b.backUp()
      const request = { database: 'elsewhere', url: null, stamp: '20261120_060000', noOwner: false }
      prints.push((await b.source.plan(backup, request, never)).fingerprint)
    }
    assert.equal(new Set(prints).size, 1)
  })
})

suite('dump_url, a replica', () => {
  test('is looked at and dumped instead of the primary', async (t) => {
    const b = await bench(t, urlOf([primaryAt()]), { dumpUrl: urlOf([standbyAt()]) })
    const inspection = await b.source.inspect(b.series, never)
    assert.equal(inspection.endpoint, standbyAt())
    assert.ok(inspection.sizeBytes! > 0)
    await server.query('SELECT pg_switch_wal()')
    assert.deepEqual((await b.backUp()).tables, [{ name: 'public.sold', rows: 2 }])
  })

  test('that is far behind is told', async (t) => {
    await standby.query('SELECT pg_wal_replay_pause()')
    t.after(() => standby.query('SELECT pg_wal_replay_resume()'))
    const b = await bench(t, urlOf([primaryAt()]), { dumpUrl: urlOf([standbyAt()]) })
    await server.query('CREATE TABLE later (id int)', 'shop')
    await until(async () => {
      const { warnings } = await b.source.inspect(b.series, never)
      return warnings.some((text) => /^the replica is paused, and .* behind its primary/.test(text))
    })
  })

  test('that takes away what the dump reads fails it so that it is tried again, with what to do', async (t) => {
    await server.query(
      `CREATE TABLE big AS SELECT n, repeat('x', 500) AS filler FROM generate_series(1, 20000) n`,
      'shop',
    )
    await standby.catchUp()
    const b = await bench(t, urlOf([primaryAt()]), { dumpUrl: urlOf([standbyAt()]) })
    const inspection = await b.source.inspect(b.series, never)
    const folder = await temporary(t)
    const [began, go] = [join(folder, 'began'), join(folder, 'go')]
    const slowly = `head -c 65536 >/dev/null; touch ${began}; while [ ! -e ${go} ]; do sleep 0.05; done; cat >/dev/null`
    const slow: Sink = {
      file: () => ({
        fromProgram: (command) =>
          b.processes.join(
            { stages: [command, { argv: ['sh', '-c', slowly] }], input: null, output: null },
            b.running,
          ),
        fromFile: () => Promise.resolve(),
        fromStream: () => Promise.resolve(),
      }),
    }
    const dumped = b.source.dump(b.series, inspection, slow, never)
    await Promise.race([dumped, until(() => Promise.resolve(existsSync(began)))])
    await server.query('DELETE FROM big', 'shop') // its rows are gone for the primary, and what it cleans the replica cleans
    await server.query('VACUUM big', 'shop')
    const mark = await standby.mark()
    const isResolved = async (): Promise<boolean> =>
      /recovery still waiting/.test(standby.log()) || (await standby.has(mark))
    await until(isResolved).finally(() => writeFileSync(go, ''))
    await assert.rejects(dumped, (error: { code: string; message: string; hint: string; retry: boolean }) => {
      assert.equal(error.code, 'dump-failed')
      assert.match(error.message, /conflict with recovery/)
      assert.match(error.hint, /hot_standby_feedback/)
      return error.retry
    })
  })
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('it never was so')
}
