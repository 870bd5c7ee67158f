import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import type { App } from '../../src/cli/app-contract.ts'
import { follow } from '../../src/cli/follow.ts'
import type { Session } from '../../src/cli/session.ts'
import { run } from '../slack/samples.ts'

/** What a pipeline's log shows of a run that is looked at every `every` ms. */
async function logOf(looks: number, every: number): Promise<string[]> {
  let now = 0
  let said = ''
  const stderr = { write: (text: string) => (said += text) }
  const terminal = {
    stdout: new PassThrough(),
    stderr,
    drawsProgress: false,
    width: null,
    colours: { stdout: false, stderr: false },
    onInterrupt: () => () => undefined,
  }
  const running = run({ state: 'running', endedAt: null, backup: null })
  async function* watch() {
    for (let look = 0; look < looks; look++) {
      now += every
      const progress = {
        stage: 'dump',
        bytes: now,
        expectedBytes: null,
        bytesPerSecond: null,
        remainingMs: null,
      }
      yield { ...running, progress }
    }
    yield run({ state: 'succeeded' })
  }
  const app = { clock: { monotonic: () => now, now: () => now }, engine: { watch } }
  const session = { terminal, globals: { config: null, json: false, verbose: false } }
  assert.equal(await follow(session as unknown as Session, app as unknown as App, [running]), 0)
  return said.trim().split('\n')
}

test('a pipeline that waits reads a line when it starts, and one now and then, whatever the looks', async () => {
  assert.equal((await logOf(20, 1_000)).length, 1)
  const lines = await logOf(300, 1_000)
  assert.equal(lines.length, 11)
  for (const line of lines) assert.equal(stripVTControlCharacters(line).replace('\r', ''), line)
  assert.match(lines.at(-1)!, /dump and upload/)
})
