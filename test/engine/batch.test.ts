import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { serviceActor } from '../../src/core/model.ts'
import type { BatchView, Message } from '../../src/core/messages.ts'
import { admitBackup } from '../../src/engine/admit.ts'
import { mostApart } from '../../src/core/messages.ts'
import { batchLimits } from '../../src/engine/batch.ts'
import { messagesUnder } from '../../src/state/messages.ts'
import { makeWorld, type World, type WorldOptions } from '../support/world.ts'

const names = (count: number, length = 0): string[] =>
  Array.from({ length: count }, (_, index) => `s${index}`.padEnd(length, 'x'))

async function night(t: TestContext, all: string[], options: WorldOptions = {}): Promise<World> {
  return makeWorld(t, { strategies: Object.fromEntries(all.map((name) => [name, {}])), ...options })
}

async function start(
  { context, config }: World,
  name: string,
  trigger: 'schedule' | 'catch-up' | 'person' = 'schedule',
): Promise<string> {
  const strategy = config.strategies.find((one) => one.name === name)!
  return context.database.write((tx) =>
    admitBackup(context, tx, strategy, { trigger, actor: serviceActor, slotAt: null }),
  )
}

async function batches({ context }: World): Promise<BatchView[]> {
  const found = await messagesUnder(context.database.read, 'batch/')
  return found.flatMap(({ body }) => (body.type === 'batch' ? [body.batch] : []))
}

async function cards({ context }: World): Promise<Message[]> {
  return (await messagesUnder(context.database.read, 'run/')).filter(({ body }) => body.type === 'run.card')
}

test('eight scheduled starts have a thread each; the ninth makes them one message', async (t) => {
  const all = names(mostApart + 1)
  const world = await night(t, all)
  for (const name of all.slice(0, mostApart)) await start(world, name)
  assert.deepEqual(await batches(world), [])
  await start(world, all.at(-1)!)
  const [batch] = await batches(world)
  assert.deepEqual(batch!.lines.map(({ strategy }) => strategy).toSorted(), all.toSorted())
  for (const { body } of await cards(world))
    assert.ok(body.type === 'run.card' && body.run.batch !== undefined)
})

test('what people asked for is never part of a batch', async (t) => {
  const all = names(12)
  const world = await night(t, all)
  for (const name of all) await start(world, name, 'person')
  assert.deepEqual(await batches(world), [])
})

test('a start that was seen before the ninth keeps its thread', async (t) => {
  const all = names(12)
  const world = await night(t, all)
  await start(world, all[0]!)
  await world.deliver()
  for (const name of all.slice(1)) await start(world, name)
  const [batch] = await batches(world)
  assert.equal(batch!.lines.length, 11)
  assert.ok(!batch!.lines.some(({ strategy }) => strategy === all[0]))
})

test('a run that began before the ninth start is told by its line only', async (t) => {
  const all = names(12)
  const world = await night(t, all)
  const first = await start(world, all[0]!)
  const done = world.finish(first) // it may be anywhere while the others are accepted
  for (const name of all.slice(1)) await start(world, name)
  await done
  for (const { body } of await messagesUnder(world.context.database.read, `run/${first}/`))
    assert.ok('run' in body && body.run.batch !== undefined)
})

test('each channel counts for itself', async (t) => {
  const strategies = Object.fromEntries(
    names(20).map((name, index) => [name, index % 2 ? { slack: { channel_id: 'C0OTHERS01' } } : {}]),
  )
  const world = await night(t, [], { strategies })
  for (const name of names(16)) await start(world, name)
  assert.deepEqual(await batches(world), [])
  for (const name of names(20).slice(16)) await start(world, name)
  assert.deepEqual(
    (await batches(world)).map(({ lines }) => lines.length),
    [10, 10],
  )
})

test('a batch takes no more than one message shows, and what is more begins another', async (t) => {
  const all = names(120, 60)
  const world = await night(t, all)
  for (const name of all) await start(world, name)
  const found = await batches(world)
  assert.equal(found.length, 2)
  assert.equal(found.flatMap(({ lines }) => lines).length + apart(await cards(world)), 120)
  for (const { lines } of found)
    assert.ok(lines.reduce((sum, { strategy }) => sum + strategy.length + batchLimits.perLine, 0) <= batchLimits.characters) // prettier-ignore
})

function apart(told: Message[]): number {
  return told.filter(({ body }) => body.type === 'run.card' && body.run.batch === undefined).length
}

test('each end is its line of the batch; failures are below it, and people are called by one incident', async (t) => {
  const all = names(12)
  const strategies = Object.fromEntries(
    all.map((name, index) => [name, index < 10 ? { database_url: `sqlite:///nowhere/${name}.db` } : {}]),
  )
  const world = await night(t, [], { strategies })
  const runs: string[] = []
  for (const name of all) runs.push(await start(world, name))
  for (const run of runs) await world.finish(run)
  const [batch] = await batches(world)
  assert.deepEqual(
    batch!.lines.map(({ state }) => state),
    [...Array.from({ length: 10 }, () => 'failed'), 'succeeded', 'succeeded'],
  )
  const alarms = (await messagesUnder(world.context.database.read, 'run/')).filter(
    ({ body }) => body.type === 'run.alarm',
  )
  assert.equal(alarms.length, 10)
  assert.ok(alarms.every(({ parent, body }) => parent?.startsWith('batch/') && 'quiet' in body))
  const open = await world.engine.incidents()
  assert.deepEqual(
    open.map(({ kind, troubled }) => [kind, troubled]),
    [['shared', 10]],
  )
})
