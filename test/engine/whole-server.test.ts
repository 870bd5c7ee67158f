import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import type { BatchView } from '../../src/core/messages.ts'
import type { RunView } from '../../src/core/model.ts'
import { createScheduler } from '../../src/engine/scheduler.ts'
import { createService } from '../../src/engine/service.ts'
import { openIncidents } from '../../src/state/incidents.ts'
import { listRuns, openRuns, type Run } from '../../src/state/runs.ts'
import { listedSeries } from '../../src/state/series.ts'
import { slotsOf } from '../../src/state/slots.ts'
import { fastClock } from '../support/fast-clock.ts'
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
    for (const name of names) await drop(name)
  })
}

async function drop(name: string): Promise<void> {
  await server.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
}

async function makeServerWorld(t: TestContext, settings = {}, options: WorldOptions = {}): Promise<World> {
  const strategies = {
    server: { database_url: server.url('postgres'), databases: { exclude: ['postgres'] }, ...settings },
  }
  return makeWorld(t, { postgres: server, strategies, ...options })
}

/** One run of the whole server, to the end of all that came of it, as they were accepted. */
async function runAll(world: World): Promise<Run[]> {
  const { id } = await world.engine.startBackup('server', { trigger: 'person', actor: person })
  await world.finish(id)
  await finishOpen(world)
  return ofGroup(world, id)
}

async function finishOpen(world: World): Promise<void> {
  const { read } = world.context.database
  for (let open = await openRuns(read); open.length > 0; open = await openRuns(read))
    for (const run of open) await world.worker.runOne(run.id, quiet)
}

async function ofGroup(world: World, group: string): Promise<Run[]> {
  const runs = await listRuns(world.context.database.read, { limit: 1_000 })
  return runs.filter(({ params }) => params.group === group).toReversed()
}

function ends(runs: readonly Run[]): Record<string, string> {
  return Object.fromEntries(runs.map(({ series, state }) => [series, state]))
}

function batchOf(world: World, group: string): BatchView {
  const [message] = world.notifier.seen(`batch/${group}`)
  assert.ok(message?.body.type === 'batch')
  return message.body.batch
}

test('each database of a server and its roles are a backup each, told in one message', async (t) => {
  await databases(t, 'app', 'crm')
  const world = await makeServerWorld(t)
  const runs = await runAll(world)
  assert.deepEqual(ends(runs), { globals: 'succeeded', app: 'succeeded', crm: 'succeeded' })
  await world.deliver()
  const { lines, server: about } = batchOf(world, runs[0]!.id)
  assert.deepEqual(
    lines.map(({ database, state }) => [database, state]),
    [
      ['globals', 'succeeded'],
      ['app', 'succeeded'],
      ['crm', 'succeeded'],
    ],
  )
  assert.deepEqual(about?.notes, [])
  const [globals] = await world.engine.backups({ database: 'globals', limit: 1 })
  const { manifest } = await world.engine.backup(globals!.id, null)
  assert.deepEqual(
    [manifest.format, manifest.artifacts[0]!.name, manifest.level, manifest.artifacts[0]!.key.split('/')[1]],
    ['globals', 'globals.sql', 'V2', 'globals'],
  )
  assert.match(manifest.restoreCommands.at(-1)!, /^psql .*'globals.sql'/)
  await assertWorld(world)
})

