import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import type { BatchView } from '../../src/core/messages.ts'
import type { EngineContext } from '../../src/engine/context.ts'
import { diagnose } from '../../src/engine/doctor.ts'
import { createDrillSchedule } from '../../src/engine/drill-schedule.ts'
import { watchOverdue } from '../../src/engine/watch.ts'
import { openIncidents } from '../../src/state/incidents.ts'
import { listRuns, openRuns, type Run } from '../../src/state/runs.ts'
import { listedSeries } from '../../src/state/series.ts'
import { fastClock } from '../support/fast-clock.ts'
import { startMariadb } from '../support/mariadb.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { makeWorld, person, type World, type WorldOptions } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const quiet = new AbortController().signal
const dayMs = 86_400_000

let server: PostgresServer
before(async () => (server = await startPostgres()))
after(() => server.close())

async function databases(t: TestContext, ...names: string[]): Promise<void> {
  for (const name of names) {
    await server.createDatabase(name)
    await server.query('CREATE TABLE kept AS SELECT n FROM generate_series(1, 10) n', name)
  }
  t.after(async () => {
    for (const name of names) await server.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
  })
}

async function makeServerWorld(t: TestContext, settings = {}, options: WorldOptions = {}): Promise<World> {
  const strategies = {
    server: { database_url: server.url('postgres'), databases: { exclude: ['postgres'] }, ...settings },
  }
  return makeWorld(t, { postgres: server, strategies, ...options })
}

/** One run of the whole server, to the end of all that came of it; the newest of each series. */
async function runAll(world: World): Promise<Record<string, string>> {
  const { id } = await world.engine.startBackup('server', { trigger: 'person', actor: person })
  await finishOpen(world)
  const runs = (await allRuns(world)).filter(({ params }) => params.group === id)
  return Object.fromEntries(runs.map(({ series, state }) => [series, state]))
}

async function finishOpen(world: World): Promise<void> {
  const { read } = world.context.database
  for (let open = await openRuns(read); open.length > 0; open = await openRuns(read))
    for (const run of open) await world.worker.runOne(run.id, quiet)
}

async function allRuns(world: World): Promise<Run[]> {
  return (await listRuns(world.context.database.read, { limit: 1_000 })).toReversed()
}

