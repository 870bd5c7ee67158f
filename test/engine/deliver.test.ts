import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import type { Message } from '../../src/core/messages.ts'
import { deliverOnce, deliverUntil } from '../../src/engine/deliver.ts'
import type { EngineContext } from '../../src/engine/context.ts'
import type { Database } from '../../src/state/database.ts'
import { countOwed, owe } from '../../src/state/messages.ts'
import { fakeClock, type FakeClock } from '../support/clock.ts'
import { recordingNotifier, type RecordingNotifier } from '../support/recording-notifier.ts'
import { makeWorld, type World } from '../support/world.ts'

const quiet = new AbortController().signal
const minute = 60_000

interface Scene {
  world: World
  clock: FakeClock
  notifier: RecordingNotifier
  /** Says something under a key, as an engine's transaction does. */
  say(key: string, text: string, more?: { parent?: string; priority?: number }): Promise<void>
  /** Delivers for this long, looking every second. */
  pass(ms: number): Promise<void>
}

async function scene(t: TestContext, notifier = recordingNotifier()): Promise<Scene> {
  const clock = fakeClock()
  const world = await makeWorld(t, { clock })
  const { context } = world
  return {
    world,
    clock,
    notifier,
    say: async (key, text, { parent = null, priority = 3 } = {} as never) =>
      context.database.write((tx) =>
        owe(
          tx,
          {
            key,
            strategy: 'shop',
            audience: 'default',
            parent: parent ?? null,
            priority: priority ?? 3,
            body: { type: 'notice', title: key, text, urgent: false },
          },
          clock.now(),
        ),
      ),
    pass: async (ms) => {
      for (const until = clock.monotonic() + ms; ; await clock.advance(1_000)) {
        while ((await deliverOnce(context, notifier, quiet)) > 0);
        if (clock.monotonic() >= until) return
      }
    },
  }
}

const textOf = (message: Message): string => (message.body.type === 'notice' ? message.body.text : '')
const shown = ({ notifier }: Scene, key: string): string[] => notifier.seen(key).map(textOf)

suite('what people are owed is shown (promise 3)', () => {
  test('one post per key, then edits of it', async (t) => {
    const here = await scene(t)
    await here.say('a', 'one')
    await here.pass(0)
    await here.say('a', 'two')
    await here.say('a', 'two')
    await here.pass(0)
    await here.pass(10 * minute)
    assert.deepEqual(
      here.notifier.calls.map(({ edit }) => edit),
      [false, true],
    )
    assert.deepEqual(shown(here, 'a'), ['two'])
  })

  test('a place that is told for the first time hears of today, not of the months before', async (t) => {
    const here = await scene(t)
    const { context } = here.world
    await here.say('a', 'last month')
    await here.clock.advance(30 * 24 * 60 * minute)
    await here.say('b', 'a moment ago')
    context.notifiers = () => Promise.resolve([here.notifier])
    for (const text of ['c', 'd']) {
      const over = new AbortController()
      const telling = deliverUntil(context, over.signal)
      await here.clock.advance(minute)
      over.abort(new Error('stopped'))
      await telling
      await here.say(text, text)
      await here.clock.advance(2 * 24 * 60 * minute) // a service that is away for long owes all the same
    }
    await here.pass(0)
    assert.deepEqual(
      here.notifier.posts.map((post) => post.key),
      ['b', 'c', 'd'],
    )
    await here.say('a', 'news of the old')
    await here.pass(0)
    assert.deepEqual(shown(here, 'a'), ['news of the old'])
  })

  test('an outage of six hours ends in one post of the newest', async (t) => {
    const here = await scene(t)
    here.notifier.trouble = () => ({ outcome: 'later' })
    for (let hour = 0; hour < 6; hour++) {
      await here.say('a', `hour ${hour}`)
      await here.pass(10 * minute)
    }
    here.notifier.trouble = null
    await here.pass(2 * minute)
    assert.equal(here.notifier.posts.length, 1)
    assert.deepEqual(here.notifier.posts[0]!.shown.map(textOf), ['hour 5'])
    assert.ok(here.notifier.calls.length < 100, `${here.notifier.calls.length} calls in an hour`)
  })

  test('a post whose outcome is unknown is made once more, not twice', async (t) => {
    const here = await scene(t)
    here.notifier.trouble = () => ({ outcome: 'unknown', arrived: true })
    await here.say('a', 'one')
    await here.pass(60 * minute)
    assert.equal(here.notifier.calls.length, 2)
    assert.equal(here.notifier.posts.length, 2)
  })

  test('where every answer is lost, a message that changes all the time is not posted all the time', async (t) => {
    const here = await scene(t)
    here.notifier.trouble = () => ({ outcome: 'unknown', arrived: true })
    for (let step = 0; step < 360; step++) {
      await here.say('a', `step ${step}`)
      await here.pass(10_000)
    }
    assert.ok(here.notifier.posts.length <= 8, `${here.notifier.posts.length} posts in an hour`)
    here.notifier.trouble = null
    await here.say('a', 'the end')
    await here.pass(61 * minute)
    assert.equal(textOf(here.notifier.posts.at(-1)!.shown.at(-1)!), 'the end')
  })

  test('an edit whose outcome is unknown is made until it is known', async (t) => {
    const here = await scene(t)
    await here.say('a', 'one')
    await here.pass(0)
    here.notifier.trouble = () => ({ outcome: 'unknown' })
    await here.say('a', 'the end')
    await here.pass(10 * minute)
    here.notifier.trouble = null
    await here.pass(2 * minute)
    assert.equal(here.notifier.posts.length, 1)
    assert.deepEqual(shown(here, 'a'), ['the end'])
  })

  test('later means not before the time that was asked for', async (t) => {
    const here = await scene(t)
    here.notifier.trouble = () => ({ outcome: 'later', retryAfterMs: 5 * minute })
    await here.say('a', 'one')
    await here.pass(0)
    here.notifier.trouble = null
    await here.pass(5 * minute - 1_000)
    assert.deepEqual(shown(here, 'a'), [])
    await here.pass(2_000)
    assert.deepEqual(shown(here, 'a'), ['one'])
  })

  test('a fraction of a millisecond to wait stops no delivery', async (t) => {
    const here = await scene(t)
    here.notifier.trouble = () => ({ outcome: 'later', retryAfterMs: 1000.25 })
    await here.say('a', 'one')
    await here.pass(0)
    here.notifier.trouble = null
    await here.pass(2_000)
    assert.deepEqual(shown(here, 'a'), ['one'])
  })

  test('a clock that was ahead keeps no message waiting for years', async (t) => {
    const here = await scene(t)
    const now = here.clock.now()
    here.clock.jump(now + 10 * 365 * 24 * 60 * minute)
    here.notifier.trouble = () => ({ outcome: 'later' })
    await here.say('a', 'one')
    await here.pass(0)
    here.notifier.trouble = null
    here.clock.jump(now)
    await here.pass(0)
    assert.deepEqual(shown(here, 'a'), ['one'])
  })

  test('what somebody deleted is posted again', async (t) => {
    const here = await scene(t)
    await here.say('a', 'one')
    await here.pass(0)
    here.notifier.remove('a')
    await here.say('a', 'two')
    await here.pass(minute)
    assert.deepEqual(shown(here, 'a'), ['two'])
  })

  test('a notifier with a defect is tried twice, and blocks nothing', async (t) => {
    const here = await scene(t)
    here.notifier.trouble = (message) => {
      if (message.key === 'bad') throw new TypeError('cannot draw this')
      return null
    }
    await here.say('bad', 'one', { priority: 0 })
    await here.say('good', 'one')
    await here.pass(10 * minute)
    assert.deepEqual(shown(here, 'good'), ['one'])
    assert.equal(await countOwed(here.world.context.database.read, here.notifier.kind), 0)
  })
})