test('a database that was created is picked up, and one that was dropped stays as long as keep_gone says, without an alarm', async (t) => {
  await databases(t, 'old', 'stays')
  const clock = fastClock(50)
  const retention = { max_age: '90d', keep_gone: '30d', min_keep: 1 }
  const world = await makeServerWorld(t, { schedule: '1d', retention }, { clock })
  const left = async (): Promise<number> =>
    (await world.engine.backups({ database: 'old', limit: 10 })).length
  const notes = async (runs: readonly Run[]): Promise<string[]> => {
    await world.deliver()
    return batchOf(world, runs[0]!.id).server!.notes
  }
  await runAll(world)
  await drop('old')
  await databases(t, 'fresh')
  const second = await runAll(world)
  assert.deepEqual(ends(second), { globals: 'succeeded', fresh: 'succeeded', stays: 'succeeded' })
  assert.deepEqual(await notes(second), ['new: fresh', 'gone, its backups stay: old'])

  clock.jump(29 * dayMs)
  assert.deepEqual(await notes(await runAll(world)), [], 'said once')
  const [view] = await world.engine.strategies()
  const old = view!.databases!.find(({ name }) => name === 'old')!
  assert.ok(old.goneAt !== null && old.lastGood !== null && old.overdueSince === null)
  assert.equal(view!.overdueSince, null)
  assert.deepEqual(await openIncidents(world.context.database.read), [])
  const [corner] = (await world.engine.retention('server')).filter(({ series }) => series === 'old')
  assert.match(corner!.backups[0]!.reason, /its database is gone since .*: kept until/)
  assert.equal(await left(), 1)

  clock.jump(2 * dayMs)
  await runAll(world)
  assert.equal(await left(), 0, 'the newest good one too')
  assert.equal((await world.engine.backups({ database: 'stays', limit: 10 })).length, 4)

  await databases(t, 'old')
  assert.equal(ends(await runAll(world))['old'], 'succeeded', 'one that comes back goes on')
  const known = await listedSeries(world.context.database.read, 'server')
  assert.ok(known.every(({ goneAt }) => goneAt === null))
  await assertWorld(world)
})

test('a database that cannot be read fails alone, and people are called once for the server', async (t) => {
  await databases(t, 'app', 'closed')
  await server.query(`CREATE ROLE reader LOGIN PASSWORD 'reader'`)
  t.after(() => server.query('DROP ROLE reader'))
  for (const name of ['app', 'closed']) await server.query(`GRANT SELECT ON kept TO reader`, name)
  await server.query('REVOKE CONNECT ON DATABASE closed FROM PUBLIC')
  t.after(async () => {
    for (const name of ['app', 'closed']) await server.query('DROP OWNED BY reader', name).catch(() => [])
  })
  const url = server.url('app').replace(/\/\/[^@]*@/, '//reader:reader@')
  const world = await makeServerWorld(t, { database_url: url })
  const runs = await runAll(world)
  assert.deepEqual(ends(runs), { globals: 'succeeded', app: 'succeeded', closed: 'failed' })
  const [globals] = runs
  assert.match(globals!.result!.backup!.warnings.join(), /passwords of roles are left out/)
  const [incident, ...more] = await openIncidents(world.context.database.read)
  assert.deepEqual(more, [])
  assert.equal(incident!.subject, 'series/server')
  assert.match(incident!.why!, /^closed: /)
  await runAll(world)
  const [still] = await openIncidents(world.context.database.read)
  assert.equal(still!.failures, 2, 'the good ones do not close it')
  await server.query('GRANT CONNECT ON DATABASE closed TO reader')
  await runAll(world)
  assert.deepEqual(await openIncidents(world.context.database.read), [])
  await assertWorld(world)
})

