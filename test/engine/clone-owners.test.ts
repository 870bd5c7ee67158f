import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { lookAfterClones } from '../../src/engine/clone/settle.ts'
import { cloneAsk } from '../support/clone-ask.ts'
import { fastClock } from '../support/fast-clock.ts'
import { databasesLike } from '../support/in-place.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { fillSample, makeWorld, person, type World } from '../support/world.ts'

const day = 86_400_000
let server: PostgresServer
let made = 0

before(async () => void (server = await startPostgres()))
after(() => server.close())

const elsewhere = (url: string): string => url.replace('127.0.0.1', 'localhost')

/** A strategy `web` with a place, and whatever else is configured. */
async function scene(
  t: TestContext,
  place: Record<string, unknown>,
  more: Record<string, Record<string, unknown>> = {},
) {
  const web = `web${++made}`
  await fillSample(server, web, 20)
  const clock = fastClock(50)
  const clones = { staging: place }
  const strategies = { web: { database_url: server.url(web), clones }, ...more }
  const world = await makeWorld(t, { clock, strategies })
  assert.equal((await world.backup('web')).state, 'succeeded')
  return { ...world, clock, web }
}

async function copy(world: World, typed?: string) {
  const ask = cloneAsk('web', typed === undefined ? {} : { typed })
  const request = await world.engine.requestRestore(ask, person)
  const { run } = await world.engine.confirm(request.id, request.version, person)
  return world.finish(run!)
}

/** A database that a strategy backs up. */
async function production(t: TestContext): Promise<string> {
  const name = `crm${++made}`
  await server.createDatabase(name)
  await server.query(`CREATE TABLE kept AS SELECT 'production' AS whose`, name)
  t.after(async () => {
    assert.deepEqual(await server.query('SELECT whose FROM kept', name), [{ whose: 'production' }])
  })
  return name
}

function reconfigured(world: World, change: (url: string) => string | null): void {
  const [web, ...others] = world.context.config.strategies
  const url = change(web!.clones.staging!.url)
  const clones = url === null ? {} : { staging: { ...web!.clones.staging!, url } }
  world.context.config = { ...world.context.config, strategies: [{ ...web!, clones }, ...others] }
}

test('a copy never takes the place of another strategy’s database, whatever its address or however many it takes', async (t) => {
  const crm = await production(t)
  const url = elsewhere(server.url(crm))
  const others = {
    alone: { database_url: server.url(crm) },
    whole: { database_url: server.url('postgres'), databases: { include: ['crm*'] } },
    replica: { database_url: server.url('elsewhere'), dump_url: server.url(crm) },
  }
  for (const [name, settings] of Object.entries(others)) {
    const world = await scene(t, { database_url: url }, { [name]: settings })
    await assert.rejects(copy(world, crm), {
      code: 'target-invalid',
      message: new RegExp(`is the database of ${name} itself`),
    })
  }
})

test('a database whose owner cannot be asked is not overwritten, one that a copy made is', async (t) => {
  const crm = await production(t)
  const nobody = server.url(crm).replace(`:${server.port}/`, ':1/')
  const world = await scene(t, { database_url: server.url(crm) }, { down: { database_url: nobody } })
  await assert.rejects(copy(world, crm), {
    code: 'target-invalid',
    message: /could be the database of down, which cannot be asked/,
  })
  const own = `staging${made}`
  const far = server.url(own).replace(`:${server.port}/`, ':1/')
  const second = await scene(t, { database_url: server.url(own) }, { down: { database_url: far } })
  assert.equal((await copy(second)).state, 'succeeded')
  assert.equal((await copy(second, own)).state, 'succeeded')
})

test('a copy on a server that is backed up whole stays one, and is made anew', async (t) => {
  const staging = `staged${++made}`
  const whole = { database_url: server.url('postgres'), databases: { include: ['staged*'] } }
  const world = await scene(t, { database_url: elsewhere(server.url(staging)) }, { whole })
  assert.equal((await copy(world)).state, 'succeeded')
  assert.equal((await copy(world, staging)).state, 'succeeded')
})

test('what became somebody’s database while the copy was made keeps its name', async (t) => {
  const crm = await production(t)
  const world = await scene(t, { database_url: elsewhere(server.url(crm)), sanitize: [] })
  const request = await world.engine.requestRestore(cloneAsk('web', { typed: crm }), person)
  const { run } = await world.engine.confirm(request.id, request.version, person)
  const [web] = world.config.strategies
  const owner = { ...web!, name: 'owner', clones: {}, source: { ...web!.source, url: server.url(crm) } }
  const strategies = [web!]
  world.context.config = { ...world.config, strategies }
  world.context.sourceDrivers = world.context.sourceDrivers.map((driver) => ({
    ...driver,
    open(...given) {
      const source = driver.open(...given)
      const restore: typeof source.restore = async (...job) => {
        const restored = await source.restore(...job)
        strategies.push(owner)
        return restored
      }
      return { ...source, restore }
    },
  }))
  const ended = await world.finish(run!)
  assert.equal(ended.state, 'failed')
  assert.equal(strategies.length, 2)
  assert.match(ended.fault!.text, /is the database of owner itself/)
  assert.deepEqual(await databasesLike(server, crm), [crm])
})

