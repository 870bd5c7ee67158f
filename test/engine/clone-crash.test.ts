import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { lookAfterClones } from '../../src/engine/clone/settle.ts'
import { recover } from '../../src/engine/recover.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { databasesLike } from '../support/in-place.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { fillSample, makeWorldFolder, openWorld, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const script = join(import.meta.dirname, '../support/crash-clone.ts')
let server: PostgresServer

before(async () => void (server = await startPostgres()))
after(() => server.close())

async function dieAfter(step: string, folder: string, settings: Record<string, unknown>): Promise<void> {
  const argv = ['--disable-warning=ExperimentalWarning', script, folder, step, JSON.stringify(settings)]
  const child = await promisify(execFile)(process.execPath, argv).catch(
    (error: { stderr: string; signal: string }) => error,
  )
  assert.ok('signal' in child, `it never came to "${step}"`)
  assert.equal(child.signal, 'SIGKILL', child.stderr)
}

/** The next start: what the killed run came to. */
async function nextStart(
  folder: string,
  settings: Record<string, unknown>,
  look: (world: World, state: string) => Promise<void>,
): Promise<void> {
  const world = await openWorld(folder, { clock: systemClock, strategies: { shop: settings } })
  try {
    await recover(world.context)
    await lookAfterClones(world.context)
    const [run] = (await world.engine.runs({ limit: 9 })).filter(({ kind }) => kind === 'restore')
    await look(world, run!.state)
    await world.deliver()
    await assertWorld(world)
  } finally {
    await world.close()
  }
}

test('a copy killed at each step is there whole and sanitized, or what was there is as it was', async (t) => {
  const folder = await makeWorldFolder(t)
  await fillSample(server, 'shop', 50)
  await server.createDatabase('shop_staging')
  await server.query('CREATE TABLE before_it ()', 'shop_staging')
  writeFileSync(join(folder, 'clean.sql'), `UPDATE people SET name = 'nobody'`)
  const settings = {
    database_url: server.url('shop'),
    clones: { staging: { database_url: server.url('shop_staging'), sanitize: ['clean.sql'] } },
  }
  const world = await openWorld(folder, { clock: systemClock, strategies: { shop: settings } })
  assert.equal((await world.backup()).state, 'succeeded')
  await world.close()
  const isBefore = async (): Promise<boolean> =>
    (await server.query(`SELECT 1 FROM pg_tables WHERE tablename = 'before_it'`, 'shop_staging')).length === 1
  for (const step of ['restored', 'sanitized', 'naming', 'named', 'open']) {
    await dieAfter(step, folder, settings)
    await nextStart(folder, settings, async ({ engine }, state) => {
      const isDone = step === 'named' || step === 'open'
      assert.equal(state, isDone ? 'succeeded' : 'interrupted', step)
      assert.equal(await isBefore(), !isDone, step)
      assert.deepEqual(await databasesLike(server, 'shop'), ['shop', 'shop_staging'], step)
      const copies = (await engine.strategies())[0]!.copies!
      assert.equal(copies.length, isDone ? 1 : 0, step)
      if (!isDone) return
      const names = await server.query('SELECT DISTINCT name FROM people', 'shop_staging')
      assert.deepEqual(names, [{ name: 'nobody' }], step)
      await server.query('CREATE TABLE before_it ()', 'shop_staging')
    })
  }
})

test('a copy of a file, killed right before and after it is named, is there whole or not at all', async (t) => {
  const folder = await makeWorldFolder(t)
  const staging = join(folder, 'staging.db')
  writeFileSync(join(folder, 'clean.sql'), `UPDATE people SET name = 'nobody'`)
  const settings = {
    clones: { staging: { database_url: `sqlite://${staging}`, sanitize: ['clean.sql'], drop_after: '7d' } },
  }
  const world = await openWorld(folder, { clock: systemClock, strategies: { shop: settings } })
  assert.equal((await world.backup()).state, 'succeeded')
  await world.close()
  for (const step of ['naming', 'named']) {
    await dieAfter(step, folder, settings)
    await nextStart(folder, settings, async ({ engine }, state) => {
      assert.equal(state, step === 'named' ? 'succeeded' : 'interrupted')
      assert.equal(existsSync(staging), step === 'named')
      const left = readdirSync(folder).filter((name) => name.startsWith('staging'))
      assert.deepEqual(left, step === 'named' ? ['staging.db'] : [])
      const ends = (await engine.strategies())[0]!.copies!.map(({ until }) => until! > systemClock.now())
      assert.deepEqual(ends, step === 'named' ? [true] : [])
    })
  }
  const database = new DatabaseSync(staging, { readOnly: true })
  assert.equal(database.prepare(`SELECT count(*) AS n FROM people WHERE name = 'nobody'`).get()!['n'], 2)
  database.close()
})