async function standing(world: World): Promise<Record<string, readonly [isGone: boolean, backups: number]>> {
  const known = await listedSeries(world.context.database.read, 'server')
  const entries = known.map(async ({ name, goneAt }) => {
    const backups = await world.engine.backups({ database: name, limit: 9 })
    return [name, [goneAt !== null, backups.length]] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

const aBackup = {
  strategy: 'server',
  backup: 'latest',
  targetDb: null,
  targetUrl: null,
  noOwner: true,
  reason: null,
} as const

test('a database that this user may not see any more is not gone: its run fails, and its backups stay', async (t) => {
  const mariadb = await startMariadb()
  t.after(() => mariadb.close())
  const rights = 'SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES'
  await mariadb.query(`CREATE DATABASE app; CREATE TABLE app.t (a INT); CREATE DATABASE crm; CREATE TABLE crm.t (a INT);
    CREATE USER bk IDENTIFIED BY 'pw'; GRANT ${rights} ON app.* TO bk; GRANT ${rights} ON crm.* TO bk; GRANT SELECT ON mysql.proc TO bk`)
  const clock = fastClock(1)
  const database_url = `mysql://bk:pw@127.0.0.1:${mariadb.port}/app`
  const retention = { max_age: '300d', keep_gone: '7d' }
  const world = await makeServerWorld(t, { database_url, databases: 'all', retention }, { clock })
  assert.deepEqual(await runAll(world), { app: 'succeeded', crm: 'succeeded' })
  await mariadb.query('REVOKE ALL ON crm.* FROM bk')
  for (let week = 0; week < 2; week++) {
    assert.deepEqual(await runAll(world), { app: 'succeeded', crm: 'failed' })
    clock.jump(8 * dayMs)
  }
  assert.deepEqual((await standing(world))['crm'], [false, 1])
  await mariadb.query(`DROP DATABASE crm; GRANT SELECT ON crm.* TO bk`)
  assert.deepEqual(await runAll(world), { app: 'succeeded', crm: 'skipped' }, 'now the server says so')
  assert.deepEqual((await standing(world))['crm'], [true, 1])
  await mariadb.query(`CREATE DATABASE crm; GRANT SHOW DATABASES ON *.* TO bk`)
  await runAll(world)
  await mariadb.query('DROP DATABASE crm')
  assert.deepEqual(await runAll(world), { app: 'succeeded' }, 'who sees all of them sees that one is gone')
  await assertWorld(world)
})

test('a database that takes no connections is not gone: its run fails', async (t) => {
  await databases(t, 'app', 'frozen')
  const world = await makeServerWorld(t)
  await runAll(world)
  await server.query('ALTER DATABASE frozen ALLOW_CONNECTIONS false', 'postgres')
  assert.deepEqual(await runAll(world), { globals: 'succeeded', app: 'succeeded', frozen: 'failed' })
  assert.deepEqual((await standing(world))['frozen'], [false, 1])
  await assertWorld(world)
})

test('latest asks which database is meant after a lost state, too, and its drills try each of them', async (t) => {
  await databases(t, 'app', 'crm')
  const clock = fastClock(1)
  const world = await makeServerWorld(t, { drill: { schedule: '1d' } }, { clock })
  await runAll(world)
  await world.context.database.write((tx) => tx.deleteFrom('series').execute())
  await assert.rejects(world.engine.planRestore(aBackup, person), { code: 'usage' })
  const by = { trigger: 'person', actor: person } as const
  await assert.rejects(world.engine.startDrill('server', null, by), { code: 'usage' })
  await createDrillSchedule(world.context, () => undefined)()
  clock.jump(1.25 * dayMs)
  await createDrillSchedule(world.context, () => undefined)()
  const open = await openRuns(world.context.database.read)
  assert.deepEqual(
    open.map(({ kind, series }) => [kind, series]),
    [
      ['drill', 'app'],
      ['drill', 'crm'],
    ],
  )
})

test('what is one database now is drilled by backups of that one alone', async (t) => {
  await databases(t, 'app', 'crm')
  const clock = fastClock(1)
  const world = await makeServerWorld(
    t,
    { database_url: server.url('app'), drill: { schedule: '1d' } },
    { clock },
  )
  await runAll(world)
  const { config } = world.context
  const strategies = config.strategies.map((one) => ({ ...one, source: { ...one.source, databases: null } }))
  ;(world.context as { config: EngineContext['config'] }).config = { ...config, strategies }
  const drills = async (): Promise<string[]> => {
    clock.jump(1.25 * dayMs)
    await createDrillSchedule(world.context, () => undefined)()
    return (await openRuns(world.context.database.read)).map(({ kind, series }) => `${kind} ${series}`)
  }
  await createDrillSchedule(world.context, () => undefined)()
  assert.deepEqual(await drills(), [])
  await world.engine.startBackup('server', { trigger: 'person', actor: person })
  await finishOpen(world)
  assert.deepEqual(await drills(), ['drill app'])
})

test('a database named globals is dumped as the database that it is', async (t) => {
  await databases(t, 'app')
  const world = await makeServerWorld(t)
  await runAll(world)
  await databases(t, 'globals')
  await runAll(world)
  const known = await listedSeries(world.context.database.read, 'server')
  assert.deepEqual(
    known.map(({ name, globals }) => [name, globals]),
    [
      ['app', false],
      ['globals', false],
      ['globals (server)', true],
    ],
  )
  const by = { trigger: 'person', actor: person, database: 'globals' } as const
  const asked = await world.engine.startBackup('server', by)
  const { backup } = await world.finish(asked.id)
  const { manifest } = await world.engine.backup(backup!.id, null)
  assert.deepEqual([manifest.globals, manifest.database], [undefined, 'globals'])
  await assertWorld(world)
})

test('whoever cancels while the server lists its databases cancels all of them', async (t) => {
  await databases(t, 'app', 'crm')
  let world: World | null = null
  const adjust = (context: EngineContext): EngineContext => ({
    ...context,
    sourceDrivers: context.sourceDrivers.map((driver) => ({
      ...driver,
      open(...given: Parameters<typeof driver.open>) {
        const source = driver.open(...given)
        const series = async (signal: AbortSignal) => {
          const listed = await source.series(signal)
          await world!.engine.cancel('server', person)
          return listed
        }
        return { ...source, series }
      },
    })),
  })
  world = await makeServerWorld(t, {}, { adjust })
  await world.engine.startBackup('server', { trigger: 'person', actor: person })
  await finishOpen(world)
  assert.deepEqual(
    (await allRuns(world)).map(({ series, state }) => [series, state]),
    [['', 'cancelled']],
  )
  await assertWorld(world)
})

test('a name in include that is not there fails by itself, and a pattern that chooses nothing is said', async (t) => {
  await databases(t, 'app', 'billing')
  const world = await makeServerWorld(t, { databases: { include: ['app', 'biling', 'crm_*'] } })
  const first = await runAll(world)
  assert.deepEqual(first, { globals: 'succeeded', app: 'succeeded', biling: 'failed' })
  const [run] = await allRuns(world)
  assert.deepEqual(run!.result?.backup?.warnings, ['include "crm_*" chooses no database'])
  await world.deliver()
  const [message] = world.notifier.seen(`batch/${run!.id}`)
  const { batch } = message!.body as { batch: BatchView }
  assert.deepEqual(batch.server!.notes, ['include "crm_*" chooses no database'])
  const [incident] = await openIncidents(world.context.database.read)
  assert.match(incident!.why!, /^biling: /)
  const found = (await diagnose(world.context, 'server')).flatMap(({ checks }) => checks)
  const of = found.filter(({ text }) => text.includes('include'))
  assert.deepEqual(
    of.map(({ state, hint }) => [state, hint]),
    [
      ['failed', 'correct include, or see which databases this user may read'],
      ['warning', 'correct it, or take it out'],
    ],
  )
  await assertWorld(world)
})

test('a mistyped database that is asked for before the first list is a failure', async (t) => {
  await databases(t, 'app')
  const world = await makeServerWorld(t)
  const by = { trigger: 'person', actor: person, database: 'ap' } as const
  const run = await world.finish((await world.engine.startBackup('server', by)).id)
  assert.deepEqual([run.state, run.fault?.code], ['failed', 'database-missing'])
})

test('a run of one database hides no other that is overdue', async (t) => {
  await databases(t, 'app', 'crm')
  const clock = fastClock(1)
  const world = await makeServerWorld(t, { schedule: 'manual', expect: { max_age: '26h' } }, { clock })
  await runAll(world)
  clock.jump(2 * dayMs)
  const by = { trigger: 'person', actor: person, database: 'crm' } as const
  await world.engine.startBackup('server', by)
  await watchOverdue(world.context)
  assert.equal((await openIncidents(world.context.database.read)).length, 1)
})
