import assert from 'node:assert/strict'
import { test } from 'node:test'
import { driftOf } from '../../src/core/drift.ts'
import type { RestorePlan } from '../../src/core/model.ts'
import { request } from '../slack/samples.ts'

const shown = request().plan
const { target, backup } = shown

const changes: [what: string, now: Partial<RestorePlan>, words: RegExp][] = [
  ['another backup', { backup: { ...backup, id: 'other' } }, /^the backup is other now/],
  ['other bytes', { backup: { ...backup, sha256: ['b'] } }, /holds other bytes now$/],
  ['a target that appeared', { target: { ...target, exists: true } }, /exists now, and did not/],
  ['another server or database', { target: { ...target, fingerprint: 'g' } }, /is another database now/],
  ['another name', { target: { ...target, name: 'x' } }, /^the target is x now/],
  ['a target that filled', { target: { ...target, overwritten: true } }, /is no longer empty$/],
  ['other tables', { tables: ['a'] }, /^other tables or owners/],
  ['something nobody thought of', {}, /^the plan is no longer the one that was shown$/],
]

for (const [what, now, words] of changes)
  test(`${what} is said in words`, () => {
    const drift = driftOf(shown, { ...shown, ...now, digest: 'e' })
    assert.equal(drift.length, 1)
    assert.match(drift[0]!, words)
  })

test('sizes, sessions and free space move without voiding anything', () => {
  const moved = { ...shown, freeBytes: 1, target: { ...target, sessions: 9, sizeBytes: 9 } }
  assert.deepEqual(driftOf(shown, moved), [])
})
