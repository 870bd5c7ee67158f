import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createPulse, type Pulse } from '../../src/engine/pulse.ts'
import { fakeClock } from '../support/clock.ts'

const stallMs = 10_000

interface Bench {
  pulse: Pulse
  after: (ms: number) => Promise<void>
}

function makePulse(t: TestContext, ticks: () => number = () => 0): Bench {
  const clock = fakeClock()
  const options = { stallMs, expectedBytes: null, onBeat: () => undefined, processorTicks: ticks }
  const pulse = createPulse(clock, options)
  t.after(() => pulse.stop())
  return { pulse, after: clock.advance }
}

for (const stage of ['dump', 'restore', 'check'] as const)
  test(`${stage}: where nothing moves and nobody works, it stands still`, async (t) => {
    const { pulse, after } = makePulse(t)
    pulse.stage(stage)
    await after(3 * stallMs)
    assert.match(String(pulse.stalled.reason), /nothing moved for 10 s/)
  })

test('a server that works for the run is a sign of life, for as long as it works', async (t) => {
  const { pulse, after } = makePulse(t)
  let works = true
  let asked = 0
  pulse.stage('restore')
  pulse.watch(() => {
    asked++
    return Promise.resolve(works)
  })
  await after(5 * stallMs)
  assert.equal(pulse.stalled.aborted, false)
  assert.ok(asked >= 3, `asked ${asked} times`)
  works = false
  await after(3 * stallMs)
  assert.equal(pulse.stalled.aborted, true)
})

test('while bytes move, nobody is asked', async (t) => {
  const { pulse, after } = makePulse(t)
  let asked = 0
  pulse.watch(() => Promise.resolve(++asked > 0))
  for (let bytes = 1; bytes < 20; bytes++) {
    pulse.moved('fetch', bytes)
    await after(stallMs / 5)
  }
  assert.equal(asked, 0)
})

test('a server that cannot be asked is no sign of life; programs that compute are', async (t) => {
  const away = makePulse(t)
  away.pulse.watch(() => Promise.reject(new Error('away')))
  await away.after(3 * stallMs)
  assert.equal(away.pulse.stalled.aborted, true)
  let ticks = 0
  const busy = makePulse(t, () => ++ticks)
  busy.pulse.stage('check')
  await busy.after(3 * stallMs)
  assert.equal(busy.pulse.stalled.aborted, false)
})
