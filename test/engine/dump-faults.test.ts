import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, suite, test, type TestContext } from 'node:test'
import type { RunView } from '../../src/core/model.ts'
import { createPostgres } from '../../src/sources/postgres/index.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { misbehaviour, stubTool, type StubOptions } from '../support/stub-tools.ts'
import { fillSample, makeWorld, makeWorldFolder, type World, type WorldOptions } from '../support/world.ts'
import { assertWorld } from '../world.ts'

let postgres: PostgresServer
before(async () => {
  postgres = await startPostgres()
  await fillSample(postgres, 'shop')
})
after(() => postgres.close())

interface Stub extends StubOptions {
  program: string
  script: string
}

async function worldWith(t: TestContext, stub: Stub, options: WorldOptions = {}): Promise<World> {
  const folder = await makeWorldFolder(t)
  const bin = await stubTool(folder, stub.program, stub.script, stub)
  return makeWorld(t, { folder, postgres, path: [bin], ...options })
}

/** The failed run left nothing behind, and is told. */
async function assertFailed(world: World, run: RunView, code: string): Promise<void> {
  assert.deepEqual([run.state, run.fault?.code], ['failed', code], run.fault?.text ?? '')
  assert.deepEqual(await world.engine.backups({ limit: 10 }), [])
  await world.deliver()
  assert.equal(world.notifier.seen(`run/${run.id}/alarm`).length, 1)
  await assertWorld(world)
}

suite('success means the producer succeeded (promise 1)', () => {
  test('a backup of PostgreSQL is proved, its rows are counted, and every tool ended', async (t) => {
    const world = await makeWorld(t, { postgres })
    const run = await world.backup()
    assert.equal(run.fault, null)
    assert.deepEqual([run.backup?.level, run.backup?.tables, run.backup?.rows], ['V2', 2, 2_002])
    await world.deliver()
    await assertWorld(world)
  })

  test('half a dump with exit 0 is found by the proof, twice, and fails', async (t) => {
    const world = await worldWith(t, { program: 'pg_dump', script: misbehaviour.halfThenExit0 })
    await assertFailed(world, await world.backup(), 'proof-failed')
  })

  test('half a dump with exit 1 leaves nothing behind', async (t) => {
    const world = await worldWith(t, { program: 'pg_dump', script: misbehaviour.halfThenExit1 })
    await assertFailed(world, await world.backup(), 'dump-failed')
  })

  for (const compression of ['gzip', 'zstd', 'none'])
    test(`exit 1 after full output is a failure (${compression})`, async (t) => {
      const stub = { program: 'pg_dump', script: misbehaviour.fullThenExit1 }
      const world = await worldWith(t, stub, { global: { compression, prove: false } })
      await assertFailed(world, await world.backup(), 'dump-failed')
    })

  test('no output with exit 0 is a failure', async (t) => {
    const world = await worldWith(t, { program: 'pg_dump', script: misbehaviour.nothingThenExit0 })
    await assertFailed(world, await world.backup(), 'proof-failed')
  })

  test('no output with exit 0 is a failure even when nothing is proved', async (t) => {
    const stub = { program: 'pg_dump', script: misbehaviour.nothingThenExit0 }
    const world = await worldWith(t, stub, { global: { prove: false } })
    await assertFailed(world, await world.backup(), 'dump-empty')
  })

  test('a dump without tables of a database that has some is a failure', async (t) => {
    const script = `exec "$REAL" --exclude-table='*.*' "$@"`
    const world = await worldWith(t, { program: 'pg_dump', script })
    await assertFailed(world, await world.backup(), 'dump-empty')
  })

  test('an empty database makes a small good backup', async (t) => {
    await postgres.createDatabase('empty')
    const world = await makeWorld(t, { postgres, strategies: { empty: {} } })
    const run = await world.backup()
    assert.deepEqual([run.state, run.backup?.tables], ['succeeded', 0])
    await assertWorld(world)
  })
})