async function told(world: World): Promise<string[]> {
  await world.deliver()
  const messages = await world.context.database.read.selectFrom('messages').select(['key', 'body']).execute()
  return messages.filter(({ key }) => key.startsWith('notice/clone/')).map(({ body }) => body)
}

test('a copy that somebody renamed is dropped in time, by its identity', async (t) => {
  const name = `staging${++made}`
  const world = await scene(t, { database_url: server.url(name), drop_after: '1d' })
  await copy(world)
  await server.query(`ALTER DATABASE "${name}" RENAME TO "${name}_old"`)
  await server.createDatabase(name)
  world.clock.jump(2 * day)
  await lookAfterClones(world.context)
  assert.deepEqual(await databasesLike(server, name), [name])
  assert.match((await told(world)).join(), new RegExp(`dropped: ${name} on .* renamed to ${name}_old`))
})

test('a copy whose place leads elsewhere or is not named any more is told once, and owed until it is reached', async (t) => {
  const name = `staging${++made}`
  const world = await scene(t, { database_url: server.url(name), drop_after: '1d' })
  await copy(world)
  const was = world.context.config
  const second = await startPostgres()
  t.after(() => second.close())
  for (const change of [() => second.url(name), () => null]) {
    reconfigured(world, change)
    world.clock.jump(2 * day)
    await lookAfterClones(world.context)
    world.clock.jump(day)
    await lookAfterClones(world.context)
    assert.deepEqual(await databasesLike(server, name), [name])
    const texts = await told(world)
    assert.equal(texts.length, 1)
    assert.match(texts[0]!, /it stays: .*(leads to another server now|has no place for copies)/)
  }
  world.context.config = was
  reconfigured(world, elsewhere)
  world.clock.jump(day)
  await lookAfterClones(world.context)
  assert.deepEqual(await databasesLike(server, name), [])
  assert.match((await told(world)).join(), /and it is dropped/)
})

test('of two copies into one place at once one is made, and nothing is left of the other', async (t) => {
  const name = `staging${++made}`
  const world = await scene(t, { database_url: server.url(name) })
  const runs = []
  for (const actor of [person, { via: 'cli', id: 'ben' } as const])
    try {
      const request = await world.engine.requestRestore(cloneAsk('web'), actor)
      runs.push((await world.engine.confirm(request.id, request.version, actor)).run!)
    } catch (error) {
      assert.match((error as { code: string }).code, /busy|usage|stale/)
    }
  await Promise.all(runs.map((run) => world.worker.runOne(run, new AbortController().signal)))
  const ended = await Promise.all(runs.map((run) => world.engine.run(run)))
  assert.equal(ended.filter(({ state }) => state === 'succeeded').length, 1, JSON.stringify(ended))
  assert.deepEqual(await databasesLike(server, name), [name])
})

test('a file of SQL cannot connect elsewhere, and one that commits by itself leaves no half of a copy', async (t) => {
  const name = `staging${++made}`
  for (const sql of [
    `\\connect ${server.url('postgres')}\nSELECT 1;`,
    `SELECT 1 \\gexec\n`,
    `COMMIT;\nUPDATE people SET name = 'half';\nCOMMIT;\nUPDATE nobody SET x = 1;`,
  ]) {
    const world = await scene(t, { database_url: server.url(name), sanitize: ['clean.sql'] })
    writeFileSync(join(world.folder, 'clean.sql'), sql)
    const ended = await copy(world)
    assert.equal(ended.fault?.code, 'sanitize-failed', sql)
    assert.deepEqual(await databasesLike(server, name), [])
  }
})

test('a broken backup is not copied', async (t) => {
  const name = `staging${++made}`
  const world = await scene(t, { database_url: server.url(name) })
  await world.context.database.write((tx) =>
    tx.updateTable('backups').set({ corrupt: 'other bytes' }).execute(),
  )
  await assert.rejects(copy(world), { code: /object-corrupt|not-found/ })
  const [backup] = await world.engine.backups({ limit: 1 })
  await assert.rejects(world.engine.requestRestore(cloneAsk('web', { backup: backup!.id }), person), {
    code: 'object-corrupt',
  })
  assert.deepEqual(await databasesLike(server, name), [])
})
