import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { lookAfterSwaps } from '../../src/engine/restore/swaps.ts'
import { openRuns } from '../../src/state/runs.ts'
import { fastClock } from '../support/fast-clock.ts'
import { databasesLike, restoreInPlace } from '../support/in-place.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { makeWorld, person, type World } from '../support/world.ts'

const hour = 3_600_000
const quiet = new AbortController().signal
let server: PostgresServer

before(async () => void (server = await startPostgres()))
after(() => server.close())

async function create(name: string): Promise<void> {
  await server.createDatabase(name)
  await server.query('CREATE TABLE orders AS SELECT generate_series(1, 3) AS id', name)
}

async function backupAll(world: World, strategy: string): Promise<void> {
  await world.finish((await world.engine.startBackup(strategy, { trigger: 'person', actor: person })).id)
  const { read } = world.context.database
  for (let open = await openRuns(read); open.length > 0; open = await openRuns(read))
    for (const run of open) await world.worker.runOne(run.id, quiet)
}

test('while a database of a whole server is put back, nobody backs it up, under whatever address', async (t) => {
  await create('crm')
  const databases = { include: ['crm'] }
  const world = await makeWorld(t, {
    clock: fastClock(1),
    strategies: {
      whole: { database_url: server.url('postgres'), databases },
      alone: { database_url: server.url('crm').replace('127.0.0.1', 'localhost') },
    },
  })
  await backupAll(world, 'whole')
  const backup = (await world.engine.backups({ strategy: 'whole', limit: 9 })).find(
    ({ series }) => series === 'crm',
  )
  const restored = await restoreInPlace(world, 'whole', { backup: backup!.id })
  assert.equal(restored.state, 'succeeded', restored.fault?.text ?? '')
  const { version } = await world.engine.swap(restored.id)
  const undo = await world.engine.undo({ id: restored.id, version }, person)
  assert.equal(undo.series, 'crm')
  const held: string[] = []
  world.context.sourceDrivers = world.context.sourceDrivers.map((driver) => ({
    ...driver,
    open(...given) {
      const source = driver.open(...given)
      if (!source.swap) return source
      const exchange: typeof source.swap.exchange = async (...job) => {
        const rows = await world.context.database.read.selectFrom('leases').select('key').execute()
        held.push(...rows.map(({ key }) => key))
        return source.swap!.exchange(...job)
      }
      return { ...source, swap: { ...source.swap, exchange } }
    },
  }))
  assert.equal((await world.finish(undo.id)).state, 'succeeded')
  for (const key of ['backup/whole/crm', 'backup/alone']) assert.ok(held.includes(key), held.join())
})

test('a database that was kept and cannot be removed is told once, and goes when it can', async (t) => {
  await create('gone')
  await create('other')
  const clock = fastClock(50)
  const strategies = { gone: {}, other: {} }
  const world = await makeWorld(t, { clock, postgres: server, strategies })
  assert.equal((await world.backup('gone')).state, 'succeeded')
  assert.equal((await restoreInPlace(world, 'gone')).state, 'succeeded')
  const known = world.context.config
  const others = known.strategies.filter(({ name }) => name !== 'gone')
  const context = { ...world.context, config: { ...known, strategies: others } }
  for (let pass = 0; pass < 4; pass++) {
    clock.jump(30 * hour)
    await lookAfterSwaps(context)
  }
  assert.equal((await databasesLike(server, 'gone')).length, 2)
  const told = await notices(world)
  assert.equal(told.length, 1)
  assert.match(told[0]!.body, /gone_before_\w+ on .* could not be removed: there is no strategy named gone/)
  assert.deepEqual([told[0]!.version, told[0]!.strategy], [1, null])
  clock.jump(hour)
  await lookAfterSwaps(world.context)
  assert.deepEqual(await databasesLike(server, 'gone'), ['gone'])
  assert.match((await notices(world)).map(({ body }) => body).join(), /is removed: gone_before_/)
})

async function notices({ context }: World) {
  const rows = await context.database.read
    .selectFrom('messages')
    .select(['key', 'body', 'version', 'strategy'])
    .execute()
  return rows.filter(({ key }) => key.startsWith('notice/swap/'))
}
