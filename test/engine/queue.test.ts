import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import type { RunView } from '../../src/core/model.ts'
import { createService } from '../../src/engine/service.ts'
import { listRuns } from '../../src/state/runs.ts'
import { dam, until } from '../support/dam.ts'
import { makeWorld, makeWorldFolder, openWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

async function accept(world: World, strategy: string): Promise<string> {
  return (await world.engine.startBackup(strategy, { trigger: 'person', actor: person })).id
}

async function ended(world: World): Promise<RunView[]> {
  await until(
    async () => (await world.engine.runs({ limit: 99 })).every((run) => run.endedAt !== null),
    'all runs ended',
  )
  return (await world.engine.runs({ limit: 99 })).toReversed()
}

/** Workers that look for work until they are stopped, or the test is over. @returns stops them */
function working(t: TestContext, ...worlds: World[]): () => Promise<void> {
  const over = new AbortController()
  const loops = worlds.map((world) => world.worker.runUntil(over.signal, 1_000))
  const stop = async (): Promise<void> => {
    over.abort(new Error('stopped'))
    await Promise.all(loops)
  }
  t.after(stop)
  return stop
}

const three = { a: {}, b: {}, c: {} }

suite('one at a time (promise 4)', () => {
  test('at most max_parallel_strategies run, the rest wait in order, and all end', async (t) => {
    const gate = dam()
    const strategies = { a: {}, b: {}, c: {}, d: {}, e: {} }
    const world = await makeWorld(t, {
      strategies,
      global: { max_parallel_strategies: 2 },
      adjust: gate.adjust,
    })
    for (const name of ['e', 'd', 'c', 'b', 'a']) await accept(world, name)
    working(t, world)
    await until(() => gate.waiting.length === 2, 'two run')
    assert.deepEqual(gate.waiting.toSorted(), ['d', 'e'])
    assert.equal((await world.engine.runs({ limit: 9, state: 'queued' })).length, 3)
    gate.open()
    const runs = await ended(world)
    assert.ok(runs.every((run) => run.state === 'succeeded'))
    assert.ok(gate.most <= 2)
    const order = runs.toSorted((x, y) => x.startedAt! - y.startedAt!).map((run) => run.strategy)
    assert.deepEqual([order.slice(0, 2).toSorted(), ...order.slice(2, 3)], [['d', 'e'], 'c'])
    await assertWorld(world)
  })

  test('a strategy that is open is refused, naming the run', async (t) => {
    const world = await makeWorld(t)
    const id = await accept(world, 'shop')
    await assert.rejects(accept(world, 'shop'), { code: 'busy', hint: new RegExp(id) })
    await world.finish(id)
    await assertWorld(world)
  })

  test('a backup that is being verified is not verified a second time', async (t) => {
    const world = await makeWorld(t)
    const { backup } = await world.backup()
    const { id } = await world.engine.startVerify(backup!.id, 'V2', person)
    await assert.rejects(world.engine.startVerify(backup!.id, 'V1', person), {
      code: 'busy',
      hint: new RegExp(id),
    })
    assert.equal((await world.finish(id)).state, 'succeeded')
    const again = await world.engine.startVerify(backup!.id, 'V1', person)
    assert.equal((await world.finish(again.id)).state, 'succeeded')
    await assertWorld(world)
  })

  test('of twenty people who ask at once one is accepted', async (t) => {
    const world = await makeWorld(t)
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => accept(world, 'shop')))
    assert.equal(asked.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal((await listRuns(world.context.database.read, { limit: 99 })).length, 1)
  })

  test('two workers on one state carry out each run once', async (t) => {
    const folder = await makeWorldFolder(t)
    const world = await makeWorld(t, { folder, strategies: three })
    const other = await makeWorld(t, { folder, strategies: three })
    const started: string[] = []
    for (const { context } of [world, other])
      context.bus.watch((event) => event.type === 'run.started' && started.push(event.run))
    working(t, world, other)
    for (let round = 0; round < 3; round++) {
      for (const name of Object.keys(three)) await accept(world, name)
      await ended(world)
    }
    const runs = await ended(world)
    assert.equal(runs.length, 9)
    assert.deepEqual(
      runs.map((run) => run.state),
      Array.from({ length: 9 }, () => 'succeeded'),
    )
    assert.deepEqual(started.toSorted(), runs.map((run) => run.id).toSorted())
    assert.equal((await world.engine.backups({ limit: 99 })).length, 9)
    await assertWorld(world)
  })
})

suite('verify --all', () => {
  test('however many read everything, one does at a time, and what a person waits for goes first', async (t) => {
    const strategies = { a: {}, b: {}, c: {}, d: {} }
    const opened = Promise.withResolvers<void>()
    let isSlow = false
    const world = await makeWorld(t, {
      strategies,
      adjust: (context) => ({
        ...context,
        storages: new Map(
          [...context.storages].map(([name, storage]) => [
            name,
            {
              ...storage,
              get: async (key, options) => {
                if (isSlow && !key.endsWith('.json')) await opened.promise
                return storage.get(key, options)
              },
            } as typeof storage,
          ]),
        ),
      }),
    })
    for (const name of Object.keys(strategies)) await world.backup(name)
    isSlow = true
    const verify = async (name: string): Promise<string> => {
      const { view } = await world.engine.backup('latest', name)
      return (await world.engine.startVerify(view.id, 'V1', person)).id
    }
    const all: string[] = []
    for (const name of Object.keys(strategies))
      all.push((await world.engine.startVerifyAll(name, 'V1', person)).id)
    const first = await verify('a')
    t.after(() => opened.resolve()) // before the workers are waited for
    working(t, world)
    const running = async (): Promise<string[]> =>
      (await world.engine.runs({ limit: 9, state: 'running' })).map(({ id }) => id)
    await until(async () => (await running()).length === 2, 'two run')
    assert.deepEqual(await running(), [first, all[0]])
    const second = await verify('b')
    await until(async () => (await running()).includes(second), 'the next runs beside them')
    assert.deepEqual(await running(), [second, first, all[0]])
    opened.resolve()
    const states = new Set((await ended(world)).map(({ state }) => state))
    assert.deepEqual([...states], ['succeeded'])
    await assertWorld(world)
  })
})

suite('when the service stops', () => {
  test('running work gets its grace, then is interrupted once, and is told', async (t) => {
    const gate = dam()
    const world = await makeWorld(t, { adjust: gate.adjust })
    const stop = working(t, world)
    const id = await accept(world, 'shop')
    await until(() => gate.waiting.length === 1, 'it uploads')
    await stop()
    const run = await world.engine.run(id)
    assert.deepEqual([run.state, run.fault?.code], ['interrupted', 'interrupted'])
    await assertWorld(world)
  })

  test('what is queued stays queued, and the next service carries it out', async (t) => {
    const folder = await makeWorldFolder(t)
    const first = await openWorld(folder)
    const id = await accept(first, 'shop')
    await first.close()
    const world = await makeWorld(t, { folder })
    const service = await createService(world.context, 'serve')
    const over = new AbortController()
    const leading = service.lead(over.signal, () => {})
    await until(async () => (await world.engine.run(id)).endedAt !== null, 'it ended')
    over.abort(new Error('stopped'))
    await leading
    assert.equal((await world.engine.run(id)).state, 'succeeded')
    await assertWorld(world)
  })
})
