import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createScheduler } from '../../src/engine/scheduler.ts'
import { tellBack, tellStarted, tellStopped } from '../../src/engine/silence.ts'
import { fakeClock } from '../support/clock.ts'
import { makeWorld, type World } from '../support/world.ts'

const hour = 3_600_000

async function notices({ notifier, deliver }: World): Promise<string[]> {
  await deliver()
  return notifier.posts.flatMap(({ shown }) => {
    const { body, audience } = shown.at(-1)!
    return body.type === 'notice' ? [`${audience}: ${body.title}. ${body.text}`] : []
  })
}

test('who was down says for how long, and what is caught up', async (t) => {
  const clock = fakeClock(Date.parse('2026-11-20T06:30:00Z'))
  const strategies = { shop: { schedule: '1h' }, crm: { schedule: '1h' } }
  const world = await makeWorld(t, { clock, strategies })
  const { context } = world
  await createScheduler(context, () => {}).tick()
  await clock.advance(3 * hour)
  const startedAt = clock.now()
  await createScheduler(context, () => {}).tick()
  const gap = { key: 'Q1', lengthMs: 3 * hour + 20_000, wasAlive: false, startedAt }
  await tellBack(context, gap)
  await tellBack(context, gap) // killed before that was noted
  assert.deepEqual(await notices(world), [
    `failure: easy-backup on ${context.host} is back after 3 h. 6 slots were missed; one catch-up backup each for 2 strategies.`,
  ])
})

test('a stop on purpose is said once, and its end is an edit', async (t) => {
  const world = await makeWorld(t, { clock: fakeClock() })
  const { context } = world
  await tellStarted(context)
  await tellStopped(context)
  assert.match((await notices(world))[0]!, /was stopped on purpose\. No backup runs/)
  await tellStarted(context)
  const [said, ...others] = await notices(world)
  assert.match(said!, /was stopped on purpose, and is back after/)
  assert.deepEqual(others, [])
})

test('a pass that can follow no schedule is no beat', async (t) => {
  let isBroken = false
  const world = await makeWorld(t, {
    strategies: { shop: { schedule: '1h' } },
    adjust: (context) => ({
      ...context,
      database: {
        ...context.database,
        get read() {
          if (isBroken) throw new Error('the state cannot be read')
          return context.database.read
        },
      },
    }),
  })
  let beats = 0
  world.context.bus.watch(({ type }) => void (beats += Number(type === 'beat')))
  const scheduler = createScheduler(world.context, () => {})
  await scheduler.tick()
  assert.equal(beats, 1)
  isBroken = true
  await scheduler.tick()
  assert.equal(beats, 1)
  isBroken = false
  await scheduler.tick()
  assert.equal(beats, 2)
})
