import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { RunView } from '../../src/core/model.ts'
import { recover } from '../../src/engine/recover.ts'
import { lookAfterSwaps } from '../../src/engine/restore/swaps.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { databasesLike, restoreInPlace } from '../support/in-place.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { fillSample, makeWorldFolder, openWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const script = join(import.meta.dirname, '../support/crash-swap.ts')
const day = 24 * 3_600_000
const good = 300
const bad = 100
let server: PostgresServer

before(async () => void (server = await startPostgres()))
after(() => server.close())

async function seeded(t: TestContext): Promise<string> {
  const folder = await makeWorldFolder(t)
  await fillSample(server, 'shop', good)
  t.after(() => server.query(`ALTER DATABASE shop RENAME TO ended_${Math.floor(performance.now())}`))
  const world = await openAgain(folder)
  assert.equal((await world.backup()).state, 'succeeded')
  await server.query(`DELETE FROM orders WHERE id > ${bad}`, 'shop')
  await world.close()
  return folder
}

function openAgain(folder: string): Promise<World> {
  const strategies = { shop: { database_url: server.url('shop') } }
  return openWorld(folder, { postgres: server, clock: systemClock, strategies })
}

async function dieAfter(step: string, folder: string, kind: 'restore' | 'undo'): Promise<void> {
  const argv = ['--disable-warning=ExperimentalWarning', script, folder, step, server.url('shop'), kind]
  const child = await promisify(execFile)(process.execPath, argv).catch(
    (error: { stderr: string; signal: string }) => error,
  )
  assert.ok('signal' in child, `it never came to "${step}"`)
  assert.equal(child.signal, 'SIGKILL', child.stderr)
}

/** Connects as an application does: whatever died, it has to work. */
const rows = async (database = 'shop'): Promise<unknown> =>
  (await server.query('SELECT count(*)::int AS n FROM orders', database))[0]!.n

/** The next start. @param look is shown the run that died, ended by now */
async function nextStart(folder: string, look: (world: World, run: RunView) => Promise<void>): Promise<void> {
  const world = await openAgain(folder)
  try {
    await recover(world.context)
    await recover(world.context)
    const [run] = (await world.engine.runs({ limit: 5 })).filter(({ kind }) => kind === 'restore')
    await look(world, run!)
    await world.deliver()
    await assertWorld(world)
  } finally {
    await world.close()
  }
}

async function letGo(world: World): Promise<void> {
  const { clock } = world.context
  world.context.clock = { ...clock, now: () => clock.now() + 2 * day }
  await lookAfterSwaps(world.context)
  world.context.clock = clock
  assert.deepEqual(await databasesLike(server, 'shop'), ['shop'])
}

test('a restore in place killed at each step leaves the old or the new database in place, and says which', async (t) => {
  const folder = await seeded(t)
  for (const step of ['restoring', 'restored', 'exchanging', 'exchanged', 'open']) {
    await dieAfter(step, folder, 'restore')
    await nextStart(folder, async (world, run) => {
      const [swap] = (await world.engine.strategies())[0]!.replaced!
      const names = await databasesLike(server, 'shop')
      if (step === 'exchanged' || step === 'open') {
        assert.equal(run.state, 'succeeded', step)
        assert.deepEqual([await rows(), await rows(swap!.kept)], [good, bad], step)
        assert.deepEqual([swap!.inPlace, names], ['new', ['shop', swap!.kept]], step)
        const { id } = await world.engine.undo({ id: run.id, version: 1 }, person)
        assert.equal((await world.finish(id)).state, 'succeeded')
        await letGo(world)
      } else {
        assert.equal(run.state, 'interrupted', step)
        assert.match(run.fault!.hint!, /shop is the database from before the restore; nothing else is left/)
        assert.deepEqual([swap, names], [undefined, ['shop']], step)
      }
      assert.equal(await rows(), bad, step)
    })
  }
})

test('an undo killed at each step has the one or the other in place, says which, and can be asked for again', async (t) => {
  const folder = await seeded(t)
  const first = await openAgain(folder)
  const { id } = await restoreInPlace(first, 'shop')
  await first.close()
  for (const step of ['exchanging', 'exchanged', 'open']) {
    await dieAfter(step, folder, 'undo')
    await nextStart(folder, async (world, run) => {
      const [swap] = (await world.engine.strategies())[0]!.replaced!
      const isUndone = step !== 'exchanging'
      assert.equal(run.state, isUndone ? 'succeeded' : 'interrupted', step)
      if (!isUndone)
        assert.match(run.fault!.hint!, /shop is the restored database; the other one is kept as shop_before/)
      assert.equal(swap!.inPlace, isUndone ? 'old' : 'new', step)
      assert.deepEqual([await rows(), await rows(swap!.kept)], isUndone ? [bad, good] : [good, bad], step)
      assert.deepEqual(await databasesLike(server, 'shop'), ['shop', swap!.kept], step)
      if (!isUndone) return
      const again = await world.engine.undo({ id, version: swap!.version }, person)
      assert.equal((await world.finish(again.id)).undo?.inPlace, 'new')
    })
  }
})