suite('in which order', () => {
  test('a parent comes before its child, whatever is more urgent', async (t) => {
    const here = await scene(t)
    await here.say('alarm', 'failed', { parent: 'card', priority: 1 })
    await here.say('card', 'started', { priority: 4 })
    await here.pass(0)
    assert.deepEqual(
      here.notifier.posts.map(({ key }) => key),
      ['card', 'alarm'],
    )
    assert.equal(here.notifier.posts[1]!.parent, here.notifier.posts[0]!.receipt)
  })

  test('under pressure the more urgent goes first', async (t) => {
    const here = await scene(t)
    for (const priority of [4, 3, 2, 1, 0]) await here.say(`p${priority}`, 'x', { priority })
    await here.pass(0)
    assert.deepEqual(
      here.notifier.calls.map(({ key }) => key),
      ['p0', 'p1', 'p2', 'p3', 'p4'],
    )
  })

  test('what is refused never blocks others, nor what belongs below it', async (t) => {
    const here = await scene(t)
    here.notifier.trouble = (message) =>
      message.key === 'card' ? { outcome: 'refused', detail: 'channel_not_found' } : null
    await here.say('card', 'started', { priority: 0 })
    await here.say('alarm', 'failed', { parent: 'card' })
    await here.say('other', 'x', { priority: 4 })
    await here.pass(minute)
    assert.deepEqual(shown(here, 'alarm'), ['failed'])
    assert.deepEqual(shown(here, 'other'), ['x'])
    assert.equal(here.notifier.calls.filter(({ key }) => key === 'card').length, 1)
  })

  test('an alarm reaches a notifier that does not want the card above it', async (t) => {
    const here = await scene(t, recordingNotifier({ kind: 'pager', wants: ({ key }) => key === 'alarm' }))
    await here.say('card', 'started')
    await here.say('alarm', 'failed', { parent: 'card' })
    await here.pass(0)
    assert.deepEqual(shown(here, 'alarm'), ['failed'])
  })
})

test('an answer that cannot be written is not asked for again: nothing is posted twice', async (t) => {
  const here = await scene(t)
  let isFull = true
  const { database } = here.world.context
  const full: Database = {
    ...database,
    write: (work) => (isFull ? Promise.reject(new Error('database or disk is full')) : database.write(work)),
  }
  const context: EngineContext = {
    ...here.world.context,
    database: full,
    notifiers: () => Promise.resolve([here.notifier]),
  }
  await here.say('a', 'one')
  const stop = new AbortController()
  const telling = deliverUntil(context, stop.signal)
  await here.clock.advance(5 * minute)
  isFull = false
  await here.clock.advance(minute)
  stop.abort()
  await telling
  assert.equal(here.notifier.posts.length, 1)
  assert.equal(await countOwed(database.read, here.notifier.kind), 0)
})
