import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../src/core/faults.ts'
import type { Source } from '../../src/sources/source.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { createProcesses } from '../../src/sys/process.ts'
import { assertHidden, recordCommands, recordFaults, witnessed } from './witness.ts'

const running = { signal: new AbortController().signal, runId: 'run-of-nobody', said: () => undefined }

test('a password among the arguments of any program that was started is seen', async () => {
  const witness = witnessed()
  const processes = recordCommands(createProcesses(process.env, systemClock), witness)
  await processes.output({ argv: ['true', '--password=pa55'] }, running)
  const stages = [{ argv: ['true'] }, { argv: ['true', 'postgres://u:w0rd@h'] }]
  await processes.join({ stages, input: null, output: null }, running)
  assert.throws(() => assertHidden(witness, ['pa55']), /arguments of true/)
  assert.throws(() => assertHidden(witness, ['w0rd']), /arguments of true/)
  assertHidden(witness, ['elsewhere'])
})

test('a password in the environment of a program is where it belongs', async () => {
  const witness = witnessed()
  const processes = recordCommands(createProcesses(process.env, systemClock), witness)
  await processes.output({ argv: ['true'], env: { PGPASSWORD: 'pa55' } }, running)
  assertHidden(witness, ['pa55'])
})

test('a password in a fault, its hint or a line that was said is seen', async () => {
  for (const fault of [
    new Fault('tool-failed', 'it said pa55'),
    new Fault('tool-failed', 'x', { hint: 'pa55' }),
  ]) {
    const witness = witnessed()
    const source = recordFaults({ series: () => Promise.reject(fault) } as unknown as Source, witness)
    await assert.rejects(source.series(running.signal), (error) => error === fault)
    assert.throws(() => assertHidden(witness, ['pa55']), /a fault holds the secret/)
  }
  assert.throws(() => assertHidden({ ...witnessed(), said: ['tool: pa55'] }, ['pa55']), /was said holds it/)
})