suite('a proof that fails is followed by one fresh dump', () => {
  test('it fails once: the fresh dump is the backup', async (t) => {
    const world = await worldWith(t, { program: 'pg_restore', script: misbehaviour.failsOnce })
    const run = await world.backup()
    assert.deepEqual([run.state, run.attempt], ['succeeded', 2])
    assert.equal((await world.engine.backups({ limit: 10 })).length, 1)
    await assertWorld(world)
  })

  test('it fails twice: the run failed, however many attempts are allowed', async (t) => {
    const options = { global: { retry: { max_attempts: 5 } } }
    const world = await worldWith(t, { program: 'pg_restore', script: misbehaviour.fails }, options)
    const run = await world.backup()
    assert.equal(run.attempt, 2)
    await assertFailed(world, run, 'proof-failed')
  })
})

suite('tools that end in the middle, hang, or talk too much', () => {
  for (const compression of ['zstd', 'gzip'])
    test(`${compression} killed in the middle: the next attempt succeeds`, async (t) => {
      const program = compression === 'gzip' ? 'pigz' : compression
      const options = { global: { compression, retry: { max_attempts: 2 } } }
      const world = await worldWith(t, { program, script: misbehaviour.killedOnce, only: '-c' }, options)
      const run = await world.backup()
      assert.deepEqual([run.state, run.attempt], ['succeeded', 2], run.fault?.text ?? '')
      assert.match(
        await world.engine.runLog(run.id),
        new RegExp(`attempt 1 of 2 failed: ${program} was ended by SIGKILL`),
      )
      await assertWorld(world)
    })

  test('a tool that hangs and ignores TERM is ended by the stall limit', async (t) => {
    const options = { global: { timeout: { stall: '30s' } } }
    const world = await worldWith(t, { program: 'pg_dump', script: misbehaviour.hangsIgnoringTerm }, options)
    await assertFailed(world, await world.backup(), 'stalled')
  })

  test('a tool that hangs and ignores TERM is ended by timeout.backup', async (t) => {
    const options = { global: { timeout: { backup: '30s', stall: '1h' } } }
    const world = await worldWith(t, { program: 'pg_dump', script: misbehaviour.hangsIgnoringTerm }, options)
    await assertFailed(world, await world.backup(), 'timed-out')
  })

  test('100 MB on standard error do not fail a dump, and only 1 MiB of them is kept', async (t) => {
    const world = await worldWith(t, { program: 'pg_dump', script: misbehaviour.noisy })
    const run = await world.backup()
    assert.equal(run.fault, null)
    const log = await world.engine.runLog(run.id)
    assert.ok(log.length > 1_000_000 && log.length <= 1024 * 1024 + 200, `${log.length} bytes`)
    assert.match(log, /the rest was cut/)
    await assertWorld(world)
  })

  test('a client older than the server is refused before a byte', async (t) => {
    const folder = await makeWorldFolder(t)
    const version = 'pg_dump (PostgreSQL) 9.6.24'
    const bin = await stubTool(folder, 'pg_dump', 'touch "$SELF/dumped"; exec "$REAL" "$@"', { version })
    const world = await makeWorld(t, {
      folder,
      postgres,
      path: [bin],
      global: { retry: { max_attempts: 3 } },
      adjust: (context) => ({ ...context, sourceDrivers: [createPostgres([])] }),
    })
    const run = await world.backup()
    assert.equal(run.attempt, 1)
    assert.match(run.fault?.hint ?? '', /postgresql-client-15/)
    assert.ok(!readdirSync(bin).includes('dumped'))
    await assertFailed(world, run, 'tool-too-old')
  })
})

suite('which failures are tried again', () => {
  test('a wrong password is told at once and not tried again', async (t) => {
    const world = await makeWorld(t, {
      strategies: { shop: { database_url: `postgres://postgres:wrong-one@127.0.0.1:${postgres.port}/shop` } },
      global: { retry: { max_attempts: 3 } },
    })
    const run = await world.backup()
    assert.equal(run.attempt, 1)
    await assertFailed(world, run, 'database-refused')
  })

  test('a database that is not there is not tried again', async (t) => {
    const world = await makeWorld(t, {
      postgres,
      strategies: { nowhere: {} },
      global: { retry: { max_attempts: 3 } },
    })
    const run = await world.backup()
    assert.equal(run.attempt, 1)
    await assertFailed(world, run, 'database-missing')
  })
})
