import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Manifest, RestorePlan } from '../../src/core/model.ts'
import type { RestoreAsk } from '../../src/engine/facade.ts'
import { leftOutBlockers, leftOutWarnings } from '../../src/engine/left-out.ts'
import { sources } from '../../src/sources/registry.ts'
import { startPostgres } from '../support/postgres.ts'
import { makeWorld, person } from '../support/world.ts'

type Context = Parameters<typeof leftOutBlockers>[0]
type Facts = Parameters<typeof leftOutBlockers>[1]

interface Case {
  ask: Partial<RestoreAsk>
  /** Options of now. */
  options?: Record<string, unknown>
  manifest?: Partial<Manifest>
}

/** As far as these facts go; whatever is asked for is there and holds something. */
function judged({ ask, options = {}, manifest = {} }: Case): { blockers: string; warnings: string } {
  const context = { sourceDrivers: sources } as unknown as Context
  const strategy = { source: { kind: 'postgres', options } }
  const chosen = { manifest: { id: 'b1', strategyConfig: null, ...manifest }, strategy }
  const facts = { ask, chosen, overwritten: true } as unknown as Facts
  return {
    blockers: leftOutBlockers(context, facts).join(),
    warnings: leftOutWarnings(context, facts).join(),
  }
}

const madeWith = (options: Record<string, unknown>): Partial<Manifest> => ({ strategyConfig: { options } })
const none = { blockers: '', warnings: '' }

suite('a backup that does not hold all of its database', () => {
  for (const option of ['tables', 'exclude_tables', 'exclude_table_data', 'schemas', 'exclude_schemas'])
    test(`because of ${option} is not restored in its place, whatever the options are now`, () => {
      const { blockers, warnings } = judged({
        ask: { inPlace: true },
        manifest: madeWith({ [option]: ['logs'] }),
      })
      assert.match(
        blockers,
        new RegExp(
          `b1 does not hold all.*\\(${option}: logs\\).*would be gone; restore it beside, or .*--table`,
        ),
      )
      assert.equal(warnings, '')
    })

  test('is judged by its manifest alone while its configuration is encrypted', () => {
    const { blockers } = judged({ ask: { inPlace: true }, manifest: { leftOut: ['exclude_tables'] } })
    assert.match(blockers, /b1 does not hold all of its database \(exclude_tables\): in its place/)
  })

  test('empties no table of another database, unless single tables are chosen', () => {
    const manifest = madeWith({ exclude_table_data: ['audit'], exclude_tables: ['logs'] })
    const { blockers } = judged({ ask: { clean: true }, manifest })
    assert.match(blockers, /\(exclude_table_data: audit\): --clean would leave .* without their rows/)
    assert.equal(judged({ ask: { clean: true, tables: ['public.orders'] }, manifest }).blockers, '')
  })

  test('says so where nothing is lost: beside, in a copy, over tables that it holds', () => {
    const manifest = madeWith({ exclude_tables: ['a', 'b', 'c', 'd'] })
    const asks: Partial<RestoreAsk>[] = [{}, { clone: 'staging' }, { clean: true }]
    for (const ask of asks)
      assert.deepEqual(judged({ ask, manifest }), {
        blockers: '',
        warnings: 'backup b1 does not hold all of its database (exclude_tables: a, b, c and others)',
      })
  })
})

test('a safety backup that would not hold all of the database is none', () => {
  const { blockers } = judged({ ask: { inPlace: true }, options: { tables: ['orders'] } })
  assert.match(
    blockers,
    /the safety backup would not hold all of the database \(tables: orders\): restore beside/,
  )
})

test('options that leave nothing out are in nobody’s way', () => {
  const options = { jobs: 2, lock_timeout: '5s' }
  assert.deepEqual(judged({ ask: { inPlace: true }, options, manifest: madeWith(options) }), none)
  assert.deepEqual(judged({ ask: { clean: true }, options, manifest: madeWith(options) }), none)
})

test('tables left out of a backup are still there after a restore in place was asked for', async (t) => {
  const server = await startPostgres()
  t.after(() => server.close())
  await server.createDatabase('shop')
  await server.query('CREATE TABLE orders (id int); CREATE TABLE logs (id int)', 'shop')
  const options = { exclude_tables: ['logs'] }
  const world = await makeWorld(t, { postgres: server, strategies: { shop: { options } } })
  assert.equal((await world.backup()).state, 'succeeded')
  assert.deepEqual((await world.engine.backup('latest', 'shop')).manifest.leftOut, ['exclude_tables'])
  const plan = async (more: Partial<RestoreAsk>): Promise<RestorePlan> => {
    const place = { targetDb: null, targetUrl: null, noOwner: false, reason: 'bad migration' }
    const ask = { backup: 'latest', strategy: 'shop', ...place, ...more }
    return (await world.engine.planRestore(ask, person)).plan
  }
  assert.match((await plan({ inPlace: true })).blockers.join(), /does not hold all.*exclude_tables: logs/)
  assert.match((await plan({})).warnings.join(), /does not hold all.*exclude_tables: logs/)
})
