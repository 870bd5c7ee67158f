import assert from 'node:assert/strict'
import { test } from 'node:test'
import { warned } from '../../src/engine/doctor.ts'

test('a warning of the configuration is told in parts, and what to do about it by itself', () => {
  const drills = 'drills of payroll cannot decrypt its backups, and will be inconclusive'
  const { text, hint } = warned(
    `easy-backup.yml:75:12  strategies[4].drill  ${drills}  drills need encryption.identity_file`,
  )
  assert.equal(text, `easy-backup.yml:75:12 · strategies[4].drill · ${drills}`)
  assert.equal(hint, 'drills need encryption.identity_file')
  assert.deepEqual([warned('as it is').text, warned('as it is').hint], ['as it is', null])
})
