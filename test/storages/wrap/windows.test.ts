import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { readInWindows, type AskedWindow } from '../../../src/storages/wrap/windows.ts'

const mib = 1024 * 1024

test('a reader that leaves ends the call that was on its way for it', async () => {
  const asked: AskedWindow[] = []
  const stream = await readInWindows({
    signal: new AbortController().signal,
    async fetch(window) {
      asked.push(window)
      if (window.start > 0) await once(window.signal, 'abort') // as a server that never answers
      window.signal.throwIfAborted()
      return { bytes: Buffer.alloc(4 * mib), total: 9 * mib, version: '1' }
    },
  })
  stream.once('data', () => stream.destroy())
  await once(stream, 'close')
  assert.deepEqual(
    asked.map(({ start, signal }) => [start, signal.aborted]),
    [
      [0, true],
      [4 * mib, true],
    ],
  )
})
