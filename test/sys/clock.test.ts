import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { systemClock } from '../../src/sys/clock.ts'

test('a sleep ends by itself and leaves no listener on its signal', async () => {
  const { signal } = new AbortController()
  const before = systemClock.monotonic()
  await systemClock.sleep(15, signal)
  assert.ok(systemClock.monotonic() - before >= 14)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('a sleep ends at once with the reason of its signal', async () => {
  const cancel = new AbortController()
  const asleep = systemClock.sleep(60_000, cancel.signal)
  cancel.abort(new Error('wake up'))
  await assert.rejects(asleep, /wake up/)
  await assert.rejects(systemClock.sleep(60_000, cancel.signal), /wake up/)
})

test('a sleep that is longer than any timer, about 25 days, does not end at once', async () => {
  const cancel = new AbortController()
  const asleep = systemClock.sleep(3e9, cancel.signal).then(() => 'over')
  await systemClock.sleep(50)
  cancel.abort(new Error('wake up'))
  await assert.rejects(asleep, /wake up/)
})

test('a sleep that is longer than any timer ends when all of it is over, and can be ended until then', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const dayMs = 24 * 60 * 60_000
  const cancel = new AbortController()
  let woke = ''
  const asleep = systemClock.sleep(60 * dayMs).then(() => (woke += 'first'))
  const ended = systemClock.sleep(60 * dayMs, cancel.signal)
  for (let day = 0; day < 59; day++) t.mock.timers.tick(dayMs)
  await Promise.resolve()
  assert.equal(woke, '')
  cancel.abort(new Error('wake up'))
  await assert.rejects(ended, /wake up/)
  t.mock.timers.tick(2 * dayMs) // a mocked tick counts what is set within it from its end
  await asleep
  assert.equal(woke, 'first')
})
