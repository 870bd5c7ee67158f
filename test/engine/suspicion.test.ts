import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import type { RunView } from '../../src/core/model.ts'
import { makeWorld, person, type World, type WorldOptions } from '../support/world.ts'
import { assertWorld } from '../world.ts'

interface Scene {
  world: World
  sql(text: string): void
  /** So many backups of what is there. */
  backups(count: number): Promise<RunView[]>
  /** The same as after so many backups: one is made, and the others are written into the state like it. */
  past(count: number): Promise<void>
  /** How people see it: each thread's head and the notes below it. */
  threads(): Promise<string[]>
}

/** About 4 MB that no compression makes smaller, in 400 rows of `orders`; `people` has two rows. */
async function scene(t: TestContext, options: WorldOptions = {}): Promise<Scene> {
  const world = await makeWorld(t, options)
  const sql = (text: string): void => {
    const database = new DatabaseSync(join(world.folder, 'shop.db'))
    database.exec(text)
    database.close()
  }
  sql(`DELETE FROM orders; ALTER TABLE orders ADD COLUMN photo BLOB; ${fill(1, 400)}`)
  const threads = async (): Promise<string[]> => {
    await world.deliver()
    const heads = world.notifier.posts.filter(({ key }) => /^incident\/[^/]+$/.test(key))
    return heads.map(({ receipt, shown }) => {
      const { body } = shown.at(-1)!
      assert.ok(body.type === 'incident')
      const below = world.notifier.posts.filter(({ parent }) => parent === receipt)
      const notes = below.map(({ shown: [note] }) =>
        note!.body.type === 'incident.note' ? note!.body.note : '?',
      )
      const { kind, state, failures } = body.incident
      return [kind, state, failures, ...notes].join(' ')
    })
  }
  const backups = async (count: number): Promise<RunView[]> => {
    const runs: RunView[] = []
    for (let made = 0; made < count; made++) runs.push(await world.backup())
    return runs
  }
  const past = async (count: number): Promise<void> => {
    const [run] = await backups(1)
    const state = new DatabaseSync(join(world.stateDir, 'state.db'))
    state.exec('PRAGMA busy_timeout = 5000')
    for (let made = 1; made < count; made++)
      for (const table of ['runs', 'backups']) state.exec(again(state, table, { run: run!, made }))
    state.close()
  }
  return { world, sql, backups, past, threads }
}

/** A row like the one of this run or its backup, with ids of its own. */
function again(state: DatabaseSync, table: string, { run, made }: { run: RunView; made: number }): string {
  const backup = run.backup!.id
  const values = state
    .prepare(`SELECT name FROM pragma_table_info('${table}') WHERE name <> 'seq'`)
    .all()
    .map((column) => String(column.name))
  const changed = values.map((name) => {
    if (name === 'result') return `replace(result, '${backup}', '${backup}${made}')`
    return name === 'id' ? `id || '${made}'` : name
  })
  const id = table === 'runs' ? run.id : backup
  return `INSERT INTO ${table} (${values.join()}) SELECT ${changed.join()} FROM ${table} WHERE id = '${id}'`
}

function fill(first: number, last: number): string {
  return `INSERT INTO orders (id, item, photo) WITH RECURSIVE n(value) AS
    (SELECT ${first} UNION ALL SELECT value + 1 FROM n WHERE value < ${last})
    SELECT value, 'item', randomblob(10000) FROM n;`
}

const oddOf = (run: RunView | undefined): string[] => (run?.backup?.odd ?? []).map(({ of }) => of)

