import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replacedFacts } from '../../src/commands/replaced.ts'
import type { SwapView } from '../../src/core/model.ts'

const swap: SwapView = {
  run: 'r1',
  strategy: 'shop',
  endpoint: 'db-1:5432',
  name: 'shop',
  inPlace: 'new',
  kept: 'shop_before_20261120_060000',
  until: Date.parse('2026-11-21T06:00:00Z'),
  version: 1,
  safety: null,
}

test('of two restores in place only the newest says what is in place now', () => {
  const replaced = [
    swap,
    { ...swap, run: 'r2', kept: 'shop_before_20261120_070000' },
    { ...swap, run: 'r3', name: 'crm', kept: 'crm_before_20261120_050000' },
  ]
  const said = replacedFacts({ replaced, timezone: 'Europe/Paris' }).map(({ cell }) =>
    cell.kind === 'text' ? cell.text : '',
  )
  assert.equal(
    said[0],
    'an older shop is kept as shop_before_20261120_060000 until 21 Nov 2026, 07:00; it was replaced again since',
  )
  assert.match(said[1]!, /^shop is the restored database; .* kept as shop_before_20261120_070000 .*`undo r2`/)
  assert.match(said[2]!, /^crm is the restored database; /)
})
