import assert from 'node:assert/strict'
import { spawn, execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { systemClock } from '../../src/sys/clock.ts'
import { contentOf } from '../sources/postgres/databases.ts'
import { restoreInPlace } from '../support/in-place.ts'
import { postgresMajors, startPostgres, type PostgresServer } from '../support/postgres.ts'
import { makeWorld, person } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const pgbench = join('/usr/lib/postgresql', String(postgresMajors()[0]), 'bin/pgbench')
let server: PostgresServer

before(async () => void (server = await startPostgres()))
after(() => server.close())

const options = (): string[] => ['-h', '127.0.0.1', '-p', String(server.port), '-U', server.superuser, 'shop']
const environment = () => ({ ...process.env, PGPASSWORD: server.password })

/** pgbench with four clients, started anew whenever its sessions are dropped. */
function underLoad(t: TestContext): () => Promise<number> {
  let starts = 0
  let stopped = false
  let child: ReturnType<typeof spawn> | null = null
  const loop = (async () => {
    while (!stopped) {
      starts++
      child = spawn(pgbench, ['-n', '-c', '4', '-T', '60', ...options()], {
        env: environment(),
        stdio: 'ignore',
      })
      await new Promise((resolve) => child!.once('exit', resolve))
    }
  })()
  const stop = async (): Promise<number> => {
    stopped = true
    child?.kill()
    await loop
    return starts
  }
  t.after(stop)
  return stop
}

/** An application that connects for each question. @returns the longest time without an answer, ms */
function watched(t: TestContext): () => Promise<{ longestMs: number; failed: number }> {
  let stopped = false
  const seen = { longestMs: 0, failed: 0 }
  const loop = (async () => {
    let answered = performance.now()
    while (!stopped) {
      const client = new pg.Client({ connectionString: server.url('shop'), connectionTimeoutMillis: 10_000 })
      client.on('error', () => undefined)
      await client
        .connect()
        .then(() => client.query('SELECT count(*) FROM pgbench_branches'))
        .then(
          () => {
            seen.longestMs = Math.max(seen.longestMs, performance.now() - answered)
            answered = performance.now()
          },
          () => seen.failed++,
        )
      await client.end().catch(() => undefined)
    }
  })()
  const stop = async (): Promise<typeof seen> => {
    stopped = true
    await loop
    return seen
  }
  t.after(stop)
  return stop
}

/** Each transaction of pgbench adds one number to all four. */
const sums = `SELECT (SELECT sum(abalance) FROM pgbench_accounts) AS accounts, (SELECT sum(tbalance) FROM pgbench_tellers) AS tellers,
  (SELECT sum(bbalance) FROM pgbench_branches) AS branches, (SELECT COALESCE(sum(delta), 0) FROM pgbench_history) AS history`

async function assertWhole(database: string): Promise<void> {
  const [row] = await server.query(sums, database)
  assert.equal(new Set(Object.values(row!)).size, 1, JSON.stringify(row))
}

test(
  'under pgbench: restored in place, wrong data noticed, undone, and every row is as it was',
  { skip: !existsSync(pgbench) && 'pgbench is not installed' },
  async (t) => {
    await server.createDatabase('shop')
    await promisify(execFile)(pgbench, ['-i', '-q', '-s', '1', ...options()], { env: environment() })
    const world = await makeWorld(t, { postgres: server, clock: systemClock })
    assert.equal((await world.backup()).state, 'succeeded')
    const [stopLoad, stopWatch] = [underLoad(t), watched(t)]
    const run = await restoreInPlace(world, 'shop', { force: true })
    assert.equal(run.state, 'succeeded', run.fault?.text ?? 'no fault')
    const [starts, seen] = [await stopLoad(), await stopWatch()]
    const { kept, sessions, downMs } = run.restore!.swap!
    t.diagnostic(
      `swap ${downMs} ms, ${sessions} sessions dropped, longest without an answer ${Math.round(seen.longestMs)} ms, ${seen.failed} attempts failed`,
    )
    assert.ok(starts >= 2, 'its sessions were dropped')
    assert.ok(sessions! >= 4)
    await assertWhole('shop')
    await assertWhole(kept)
    const before = await contentOf(server, kept)
    const wrong = await contentOf(server, 'shop')
    assert.notEqual(before, wrong)
    const { id } = await world.engine.undo({ id: run.id, version: 1 }, person)
    const undone = await world.finish(id)
    assert.equal(undone.state, 'succeeded', undone.fault?.text ?? 'no fault')
    assert.equal(await contentOf(server, 'shop'), before)
    assert.equal(await contentOf(server, undone.undo!.kept), wrong)
    await world.deliver()
    await assertWorld(world)
  },
)
