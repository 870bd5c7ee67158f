import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { RunView } from '../../src/core/model.ts'
import { createService } from '../../src/engine/service.ts'
import { listRuns } from '../../src/state/runs.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { strays } from '../../src/sys/strays.ts'
import { fastClock } from '../support/fast-clock.ts'
import { startPostgres } from '../support/postgres.ts'
import { misbehaviour, stubTool } from '../support/stub-tools.ts'
import { fillSample, makeWorld, makeWorldFolder, openWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

/** A storage that takes no byte before it is let. */
interface Dam {
  adjust: (context: World['context']) => World['context']
  /** Names of strategies whose objects wait now. */
  waiting: string[]
  /** The most that waited at the same time. */
  most: number
  open(): void
}

function dam(): Dam {
  const opened = Promise.withResolvers<void>()
  const it: Dam = {
    waiting: [],
    most: 0,
    open: () => opened.resolve(),
    adjust: (context) => ({
      ...context,
      storages: new Map([...context.storages].map(([name, storage]) => [name, held(storage)])),
    }),
  }
  const held = (storage: Storage): Storage => ({
    ...storage,
    async put(key, spool, options) {
      if (!key.includes('/')) return storage.put(key, spool, options)
      const name = key.split('/')[0]!
      it.waiting.push(name)
      it.most = Math.max(it.most, it.waiting.length)
      const { promise: stopped, reject } = Promise.withResolvers<never>()
      options.signal.addEventListener('abort', () => reject(options.signal.reason as Error), { once: true })
      await Promise.race([opened.promise, stopped]).finally(() =>
        it.waiting.splice(it.waiting.indexOf(name), 1),
      )
      return storage.put(key, spool, options)
    },
  })
  return it
}

async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (const begun = performance.now(); !(await condition());) {
    assert.ok(performance.now() - begun < 30_000, `waited in vain until ${what}`)
    await new Promise((next) => setTimeout(next, 5))
  }
}

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

