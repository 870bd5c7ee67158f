import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createBacklog } from '../../../../src/sources/postgres/directory/backlog.ts'
import { createBrake } from '../../../../src/sys/brake.ts'
import { systemClock } from '../../../../src/sys/clock.ts'
import { createProcesses } from '../../../../src/sys/process.ts'
import { temporary } from '../../../contracts/source.ts'
import { until } from '../../../support/bot.ts'

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, fail) =>
    signal.addEventListener('abort', () => fail(signal.reason as Error), { once: true }),
  )

test(
  'a producer waits while too much of what it made is not taken yet, and ends when it is told to',
  { timeout: 60_000 },
  async (t) => {
    const folder = await temporary(t)
    for (const name of ['1.dat', '2.dat', '3.dat']) await writeFile(join(folder, name), Buffer.alloc(400))
    const brake = createBrake()
    const backlog = createBacklog(folder, brake, 1_000)
    const over = new AbortController()
    over.signal.addEventListener('abort', brake.release)
    let pid = 0
    const started = (id: number): void => {
      pid = id
      brake.started(id)
    }
    const state = (): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]![0]!
    // nobody kills it: TERM alone has to do
    const patient = { ...systemClock, sleep: (_ms: number, signal?: AbortSignal) => aborted(signal!) }
    const processes = createProcesses(process.env, patient)
    const running = { signal: over.signal, runId: 'r1', said: () => undefined }
    const producing = processes.join(
      { stages: [{ argv: ['sleep', '60'], started }], input: null, output: null },
      running,
    )
    await until(() => pid !== 0, 'it has started')
    backlog.add('1')
    backlog.add('2')
    assert.notEqual(state(), 'T')
    backlog.add('3')
    await until(() => state() === 'T', 'it is held')
    backlog.taken('1.dat')
    await until(() => state() !== 'T', 'it goes on')
    backlog.add('1')
    await until(() => state() === 'T', 'it is held again')
    over.abort(new Error('cancelled'))
    await assert.rejects(producing, /cancelled/)
    backlog.taken('1.dat') // of a program that is gone: nothing happens
  },
)