test('a list that cannot be read is one failed run of the strategy', async (t) => {
  const url = server.url('postgres').replace(/:\d+\//, ':1/')
  const world = await makeServerWorld(t, { database_url: url })
  const { id } = await world.engine.startBackup('server', { trigger: 'person', actor: person })
  const run = await world.finish(id)
  assert.deepEqual([run.state, run.database], ['failed', undefined])
  assert.equal((await listRuns(world.context.database.read, { limit: 10 })).length, 1)
  assert.equal((await openIncidents(world.context.database.read)).length, 1)
  await assertWorld(world)
})

test('a database that is dropped between the list and its dump is skipped', async (t) => {
  await databases(t, 'app', 'brief')
  const world = await makeServerWorld(t)
  const { id } = await world.engine.startBackup('server', { trigger: 'person', actor: person })
  await world.finish(id)
  await drop('brief')
  await finishOpen(world)
  const runs = await ofGroup(world, id)
  assert.deepEqual(ends(runs), { globals: 'succeeded', app: 'succeeded', brief: 'skipped' })
  assert.deepEqual(await openIncidents(world.context.database.read), [])
  await assertWorld(world)
})

test('a slot is one list, and a database that is still busy from before is left out of it', async (t) => {
  await databases(t, 'app')
  const clock = fastClock(50)
  const world = await makeServerWorld(t, { schedule: '1d' }, { clock })
  const scheduler = createScheduler(world.context, () => undefined)
  await scheduler.tick()
  clock.jump(dayMs)
  await scheduler.tick()
  const [first] = await openRuns(world.context.database.read)
  await world.finish(first!.id) // of app the run is accepted, and waits
  clock.jump(dayMs)
  await scheduler.tick()
  const second = (await openRuns(world.context.database.read)).find(({ series }) => series === '')!
  await world.finish(second.id)
  assert.deepEqual(ends(await ofGroup(world, second.id)), { globals: 'succeeded', app: 'skipped' })
  await finishOpen(world)
  assert.deepEqual(ends(await ofGroup(world, first!.id)), { globals: 'succeeded', app: 'succeeded' })
  const slots = await slotsOf(world.context.database.read, 'server')
  assert.deepEqual(
    slots.map(({ run }) => run),
    [first!.id, second.id],
  )
  await assertWorld(world)
})

test('a command without a service backs up every database before it ends', async (t) => {
  await databases(t, 'app', 'crm')
  const world = await makeServerWorld(t)
  const { engine, close } = await createService(world.context, 'command')
  const { id } = await engine.startBackup('server', { trigger: 'person', actor: person })
  await close()
  assert.deepEqual(ends(await ofGroup(world, id)), {
    globals: 'succeeded',
    app: 'succeeded',
    crm: 'succeeded',
  })
  await assertWorld(world)
})

test('what a command that died had accepted for the other databases goes on with the next command', async (t) => {
  await databases(t, 'app', 'crm')
  const world = await makeServerWorld(t)
  const { id } = await world.engine.startBackup('server', { trigger: 'person', actor: person })
  await world.finish(id) // and then it dies: the others wait
  const next = await createService(world.context, 'command')
  const again = next.engine.startBackup('server', { trigger: 'person', actor: person })
  await assert.rejects(again, { code: 'busy' }).finally(() => next.close())
  assert.deepEqual(ends(await ofGroup(world, id)), {
    globals: 'succeeded',
    app: 'succeeded',
    crm: 'succeeded',
  })
  await assertWorld(world)
})

test('a backup of one database of a server is restored beside it, and its roles are handed out', async (t) => {
  await databases(t, 'app', 'crm')
  const world = await makeServerWorld(t)
  await runAll(world)
  await assert.rejects(world.engine.backup('latest', 'server'), { code: 'usage', message: /which is meant/ })
  const newest = async (database: string): Promise<string> =>
    (await world.engine.backups({ database, limit: 1 }))[0]!.id
  const ask = { strategy: 'server', targetDb: null, targetUrl: null, noOwner: false, reason: null }
  const request = await world.engine.requestRestore({ ...ask, backup: await newest('crm') }, person)
  const target = request.plan.target.name
  assert.match(target, /^crm_restore_/)
  const { run } = await world.engine.confirm(request.id, request.version, person)
  const restored: RunView = await world.finish(run!)
  assert.deepEqual([restored.state, restored.fault], ['succeeded', null])
  t.after(() => drop(target))
  assert.equal((await server.query('SELECT * FROM kept', target)).length, 10)
  await assert.rejects(world.engine.requestRestore({ ...ask, backup: await newest('globals') }, person), {
    code: 'target-invalid',
    message: /no database/,
  })
  await assertWorld(world)
})

test('one database of a server is backed up alone when somebody asks', async (t) => {
  await databases(t, 'app', 'crm')
  const world = await makeServerWorld(t)
  await runAll(world)
  const by = { trigger: 'person', actor: person } as const
  await assert.rejects(world.engine.startBackup('server', { ...by, database: 'ap' }), {
    hint: 'did you mean app?',
  })
  const { id } = await world.engine.startBackup('server', { ...by, database: 'app' })
  const run = await world.finish(id)
  assert.deepEqual([run.state, run.database, run.group], ['succeeded', 'app', undefined])
  await assertWorld(world)
})
