import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startPlayground, type Playground } from '../../playground/server.ts'
import type { Log } from '../../src/core/log.ts'
import { keepSilence } from '../../src/slack/keep-silence.ts'
import type { Fired, Scheduled, Silence } from '../../src/slack/silence.ts'
import { fakeClock, type FakeClock } from '../support/clock.ts'
import { connectionTo, routing } from './world.ts'

const minute = 60_000
const limitMs = 30 * minute

interface Scene {
  slack: Playground
  clock: FakeClock
  /** What a process knows of what Slack holds; lives on when it is killed. */
  state: Scheduled[]
  fired: Fired[]
  log: string[]
  /** Lets time pass for both. */
  pass(ms: number): Promise<void>
  /** Another process on the same state, or another host with its own. */
  open(host?: string): Silence
  /** A beat, and everything it leads to. */
  beat(silence: Silence): Promise<void>
  said(): string[]
  /** The state is lost. */
  forget(): void
  /** Stops the process between two of its writes. */
  dieAfterWrites: number
}

async function scene(t: TestContext): Promise<Scene> {
  const time = { at: Date.UTC(2026, 10, 20, 6), now: () => time.at }
  const slack = await startPlayground({ clock: time })
  t.after(() => slack.close())
  const clock = fakeClock(time.at)
  const states = new Map<string, Scheduled[]>()
  const here: Scene = {
    slack,
    clock,
    get state() {
      return states.get('db1') ?? []
    },
    fired: [],
    log: [],
    dieAfterWrites: Infinity,
    pass: async (ms) => {
      time.at += ms
      await clock.advance(ms)
      slack.tick()
    },
    open: (host = 'db1') => keepSilence(partsOf(host))!,
    beat: async (silence) => {
      silence.beat()
      const calls = (): number => slack.transcript().length
      for (let before = -1, still = 0; still < 5;) {
        await new Promise((next) => setTimeout(next, 10))
        still = calls() === before ? still + 1 : 0
        before = calls()
      }
    },
    forget: () => states.clear(),
    said: () => slack.messages('C0ALERTS1').map(({ text }) => text.split('\n')[0]!),
  }

  function partsOf(host: string): Parameters<typeof keepSilence>[0] {
    const log: Log = {
      debug: () => undefined,
      info: (text) => void here.log.push(text),
      warn: (text) => void here.log.push(text),
      error: (text) => void here.log.push(text),
      with: () => log,
    }
    return {
      connection: connectionTo(slack, { silenceMs: limitMs }),
      routing: () => routing,
      clock,
      log,
      silence: {
        host,
        mark: `installation ${host}`,
        memory: {
          read: async () => states.get(host) ?? [],
          write: async (scheduled) => {
            if (here.dieAfterWrites-- <= 0) await new Promise(() => undefined) // nothing comes back from the dead
            states.set(host, scheduled)
          },
        },
        onFired: async (fired) => void here.fired.push(fired),
      },
    }
  }
  return here
}

test('one message is scheduled in the channel of failures, and put off by beats', async (t) => {
  const { slack, beat, open, pass, said } = await scene(t)
  const silence = open()
  for (let passes = 0; passes < 4 * 60; passes++) {
    silence.beat() // as often as the scheduler passes
    await pass(15_000)
  }
  await beat(silence)
  const [held, ...others] = slack.scheduled()
  assert.deepEqual([held!.channel, others], ['C0ALERTS1', []])
  assert.ok(held!.postAt * 1000 > Date.UTC(2026, 10, 20, 7, 24))
  assert.equal(held!.metadata, undefined)
  assert.deepEqual(said(), [])
  const calls = slack.transcript('chat.scheduleMessage').length
  assert.ok(calls >= 10 && calls <= 13, `${calls} in an hour`)
})

test('without beats Slack posts it at its time, with the host, since when, and who is to look', async (t) => {
  const { slack, beat, open, pass, said } = await scene(t)
  await beat(open())
  await pass(limitMs - 1000)
  assert.deepEqual(said(), [])
  await pass(2000)
  assert.match(
    said()[0]!,
    /^🚨 <!subteam\^S0DBA0001> \*No heartbeat from easy-backup on db1 since .*06:00 UTC/,
  )
  assert.deepEqual(slack.scheduled(), [])
})

test('who comes back after it was posted says so once, and schedules the next', async (t) => {
  const here = await scene(t)
  await here.beat(here.open())
  await here.pass(42 * minute)
  const back = here.open()
  await here.beat(back)
  await here.pass(6 * minute)
  await here.beat(back)
  assert.deepEqual(
    here.fired.map(({ since, backAt, wasAlive }) => [(backAt - since) / minute, wasAlive]),
    [[42, false]],
  )
  assert.equal(here.slack.scheduled().length, 1)
})

