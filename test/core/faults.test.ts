import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asFault, Fault, faultFacts, faultTable } from '../../src/core/faults.ts'

test('each fault has its own exit code, which a shell can pass on', () => {
  const exits = Object.values(faultTable).map(({ exit }) => exit)
  assert.equal(new Set(exits).size, exits.length)
  for (const exit of exits) assert.ok(exit > 0 && exit < 126, `${exit}`) // from 126 on, shells have their own meanings
})

test('what a fault means is said in plain lower-case words without full stop', () => {
  for (const { means } of Object.values(faultTable)) assert.match(means, /^[a-zS].*[^.]$/)
})

test('what can never succeed is not tried again', () => {
  for (const code of [
    'database-refused',
    'database-missing',
    'storage-denied',
    'disk-full',
    'config-invalid',
  ] as const)
    assert.equal(new Fault(code, 'x').retry, false, code)
  for (const code of ['storage-unreachable', 'database-unreachable', 'stalled', 'dump-failed'] as const)
    assert.equal(new Fault(code, 'x').retry, true, code)
  assert.equal(new Fault('dump-failed', 'x', { retry: false }).retry, false)
})

test('a fault keeps its hint and cause, and becomes plain JSON', () => {
  const cause = new Error('why')
  const fault = new Fault('disk-full', 'no room', { hint: 'make room', cause })
  assert.equal(fault.cause, cause)
  assert.equal(asFault(fault), fault)
  assert.deepEqual(JSON.parse(JSON.stringify(faultFacts(fault))), {
    code: 'disk-full',
    text: 'no room',
    hint: 'make room',
  })
})

test('anything else that is thrown becomes a defect with words', () => {
  for (const [thrown, text] of [
    [new Error('odd'), 'odd'],
    ['odd', 'odd'],
    [undefined, 'undefined'],
    [new Error(''), 'unknown error'],
  ] as const)
    // prettier-ignore
    assert.deepEqual(faultFacts(thrown), { code: 'internal', text, hint: null })
})
