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
