import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findings } from '../../../src/engine/drill/judge.ts'

test('other counts by other programs are a doubt about the engine that was drilled', () => {
  const found = {
    server: 'a server of its own',
    storage: 'disk',
    expected: [],
    restored: [],
    objects: { expected: { views: 2 }, found: { views: 1 }, alike: false },
    checks: [],
    restoreMs: 1,
    notes: [],
  }
  const { verdict, why, discreet } = findings(found, null, 'MySQL or MariaDB')
  assert.equal(verdict, 'inconclusive')
  for (const words of [why, discreet]) assert.match(words!, /another version of MySQL or MariaDB may count/)
})
