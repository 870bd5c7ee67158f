import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { MessageBody } from '../../src/core/messages.ts'
import type { RunView } from '../../src/core/model.ts'
import { figuresOf } from '../../src/engine/figures.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { occurrenceOf } from '../../src/notifiers/occurrence.ts'
import { assertWorld } from '../world.ts'
import { makeWorld, person, type World } from '../support/world.ts'

const checks = [{ name: 'orders', sql: 'SELECT count(*) FROM orders', expect: { min: 1 } }]

async function scene(t: TestContext, settings: Record<string, unknown> = {}) {
  const world = await makeWorld(t, { strategies: { shop: { drill: { checks, ...settings } } } })
  const source = join(world.folder, 'shop.db')
  const change = (sql: string): void => {
    const database = new DatabaseSync(source)
    database.exec(sql)
    database.close()
  }
  const drill = async (backup: string | null = null): Promise<RunView> => {
    const { id } = await world.engine.startDrill('shop', backup, { trigger: 'person', actor: person })
    return world.finish(id)
  }
  return { world, change, drill }
}

/** What stands there now, by key. */
async function told(world: World): Promise<Map<string, MessageBody>> {
  const rows = await world.context.database.read.selectFrom('messages').selectAll().execute()
  return new Map(rows.map(({ key, body }) => [key, JSON.parse(body) as MessageBody]))
}

suite('a drill is told', () => {
  test('in a thread of its own and quietly when it passes: its backups are proven from then on', async (t) => {
    const { world, drill } = await scene(t)
    await world.backup()
    assert.equal((await world.engine.strategies())[0]!.proven, null)
    const run = await drill()
    assert.equal(run.drill!.verdict, 'pass', run.drill!.why ?? '')
    const messages = await told(world)
    assert.ok(messages.has(`run/${run.id}/card`) && messages.has(`run/${run.id}/progress`))
    assert.deepEqual(
      [...messages.keys()].filter((key) => /alarm|incident/.test(key)),
      [],
    )
    const [shop] = await world.engine.strategies()
    assert.deepEqual(shop!.proven, {
      at: run.endedAt,
      backup: run.backupId,
      by: 'drill',
      restoreMs: run.drill!.restoreMs,
    })
    const again = await drill()
    assert.equal(again.drill!.previousMs, run.drill!.restoreMs)
    const [listed] = await world.engine.backups({ limit: 1 })
    assert.deepEqual([listed!.level, listed!.drilled!.verdict], ['V3', 'pass'])
    assert.equal((await world.engine.digest()).drills!.pass, 2)
    await world.deliver()
    await assertWorld(world)
  })

  test('as one incident while it fails, with what is still offered, and ends it when it passes', async (t) => {
    const { world, change, drill } = await scene(t)
    const good = await world.backup()
    change('CREATE TABLE kept AS SELECT * FROM orders; DELETE FROM orders')
    const bad = await world.backup()
    const run = await drill()
    assert.deepEqual([run.state, run.drill!.verdict], ['failed', 'fail'])
    assert.equal(run.stillGood!.id, good.backup!.id)
    const [incident] = await world.engine.incidents()
    assert.deepEqual([incident!.kind, incident!.quiet, incident!.failures], ['drill', false, 1])
    assert.deepEqual(incident!.lost, { backup: bad.backup!.id, stillGood: run.stillGood })
    const [shop] = await world.engine.strategies()
    assert.deepEqual([shop!.drills!.last!.verdict, shop!.lastGood!.id], ['fail', good.backup!.id])
    await drill(bad.backup!.id)
    const [same] = await world.engine.incidents()
    assert.deepEqual([same!.id, same!.failures], [incident!.id, 2])
    const digest = await world.engine.digest()
    assert.equal(digest.attention.shown[0]!.state, 'unrestorable')
    assert.equal(digest.reread!.broken, 0, 'its bytes are what was written')

    await world.backup() // a backup that fails nothing ends nothing: it was not tried
    assert.equal((await world.engine.incidents()).length, 1)
    change('INSERT INTO orders SELECT * FROM kept')
    await world.backup()
    assert.equal((await drill()).drill!.verdict, 'pass')
    assert.deepEqual(await world.engine.incidents(), [])
    const head = (await told(world)).get(`incident/${incident!.id}`)
    assert.ok(head?.type === 'incident' && head.incident.state === 'recovered')
    await world.deliver()
    await assertWorld(world)
  })

  test('to those who asked for drills: each, with its numbers; to others what failed, once', async (t) => {
    const { world, change, drill } = await scene(t)
    await world.backup()
    const passed = await drill()
    change('DELETE FROM orders')
    await world.backup()
    const failed = await drill()
    const messages = [...(await told(world))]
    const heard = (on: ('drill' | 'failure')[]): [string, string][] =>
      messages.flatMap(([key, body]) => {
        const message = { key, body, strategy: 'shop', audience: 'success', parent: null, priority: 1, version: 1 } as const // prettier-ignore
        const news = occurrenceOf(message, { strategies: null, on, told: [] })
        return news?.topics.some((topic) => on.some((one) => one === topic)) ? [[news.kind, news.title]] : []
      })
    const lines: [string, string][] = [
      ['drill', `shop: restored and compared in ${/[\d.]+ m?s/.exec(heard(['drill'])[0]![1])![0]}`],
      ['drill', 'shop: a backup failed its drill: the check "orders" found 0, expected at least 1'],
    ]
    assert.deepEqual(heard(['drill']), lines)
    assert.deepEqual(heard(['drill', 'failure']), lines)
    assert.deepEqual(
      heard(['failure']).map(([kind]) => kind),
      ['failure'],
    )
    assert.deepEqual([passed.failuresInARow, failed.failuresInARow], [0, 1])
  })
})