suite('a good backup that is not as usual', () => {
  test('ten normal backups and an odd one: one thread, one call, and it is over when one is as usual again', async (t) => {
    const { world, sql, backups, threads } = await scene(t)
    const normal = await backups(10)
    assert.deepEqual(normal.flatMap(oddOf), [])
    assert.deepEqual(await threads(), [])
    sql('DELETE FROM orders WHERE id > 100; VACUUM')
    const [odd] = await backups(1)
    assert.equal(odd?.state, 'succeeded')
    assert.deepEqual(oddOf(odd), ['size'])
    assert.deepEqual(await threads(), ['odd open 1'])
    const [view] = await world.engine.strategies()
    assert.match(view?.odd?.why ?? '', /^7\d % smaller than usual \(1(\.\d)? MB, usually 4 MB\)$/)
    assert.equal((await world.engine.backups({ limit: 1 }))[0]?.odd, view?.odd?.why)
    await backups(1)
    assert.deepEqual(await threads(), ['odd open 2'])
    sql(fill(101, 400))
    await backups(1)
    assert.deepEqual(await threads(), ['odd recovered 2 recovered'])
    assert.equal((await world.engine.strategies())[0]?.odd, null)
    await assertWorld(world)
  })

  test('an odd one that repeats is usual after a while', async (t) => {
    const { sql, past, backups, threads } = await scene(t)
    await past(10)
    sql('DELETE FROM orders WHERE id > 100; VACUUM')
    const after = await backups(7)
    assert.deepEqual(
      after.map((run) => oddOf(run).length),
      [1, 1, 1, 1, 1, 1, 0],
    )
    assert.deepEqual(await threads(), ['odd recovered 6 recovered'])
  })

  test('what somebody acknowledged is usual from then on, and what is worse calls again', async (t) => {
    const { world, sql, past, backups, threads } = await scene(t)
    await past(10)
    sql('DELETE FROM orders WHERE id > 150; VACUUM')
    await backups(1)
    const said = await world.engine.acknowledge({ what: 'shop' }, person)
    assert.equal(said.state, 'recovered')
    assert.deepEqual(await threads(), ['odd recovered 1'])
    assert.deepEqual(oddOf((await backups(1))[0]), [])
    sql('DELETE FROM orders WHERE id > 5; VACUUM')
    assert.deepEqual(oddOf((await backups(1))[0]), ['size'])
    assert.deepEqual(await threads(), ['odd recovered 1', 'odd open 1'])
  })

  test('a worse one calls again in the same thread', async (t) => {
    const { sql, past, backups, threads } = await scene(t)
    await past(5)
    sql('DELETE FROM orders WHERE id > 150; VACUUM')
    await backups(1)
    sql('DELETE FROM orders; VACUUM')
    const [worse] = await backups(1)
    assert.deepEqual(oddOf(worse), ['size', 'table'])
    assert.deepEqual(await threads(), ['odd open 2 again'])
  })

  test('rows that are gone are told although the size says nothing, and a table that is empty by its name', async (t) => {
    const { sql, past, backups, world } = await scene(t, { global: { expect: { size_change: 'off' } } })
    sql(`CREATE TABLE log (id INTEGER PRIMARY KEY); INSERT INTO log WITH RECURSIVE n(value) AS
      (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 5000) SELECT value FROM n`)
    await past(6)
    sql('DELETE FROM log')
    const [odd] = await backups(1)
    assert.deepEqual(oddOf(odd), ['rows', 'table'])
    assert.match(
      (await world.engine.strategies())[0]?.odd?.why ?? '',
      /^93 % fewer rows than usual \(402, usually 5,402\); table (main\.)?log is empty \(usually 5,000 rows\)$/,
    )
  })

  test('only backups that were made in the same way are compared, and the first of another kind says so', async (t) => {
    const { world, sql, past, backups } = await scene(t)
    await past(6)
    const [strategy] = world.context.config.strategies
    const changed = { ...strategy!, compression: { type: 'none', level: null } } as const
    world.context.config = { ...world.context.config, strategies: [changed] }
    sql('DELETE FROM orders WHERE id > 100; VACUUM')
    const [first, second] = await backups(2)
    assert.deepEqual(first?.backup?.warnings, [
      'compression changed: from here on size, rows and duration are compared anew',
    ])
    assert.deepEqual(second?.backup?.warnings, [])
    assert.equal(first?.backup?.odd, undefined)
  })

  test('fewer than five backups say nothing', async (t) => {
    const { sql, past, backups, threads } = await scene(t)
    await past(4)
    sql('DELETE FROM orders; VACUUM')
    const [odd] = await backups(1)
    assert.equal(odd?.backup?.odd, undefined)
    assert.deepEqual(await threads(), [])
  })
})