test('a restart within the limit says nothing and leaves one message', async (t) => {
  const here = await scene(t)
  await here.beat(here.open())
  await here.pass(20 * minute)
  await here.beat(here.open())
  await here.pass(20 * minute)
  assert.deepEqual([here.said(), here.fired, here.slack.scheduled().length], [[], [], 1])
})

test('a kill between any two steps leaves no second message after the next start', async (t) => {
  for (const writes of [0, 1, 2, 3]) {
    const here = await scene(t)
    await here.beat(here.open())
    await here.pass(6 * minute)
    here.dieAfterWrites = writes
    await here.beat(here.open())
    here.dieAfterWrites = Infinity
    assert.ok(here.slack.scheduled().length >= 1, 'somebody would hear of it')
    await here.beat(here.open())
    assert.equal(here.slack.scheduled().length, 1, `killed before write ${writes}`)
    assert.deepEqual(
      here.state.map(({ id }) => id),
      here.slack.scheduled().map(({ id }) => id),
    )
    assert.deepEqual(here.fired, [])
  }
})

test('a kill right after the first one was scheduled does not hide that it was posted', async (t) => {
  const here = await scene(t)
  here.dieAfterWrites = 2 // what is known, and what was about to be scheduled
  await here.beat(here.open())
  here.dieAfterWrites = Infinity
  await here.pass(42 * minute)
  assert.equal(here.said().length, 1)
  await here.beat(here.open())
  assert.deepEqual([here.fired.length, here.slack.scheduled().length], [1, 1])
})

test('a wall clock that jumps by an hour, either way, changes nothing', async (t) => {
  for (const hours of [-1, 1]) {
    const here = await scene(t)
    const silence = here.open()
    await here.beat(silence)
    here.clock.jump(here.clock.now() + hours * 60 * minute)
    for (let passes = 0; passes < 12; passes++) {
      await here.pass(5 * minute)
      await here.beat(silence)
    }
    assert.deepEqual([here.said(), here.fired, here.slack.scheduled().length], [[], [], 1])
    const [held] = here.slack.scheduled()
    assert.equal(held!.postAt * 1000, Date.UTC(2026, 10, 20, 7, 30))
  }
})

test('with a lost state what Slack still holds is known by its mark, and taken back', async (t) => {
  const here = await scene(t)
  await here.beat(here.open())
  await here.pass(6 * minute)
  here.forget()
  await here.beat(here.open())
  assert.equal(here.slack.scheduled().length, 1)
})

test('a stop on purpose leaves nothing scheduled, and a later beat schedules nothing', async (t) => {
  const here = await scene(t)
  const silence = here.open()
  await here.beat(silence)
  await silence.end()
  await here.beat(silence)
  assert.deepEqual([here.slack.scheduled(), here.state], [[], []])
})

test('two hosts in one workspace leave each other’s message alone', async (t) => {
  const here = await scene(t)
  const [one, two] = [here.open('db1'), here.open('db2')]
  await here.beat(one)
  await here.beat(two)
  await here.pass(6 * minute)
  await here.beat(one)
  assert.equal(here.slack.scheduled().length, 2)
  await one.end()
  assert.match(here.slack.scheduled()[0]!.text, /on db2 since/)
})

test('while Slack is away it is tried again; when it fired meanwhile, this process says that it lived', async (t) => {
  const here = await scene(t)
  const silence = here.open()
  await here.beat(silence)
  await here.pass(6 * minute)
  here.slack.misbehave({ method: 'chat.scheduledMessages.list', kind: '503', times: Infinity })
  for (let passes = 0; passes < 6; passes++) {
    await here.beat(silence)
    await here.pass(5 * minute)
  }
  assert.equal(here.said().length, 1)
  assert.deepEqual(here.log, ['slack would not say when this service falls silent'])
  here.slack.behave()
  await here.beat(silence)
  assert.deepEqual(
    here.fired.map(({ wasAlive }) => wasAlive),
    [true],
  )
  assert.equal(here.slack.scheduled().length, 1)
  assert.equal(here.log.length, 2)
})

test('what is due within a minute cannot be taken back: it is told when it was posted', async (t) => {
  const here = await scene(t)
  await here.beat(here.open())
  await here.pass(limitMs - 30_000)
  const back = here.open()
  await here.beat(back)
  assert.equal(here.slack.scheduled().length, 2)
  await here.pass(5 * minute)
  await here.beat(back)
  assert.deepEqual([here.said().length, here.fired.length, here.slack.scheduled().length], [1, 1, 1])
})
