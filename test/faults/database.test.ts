import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import pg from 'pg'
import type { RunView } from '../../src/core/model.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { makeWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

let postgres: PostgresServer
before(async () => {
  postgres = await startPostgres()
})
after(() => postgres.close())

const tables = Number(process.env.MANY_TABLES ?? 1_500) // 100,000 outside CI

/** A database of its own, and a world that backs it up. */
async function worldOf(t: TestContext, name: string, sql: string): Promise<World> {
  await postgres.createDatabase(name)
  await postgres.query(sql, name)
  return makeWorld(t, { postgres, strategies: { [name]: {} }, global: { retry: { max_attempts: 2 } } })
}

/** Restores the newest backup beside its original. @returns the run and the new database's name */
async function restore(world: World, strategy: string): Promise<{ run: RunView; target: string }> {
  const request = await world.engine.requestRestore(
    { backup: 'latest', strategy, targetDb: null, targetUrl: null, noOwner: false, reason: null },
    person,
  )
  const { run } = await world.engine.confirm(request.id, request.version, person)
  return { run: await world.finish(run!), target: request.plan.target.name }
}

async function lock(database: string, table: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: postgres.url(database) })
  client.on('error', () => undefined) // the server goes away under it
  await client.connect()
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`)
  return () => client.end().catch(() => undefined)
}

async function untilDumpWaits(): Promise<void> {
  for (let looks = 0; looks < 2_400; looks++) {
    const found = await postgres.query(
      "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'easy-backup %' AND wait_event_type = 'Lock'",
    )
    if (found.length > 0) return
    await new Promise((next) => setTimeout(next, 25))
  }
  assert.fail('the dump never waited for the lock')
}

async function hashOf(database: string, sql: string): Promise<unknown> {
  return (
    await postgres.query(
      `SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) AS hash FROM (${sql}) t`,
      database,
    )
  )[0]!.hash
}

suite('what a database does while it is dumped (promises 1, 2 and 7)', () => {
  test('the server restarts in the middle of a dump: the next attempt is the backup', async (t) => {
    const world = await worldOf(
      t,
      'restarted',
      'CREATE TABLE orders AS SELECT g AS id FROM generate_series(1, 999) g',
    )
    const letGo = await lock('restarted', 'orders')
    const running = world.backup()
    await untilDumpWaits()
    const [writer] = await postgres.query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
    process.kill(Number(writer!.pid), 'SIGKILL') // every session ends, the server recovers and comes back
    const run = await running
    await letGo()
    assert.deepEqual([run.state, run.attempt, run.backup?.rows], ['succeeded', 2, 999], run.fault?.text ?? '')
    await assertWorld(world)
  })

  test('a table that is dropped or changed while the dump waits for it is dumped as one or the other, or told', async (t) => {
    const world = await worldOf(
      t,
      'changing',
      'CREATE TABLE kept AS SELECT 1 AS id; CREATE TABLE altered AS SELECT 1 AS id; CREATE TABLE dropped AS SELECT 1 AS id',
    )
    for (const change of ['ALTER TABLE altered ADD COLUMN late integer DEFAULT 7', 'DROP TABLE dropped']) {
      const client = new pg.Client({ connectionString: postgres.url('changing') })
      await client.connect()
      await client.query(`BEGIN; ${change}`)
      const running = world.backup()
      await untilDumpWaits()
      await client.query('COMMIT')
      await client.end()
      const run = await running
      assert.ok(['succeeded', 'failed'].includes(run.state))
      t.diagnostic(
        `${change}: ${run.state} at attempt ${run.attempt}${run.fault ? `, ${run.fault.code}` : ''}`,
      )
      assert.equal((await world.backup()).state, 'succeeded', 'the one after it works')
    }
    const { run, target } = await restore(world, 'changing')
    assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
    assert.equal(
      await hashOf(target, 'SELECT * FROM altered'),
      await hashOf('changing', 'SELECT * FROM altered'),
    )
    await assertWorld(world)
  })
})

suite('what is unusual in a database', () => {
  test('one row of 60 MB is dumped, proved and restored as it is', async (t) => {
    const world = await worldOf(
      t,
      'huge',
      "CREATE TABLE letters AS SELECT 1 AS id, repeat(md5('x'), 1875000) AS text",
    )
    const run = await world.backup()
    assert.deepEqual([run.state, run.backup?.rows], ['succeeded', 1], run.fault?.text ?? '')
    const { run: restored, target } = await restore(world, 'huge')
    assert.equal(restored.state, 'succeeded', restored.fault?.text ?? '')
    assert.equal(
      (await postgres.query('SELECT md5(text) AS hash FROM letters', target))[0]!.hash,
      (await postgres.query('SELECT md5(text) AS hash FROM letters', 'huge'))[0]!.hash,
    )
    await assertWorld(world)
  })

  test(`${tables} tables are dumped and counted, and the messages about them stay short`, async (t) => {
    await postgres.createDatabase('many')
    for (let from = 0; from < tables; from += 500)
      await postgres.query(
        `DO $$ BEGIN FOR n IN ${from}..${Math.min(from + 499, tables - 1)} LOOP
           EXECUTE format('CREATE TABLE %I (id integer)', 'table ' || n); END LOOP; END $$`,
        'many',
      )
    const world = await makeWorld(t, { postgres, strategies: { many: {} } })
    const run = await world.backup()
    assert.deepEqual([run.state, run.backup?.tables], ['succeeded', tables], run.fault?.text ?? '')
    await world.deliver()
    assert.ok(JSON.stringify(world.notifier.posts).length < 100_000)
    await assertWorld(world)
  })

  test('a LATIN1 database with odd names and letters comes back letter for letter', async (t) => {
    await postgres.query(
      "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    )
    await postgres.query(
      `CREATE SCHEMA "Übung; DROP"; CREATE TABLE "Übung; DROP"."o""dd é" ("naïve '" text);
       INSERT INTO "Übung; DROP"."o""dd é" VALUES ('café'), (E'tab\\tnew\\nline\\\\'), (NULL)`,
      'latin',
    )
    const world = await makeWorld(t, { postgres, strategies: { latin: {} } })
    assert.equal((await world.backup()).state, 'succeeded')
    const { run, target } = await restore(world, 'latin')
    assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
    const all = 'SELECT * FROM "Übung; DROP"."o""dd é"'
    assert.equal(await hashOf(target, all), await hashOf('latin', all))
    await assertWorld(world)
  })
})

const extensions = `/usr/share/postgresql/${String(15)}/extension`
const canAdd = process.getuid?.() === 0 && existsSync(extensions)
const needExtension = { skip: canAdd ? false : 'adding an extension to the server needs root' }

suite('what a target lacks (promises 12 and 13)', () => {
  test(
    'an extension that is missing on the target fails the restore by name and leaves no target',
    needExtension,
    async (t) => {
      const name = `easybackup_lost_${process.pid}` // the server's folder is everybody's
      const files = [`${name}.control`, `${name}--1.0.sql`].map((file) => join(extensions, file))
      const remove = (): void => files.forEach((file) => rmSync(file, { force: true }))
      t.after(remove)
      writeFileSync(files[0]!, "default_version = '1.0'\n")
      writeFileSync(files[1]!, 'CREATE FUNCTION lost() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;\n')
      const world = await worldOf(
        t,
        'extended',
        `CREATE EXTENSION ${name}; CREATE TABLE orders AS SELECT 1 AS id`,
      )
      assert.equal((await world.backup()).state, 'succeeded')
      remove()
      const { run, target } = await restore(world, 'extended')
      assert.equal(run.state, 'failed')
      assert.match(`${run.fault?.text} ${run.fault?.hint}`, new RegExp(name))
      assert.deepEqual(await postgres.query(`SELECT 1 FROM pg_database WHERE datname = '${target}'`), [])
      assert.equal((await postgres.query('SELECT id FROM orders', 'extended')).length, 1)
      await world.deliver()
      await assertWorld(world)
    },
  )
})
