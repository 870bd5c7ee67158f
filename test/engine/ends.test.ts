import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { Storage } from '../../src/storages/storage.ts'
import { strays } from '../../src/sys/strays.ts'
import { dam, until } from '../support/dam.ts'
import { fastClock } from '../support/fast-clock.ts'
import { startPostgres } from '../support/postgres.ts'
import { misbehaviour, stubTool } from '../support/stub-tools.ts'
import { fillSample, makeWorld, makeWorldFolder, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

async function accept(world: World, strategy: string): Promise<string> {
  return (await world.engine.startBackup(strategy, { trigger: 'person', actor: person })).id
}

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
    let isStored = false
    let refusals = 0
    const world = await makeWorld(t, {
      adjust: (context) => ({
        ...context,
        storages: new Map(
          [...context.storages].map(([name, storage]): [string, Storage] => [
            name,
            {
              ...storage,
              put: async (key, spool, options) => {
                const receipt = await storage.put(key, spool, options)
                isStored ||= key.endsWith('/manifest.json')
                return receipt
              },
            },
          ]),
        ),
        database: {
          ...context.database,
          write: (work) =>
            isStored && refusals++ < 5
              ? Promise.reject(new Error('database or disk is full'))
              : context.database.write(work),
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