suite('cancelling leaves one end and nothing else (promises 3 and 7)', () => {
  test('a queued run ends at once', async (t) => {
    const world = await makeWorld(t)
    const id = await accept(world, 'shop')
    const view = await world.engine.cancel(id, person)
    assert.deepEqual([view.state, view.fault?.code, view.startedAt], ['cancelled', 'cancelled', null])
    assert.equal((await world.finish(id)).state, 'cancelled')
    await assertWorld(world)
  })

  test('a running one stops in the middle, by its strategy’s name', async (t) => {
    const gate = dam()
    const world = await makeWorld(t, { adjust: gate.adjust })
    const id = await accept(world, 'shop')
    const end = world.finish(id)
    await until(() => gate.waiting.length === 1, 'it uploads')
    await world.engine.cancel('shop', person)
    assert.equal((await end).state, 'cancelled')
    await world.deliver()
    assert.equal(world.notifier.seen(`run/${id}/alarm`).length, 0)
    await assertWorld(world)
  })

  test('a cancel by another process is a word in the row, and heard', async (t) => {
    const gate = dam()
    const folder = await makeWorldFolder(t)
    const world = await makeWorld(t, { folder, adjust: gate.adjust })
    const other = await makeWorld(t, { folder })
    const end = world.finish(await accept(world, 'shop'))
    await until(() => gate.waiting.length === 1, 'it uploads')
    await other.engine.cancel('shop', { via: 'slack', id: 'U1' })
    const run = await end
    assert.deepEqual([run.state, run.fault?.hint], ['cancelled', 'by U1'])
    await assertWorld(world)
  })

  test('one that waits for its next attempt does not start it', async (t) => {
    const folder = await makeWorldFolder(t)
    const bin = await stubTool(folder, 'gzip', misbehaviour.fails)
    await stubTool(folder, 'pigz', misbehaviour.fails)
    const world = await makeWorld(t, {
      folder,
      path: [bin, bin.replace('gzip', 'pigz')],
      global: { retry: { max_attempts: 9, delay: '1h', max_delay: '1h' } },
    })
    const id = await accept(world, 'shop')
    const end = world.finish(id)
    await until(async () => (await world.engine.run(id)).stage === 'waiting', 'it waits')
    await world.engine.cancel(id, person)
    const run = await end
    assert.deepEqual([run.state, run.attempt], ['cancelled', 2])
    await assertWorld(world)
  })

  test('a dump tool that ignores TERM is ended all the same', async (t) => {
    const postgres = await startPostgres()
    t.after(() => postgres.close())
    await fillSample(postgres, 'shop')
    const folder = await makeWorldFolder(t)
    const bin = await stubTool(folder, 'pg_dump', misbehaviour.hangsIgnoringTerm)
    const world = await makeWorld(t, { folder, postgres, path: [bin] })
    const id = await accept(world, 'shop')
    const end = world.finish(id)
    await until(async () => (await world.engine.run(id)).stage === 'dump', 'it dumps')
    await until(() => strays(new Set([id])).length >= 2, 'the tool runs')
    await world.engine.cancel(id, person)
    assert.equal((await end).state, 'cancelled')
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

suite('trying again', () => {
  test('an unreachable server is tried max_attempts times, with exponential delays', async (t) => {
    const clock = fastClock(500)
    const world = await makeWorld(t, {
      clock,
      strategies: { shop: { database_url: 'postgres://ann:secret-word@127.0.0.1:1/shop' } },
      global: { retry: { max_attempts: 5, delay: '10s', max_delay: '1m' } },
    })
    const retried: number[] = []
    world.context.bus.watch((event) => event.type === 'run.retried' && retried.push(event.delayMs))
    const run = await world.backup()
    assert.deepEqual([run.state, run.fault?.code, run.attempt], ['failed', 'database-unreachable', 5])
    for (const [index, usual] of [10_000, 20_000, 40_000, 60_000].entries())
      assert.ok(retried[index]! >= usual * 0.8 && retried[index]! <= usual * 1.2, `${retried[index]} ms`)
    assert.ok(retried.every((delay) => clock.slept.includes(delay)))
    await assertWorld(world)
  })
})

test('an upload that is slower than timeout.upload after the dump ends the run, and leaves nothing', async (t) => {
  const gate = dam()
  const world = await makeWorld(t, {
    adjust: gate.adjust,
    global: { timeout: { upload: '10s', stall: '1h' } },
  })
  const run = await world.backup()
  assert.deepEqual([run.state, run.fault?.code], ['failed', 'timed-out'])
  assert.match(run.fault!.text, /the upload took longer than its limit of 10 s/)
  await assertWorld(world)
  gate.open()
  assert.equal((await world.backup()).state, 'succeeded')
})

suite('an end is written although something is in the way (promise 3)', () => {
  test('a state disk that is full for a while delays the end, and loses nothing', async (t) => {
    let refusals = 0
    const world = await makeWorld(t, {
      adjust: (context) => ({
        ...context,
        database: {
          ...context.database,
          write: async (work) => {
            const isBusy = (await listRuns(context.database.read, { state: 'running', limit: 1 }))[0]
            if (isBusy?.stage === 'manifest' && refusals++ < 5) throw new Error('database or disk is full')
            return context.database.write(work)
          },
        },
      }),
    })
    const run = await world.backup()
    assert.ok(refusals > 5)
    assert.equal(run.state, 'succeeded')
    await assertWorld(world)
  })

  test('the end of a cancelled run, too, is written as soon as there is room', async (t) => {
    const gate = dam()
    let refusals = 0
    const world = await makeWorld(t, {
      adjust: (built) => {
        const { write } = built.database
        const refusing: typeof write = (work) => {
          if (refusals > 0 && refusals-- > 0) throw new Error('database or disk is full')
          return write(work)
        }
        return { ...gate.adjust(built), database: { ...built.database, write: refusing } }
      },
    })
    const id = await accept(world, 'shop')
    const end = world.finish(id)
    await until(() => gate.waiting.length === 1, 'it uploads')
    await world.engine.cancel(id, person)
    refusals = 3
    assert.equal((await end).state, 'cancelled')
    await assertWorld(world)
  })

  test('a log that cannot be written changes nothing', async (t) => {
    const world = await makeWorld(t)
    await rm(join(world.stateDir, 'logs'), { recursive: true })
    const run = await world.backup()
    assert.equal(run.state, 'succeeded')
    await assertWorld(world)
  })
})