test('a drill waits until the backups that are queued have begun', async (t) => {
  const { world } = await scene(t)
  await world.backup()
  const { engine, worker } = world
  const by = { trigger: 'person', actor: person } as const
  const drill = await engine.startDrill('shop', null, by)
  const backup = await engine.startBackup('shop', by)
  const over = new AbortController()
  const working = worker.runUntil(over.signal, 10_000)
  const ended = async (id: string): Promise<RunView> => {
    for await (const view of engine.watch(id, over.signal)) if (view.endedAt !== null) return view
    throw new Error('the run is gone')
  }
  const [first, second] = await Promise.all([ended(backup.id), ended(drill.id)])
  over.abort()
  await working
  assert.ok(first.startedAt! <= second.startedAt!, 'the backup began first')
  assert.equal(second.drill!.verdict, 'pass')
})

test('metrics say what drills found, when a restore was last proven, and how long it takes', async (t) => {
  const { world, drill } = await scene(t)
  const { context, engine } = world
  const render = createMetrics({
    watch: (observer) => context.bus.watch(observer),
    figures: async () => figuresOf(context, await engine.strategies()),
    version: '1',
  })
  const read = async (): Promise<string[]> => (await render()).text.split('\n').filter((line) => /drill|proven/.test(line) && !line.startsWith('#')) // prettier-ignore
  assert.ok((await read()).includes('easy_backup_drills_total{strategy="shop",verdict="fail"} 0'))
  await world.backup()
  const run = await drill()
  assert.deepEqual(
    (await read()).filter((line) => !line.includes('kind=') && !line.includes('incidents')),
    [
      'easy_backup_drills_total{strategy="shop",verdict="pass"} 1',
      'easy_backup_drills_total{strategy="shop",verdict="fail"} 0',
      'easy_backup_drills_total{strategy="shop",verdict="inconclusive"} 0',
      `easy_backup_last_proven_timestamp_seconds{strategy="shop"} ${run.endedAt! / 1000}`,
      `easy_backup_drill_restore_seconds{strategy="shop"} ${run.drill!.restoreMs! / 1000}`,
      'easy_backup_drill_last_verdict{strategy="shop",verdict="pass"} 1',
      'easy_backup_drill_last_verdict{strategy="shop",verdict="fail"} 0',
      'easy_backup_drill_last_verdict{strategy="shop",verdict="inconclusive"} 0',
    ],
  )
})
