import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { isAgeRecipient, newAgeIdentity, readAgeIdentities } from '../../src/core/age-keys.ts'

// from the age specification's own examples
const known = 'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj'

test('the checksum of a public key finds every letter that was mistyped', () => {
  assert.ok(isAgeRecipient(known))
  for (let at = 4; at < known.length; at++) {
    const letter = known[at] === 'q' ? 'p' : 'q'
    assert.ok(!isAgeRecipient(known.slice(0, at) + letter + known.slice(at + 1)), `letter ${at}`)
  }
  for (const wrong of [known.toUpperCase(), known.slice(0, -1), '', 'age1', `${known}\n`])
    assert.ok(!isAgeRecipient(wrong), wrong)
})

test('a key made here is one that age knows, and its public half is the one that age computes', (t) => {
  const { secret, recipient } = newAgeIdentity()
  assert.ok(isAgeRecipient(recipient))
  assert.deepEqual(readAgeIdentities(`# x\n\n${secret}\r\n`), [{ secret, recipient }])
  try {
    assert.equal(execFileSync('age-keygen', ['-y'], { input: secret }).toString().trim(), recipient)
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return t.skip('age is not installed')
    throw error
  }
})

test('a line that is no key spoils an identity file', () => {
  assert.equal(readAgeIdentities(`${newAgeIdentity().secret}\nhello`), null)
  assert.equal(readAgeIdentities(known), null)
  assert.deepEqual(readAgeIdentities('# nothing'), [])
})
