import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { sweepLeft } from '../../src/engine/drill/leftovers.ts'
import { recover } from '../../src/engine/recover.ts'
import { recallAll } from '../../src/state/memory.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { sharedMemory } from '../../src/sys/shared-memory.ts'
import { serverFolder, strays } from '../../src/sys/strays.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { fillSample, makeWorldFolder, openWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const run = promisify(execFile)
const script = join(import.meta.dirname, '../support/crash-drill.ts')
let server: PostgresServer

before(async () => {
  server = await startPostgres()
  await fillSample(server, 'shop', 300)
})
after(() => server.close())

type Strategies = Record<string, Record<string, unknown>>

/** A folder with one good backup of `shop`. */
async function seeded(
  t: TestContext,
  drill: unknown,
): Promise<{ folder: string; strategies: Strategies; file: string }> {
  const folder = await makeWorldFolder(t)
  const strategies = { shop: { database_url: server.url('shop'), drill } }
  const file = join(folder, 'strategies.json')
  await writeFile(file, JSON.stringify(strategies))
  const world = await openWorld(folder, { clock: systemClock, strategies })
  assert.equal((await world.backup()).state, 'succeeded')
  await world.close()
  return { folder, strategies, file }
}

/** A drill that is killed at a moment, and the next start. */
async function killedAt(
  moment: string,
  { folder, strategies, file }: Awaited<ReturnType<typeof seeded>>,
  look: (world: World) => Promise<void>,
): Promise<void> {
  const argv = ['--disable-warning=ExperimentalWarning', script, folder, file, moment]
  const child = await run(process.execPath, argv).catch((error: { stdout: string; signal: string }) => error)
  assert.ok('signal' in child && child.signal === 'SIGKILL', `${moment}: ${child.stdout}`)
  const world = await openWorld(folder, { clock: systemClock, strategies })
  try {
    const [dead] = (await world.engine.runs({ limit: 1 })).filter(({ kind }) => kind === 'drill')
    const inode = await stat(serverFolder(join(world.tempDir, dead!.id), dead!.id)).then(
      ({ ino }) => ino | 0,
      () => null,
    )
    await recover(world.context)
    const ended = await world.engine.run(dead!.id)
    assert.deepEqual([ended.state, ended.drill], ['interrupted', null], moment)
    assert.deepEqual(strays(new Set([dead!.id])), [], `${moment}: processes are left`)
    assert.deepEqual(await readdir(world.tempDir), [], `${moment}: a folder is left`)
    assert.ok(!sharedMemory().some(({ key }) => key === inode), `${moment}: shared memory is left`)
    await look(world)
    await assertWorld(world)
  } finally {
    await world.close()
  }
}

test('a drill killed at any step has one end after the next start, and no server, process, folder or memory of it is left', async (t) => {
  const seed = await seeded(t, {})
  for (const moment of ['initdb', 'postgres', 'pg_restore', 'pg_dump', 'before evidence', 'after evidence'])
    await killedAt(moment, seed, async () => undefined)
  const world = await openWorld(seed.folder, { clock: systemClock, strategies: seed.strategies })
  const { id } = await world.engine.startDrill('shop', null, { trigger: 'person', actor: person })
  assert.equal((await world.finish(id)).drill?.verdict, 'pass', 'the next one is not in its way')
  await world.close()
})

test('killed on a given server, its database is dropped at the next start, and no other', async (t) => {
  const seed = await seeded(t, { database_url: server.url() })
  await server.createDatabase('shop_drill_of_somebody')
  for (const moment of ['pg_restore', 'pg_dump'])
    await killedAt(moment, seed, async () => {
      const left = await server.query(`SELECT datname FROM pg_database WHERE datname LIKE '%\\_drill\\_%'`)
      assert.deepEqual(left, [{ datname: 'shop_drill_of_somebody' }], moment)
    })
})

test('killed on a given server that nobody can ask at the next start, its copy is told, and dropped once somebody can', async (t) => {
  const seed = await seeded(t, { database_url: server.url() })
  const left = async (): Promise<unknown[]> =>
    server.query(`SELECT datname FROM pg_database WHERE datname LIKE 'shop\\_drill\\_2%'`)
  const argv = ['--disable-warning=ExperimentalWarning', script, seed.folder, seed.file, 'pg_dump']
  await assert.rejects(run(process.execPath, argv), { signal: 'SIGKILL' })
  const elsewhere = { shop: { database_url: server.url('shop'), drill: { database_url: away() } } }
  const moved = await openWorld(seed.folder, { clock: systemClock, strategies: elsewhere })
  await recover(moved.context)
  assert.equal((await left()).length, 1)
  await moved.deliver()
  const told = JSON.stringify(moved.notifier.posts)
  await moved.close()
  assert.match(told, /a copy of shop may still be on 127\.0\.0\.1:\d+, its name ends in _drill_2/)
  const renamed = { other: { database_url: server.url('shop'), drill: { database_url: server.url() } } }
  const world = await openWorld(seed.folder, { clock: later(), strategies: renamed })
  await world.context.database.write(async (tx) => void (await tx.deleteFrom('backups').execute())) // pruned
  await sweepLeft(world.context)
  assert.deepEqual(await left(), [])
  assert.deepEqual(await recallAll(world.context.database.read, 'drill-left/'), [])
  await world.close()
})

/** The same server by a port where nobody answers. */
const away = (): string => server.url().replace(/:\d+\//, ':1/')

/** The next day. */
function later(): typeof systemClock {
  return { ...systemClock, now: () => systemClock.now() + 24 * 60 * 60_000 }
}
