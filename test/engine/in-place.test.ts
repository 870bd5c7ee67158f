import assert from 'node:assert/strict'
import { readdir, rename } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test, type TestContext } from 'node:test'
import pg from 'pg'
import type { RunView } from '../../src/core/model.ts'
import { lookAfterSwaps } from '../../src/engine/restore/swaps.ts'
import { listRuns } from '../../src/state/runs.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { askInPlace, databasesLike, restoreInPlace } from '../support/in-place.ts'
import { fillSample, makeWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const hour = 3_600_000
let server: PostgresServer
let made = 0

before(async () => void (server = await startPostgres()))
after(() => server.close())

interface Shop extends World {
  name: string
  clock: FastClock
  sum(database?: string): Promise<unknown>
}

/** A database with a backup of its good days, and bad data since. */
async function shop(t: TestContext, { sql }: { sql?: string } = {}): Promise<Shop> {
  const name = `shop${++made}`
  await fillSample(server, name, 300)
  if (sql !== undefined) await server.query(sql, name)
  const clock = fastClock(50)
  const world = await makeWorld(t, { postgres: server, clock, strategies: { [name]: {} } })
  assert.equal((await world.backup()).state, 'succeeded')
  await server.query(`DELETE FROM orders WHERE id > 100; INSERT INTO people VALUES (3, 'Eve')`, name)
  const sum = async (database = name): Promise<unknown> =>
    (
      await server.query(
        `SELECT (SELECT count(*) FROM orders)::int AS orders, (SELECT count(*) FROM people)::int AS people`,
        database,
      )
    )[0]
  return { ...world, name, clock, sum }
}

const good = { orders: 300, people: 2 }
const bad = { orders: 100, people: 3 }

async function undo(world: Shop, run: RunView): Promise<RunView> {
  const { version } = await world.engine.swap(run.id)
  const { id } = await world.engine.undo({ id: run.id, version }, person)
  return world.finish(id)
}

suite('a restore in place', () => {
  test('replaces the database, can be undone and done again, and lets go of what was kept when its time is over', async (t) => {
    const world = await shop(t)
    const run = await restoreInPlace(world, world.name)
    assert.equal(run.state, 'succeeded', run.fault?.text ?? 'no fault')
    const swap = run.restore!.swap!
    assert.deepEqual([await world.sum(), await world.sum(swap.kept)], [good, bad])
    const safety = (await world.engine.backup(swap.safety!, null)).view
    assert.deepEqual([safety.level, safety.rows, safety.pin?.until], ['V2', 103, swap.until])
    assert.match(safety.pin!.note!, /safety backup of restore/)
    const [status] = (await world.engine.strategies()).map(({ replaced }) => replaced)
    assert.deepEqual(
      status!.map(({ kept, inPlace }) => [kept, inPlace]),
      [[swap.kept, 'new']],
    )

    const undone = await undo(world, run)
    assert.deepEqual([undone.state, undone.undo?.inPlace], ['succeeded', 'old'])
    assert.deepEqual([await world.sum(), await world.sum(undone.undo!.kept)], [bad, good])
    const again = await undo(world, run)
    assert.equal(again.undo?.inPlace, 'new')
    assert.deepEqual(await world.sum(), good)
    assert.deepEqual((await world.engine.run(run.id)).restore!.swap!.version, 3)

    await lookAfterSwaps(world.context)
    assert.equal((await databasesLike(server, world.name)).length, 2, 'not before its time')
    world.clock.jump(25 * hour)
    await lookAfterSwaps(world.context)
    assert.deepEqual(await databasesLike(server, world.name), [world.name])
    assert.equal((await world.engine.run(run.id)).restore!.swap!.until, null)
    await assert.rejects(world.engine.undo({ id: run.id, version: 3 }, person), {
      code: 'stale',
      message: /time to undo this is over/,
    })
    await world.deliver()
    const told = noticesOf(world)
    assert.ok(told.some((text) => text.includes('the database that was kept is removed')))
    const acts = await world.context.database.read.selectFrom('audit').select(['act', 'result']).execute()
    const ours = acts
      .filter(({ act }) => /^restore\.(in-place|swap|undo|redo|kept)/.test(act))
      .map(({ act, result }) => `${act} ${result}`)
    assert.deepEqual(ours, [
      'restore.in-place allowed',
      'restore.swap done',
      'restore.undo allowed',
      'restore.undo done',
      'restore.redo allowed',
      'restore.redo done',
      'restore.kept-removed done',
    ])
    await assertWorld(world)
  })

  test('of a backup from before the database was renamed: what has the name now is replaced', async (t) => {
    const before = await shop(t)
    const moved = `${before.name}moved`
    await server.query(`ALTER DATABASE ${before.name} RENAME TO ${moved}`)
    await before.close()
    const strategies = { [before.name]: { database_url: server.url(moved) } }
    const world = await makeWorld(t, { folder: before.folder, postgres: server, strategies })
    const run = await restoreInPlace(world, before.name)
    assert.equal(run.state, 'succeeded', run.fault?.text ?? 'no fault')
    assert.deepEqual([await before.sum(moved), await before.sum(run.restore!.swap!.kept)], [good, bad])
    assert.match(run.restore!.swap!.kept, /^shop\d+moved_before_/)
  })

  test('a late click on Undo undoes nothing twice', async (t) => {
    const world = await shop(t)
    const run = await restoreInPlace(world, world.name)
    const clicks = await Promise.allSettled(
      Array.from({ length: 5 }, () => world.engine.undo({ id: run.id, version: 1 }, person)),
    )
    const won = clicks.flatMap((click) => (click.status === 'fulfilled' ? [click.value] : []))
    assert.equal(won.length, 1)
    await world.finish(won[0]!.id)
    await assert.rejects(world.engine.undo({ id: run.id, version: 1 }, person), { code: 'stale' })
    assert.deepEqual(await world.sum(), bad)
  })

  test('live sessions are in its way unless it may drop them', async (t) => {
    const world = await shop(t)
    const client = new pg.Client(server.url(world.name))
    client.on('error', () => undefined)
    await client.connect()
    t.after(() => client.end().catch(() => undefined))
    await assert.rejects(askInPlace(world, world.name), {
      code: 'target-invalid',
      message: /1 live session is in/,
    })
    await client.query('SELECT 1')
    const run = await restoreInPlace(world, world.name, { force: true })
    assert.equal(run.restore?.swap?.sessions, 1)
    assert.deepEqual(await world.sum(), good)
  })

  test('nothing is touched when the safety backup cannot be made', async (t) => {
    const world = await shop(t)
    const request = await askInPlace(world, world.name)
    const { run } = await world.engine.confirm(request.id, request.version, person)
    await rename(world.storageDir, `${world.storageDir}.away`)
    const end = await world.finish(run!)
    await rename(`${world.storageDir}.away`, world.storageDir)
    assert.deepEqual([end.state, end.fault?.code], ['failed', 'restore-failed'])
    assert.match(end.fault!.text, /the safety backup failed/)
    assert.deepEqual(await world.sum(), bad)
    assert.deepEqual(await databasesLike(server, world.name), [world.name])
    assert.deepEqual((await world.engine.strategies())[0]!.replaced, [])
    await world.deliver()
    await assertWorld(world)
  })

  test('an error before the swap leaves the old data in place and nothing beside it', async (t) => {
    // a check that looks at another table holds until its rows are loaded again without a search path
    const world = await shop(t, {
      sql: `CREATE FUNCTION known(int) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM orders WHERE id = $1)';
        CREATE TABLE after (n int CHECK (known(n))); INSERT INTO after VALUES (1)`,
    })
    const end = await restoreInPlace(world, world.name)
    assert.deepEqual([end.state, end.fault?.code], ['failed', 'restore-failed'])
    assert.deepEqual(await world.sum(), bad)
    assert.deepEqual(await databasesLike(server, world.name), [world.name])
    const pins = (await world.engine.backups({ limit: 9 })).map(({ pin }) => pin)
    assert.deepEqual(pins, [null, null])
    await world.deliver()
    await assertWorld(world)
  })

  test('a foreign database that took the kept one’s name is not removed', async (t) => {
    const world = await shop(t)
    const { id, restore } = await restoreInPlace(world, world.name)
    const { kept } = restore!.swap!
    await server.query(`DROP DATABASE ${kept}`)
    await server.createDatabase(kept)
    await assert.rejects(
      undo(world, await world.engine.run(id)).then(failed),
      /not the database that was swapped/,
    )
    world.clock.jump(25 * hour)
    await lookAfterSwaps(world.context)
    assert.deepEqual(await databasesLike(server, world.name), [world.name, kept])
    await world.deliver()
    const told = noticesOf(world)
    assert.ok(told.some((text) => text.includes('is not what was kept, and stays')))
  })

  test('a backup and a swap of one database exclude each other', async (t) => {
    const world = await shop(t)
    const run = await restoreInPlace(world, world.name)
    const { id: backup } = await world.engine.startBackup(world.name, { trigger: 'person', actor: person })
    await assert.rejects(undo(world, run), { code: 'busy', message: /a backup of shop\d+ is under way/ })
    assert.equal((await world.finish(backup)).state, 'succeeded')
    assert.equal((await undo(world, run)).state, 'succeeded')
    const held = await world.context.database.read.selectFrom('leases').selectAll().execute()
    assert.deepEqual(held, [])
    const kinds = (await listRuns(world.context.database.read, { limit: 9 })).map(({ kind }) => kind)
    assert.equal(kinds.filter((kind) => kind === 'restore').length, 2)
  })

  test('of a SQLite file: the old one is kept beside it and comes back', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock })
    await world.backup()
    const file = join(world.folder, 'shop.db')
    const rows = (): unknown => {
      const database = new DatabaseSync(file)
      const { n } = database.prepare('SELECT count(*) AS n FROM orders').get()!
      database.close()
      return n
    }
    const database = new DatabaseSync(file)
    database.exec('DELETE FROM orders WHERE id > 10')
    database.close()
    const run = await restoreInPlace(world, 'shop')
    assert.equal(run.state, 'succeeded', run.fault?.text ?? 'no fault')
    assert.equal(rows(), 500)
    const { id } = await world.engine.undo({ id: run.id, version: 1 }, person)
    assert.equal((await world.finish(id)).state, 'succeeded')
    assert.equal(rows(), 10)
    clock.jump(25 * hour)
    await lookAfterSwaps(world.context)
    assert.deepEqual(
      (await readdir(world.folder)).filter((name) => name.startsWith('shop')),
      ['shop.db'],
    )
    assert.ok(existsSync(file))
    await world.deliver()
    await assertWorld(world)
  })
})

function failed(run: RunView): never {
  throw new Error(run.fault?.text ?? 'no fault')
}

function noticesOf(world: World): string[] {
  return world.notifier.posts.flatMap(({ shown }) => {
    const body = shown.at(-1)?.body
    return body?.type === 'notice' ? [body.text] : []
  })
}
