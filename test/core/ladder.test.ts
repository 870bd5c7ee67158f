import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rungOf, type Weight } from '../../src/core/ladder.ts'

/** Product §6, row by row: what is asked for → who may ask, what they have to say, and whether somebody else has to agree. */
const rows: [of: string, weight: Partial<Weight>, rung: string][] = [
  ['a restore beside', {}, 'restore'],
  ['the same of a protected strategy', { isProtected: true }, 'restore'],
  ['in place', { overwrites: 'own' }, 'restore typed'],
  ['over a foreign target', { overwrites: 'foreign' }, 'admin typed'],
  ['in place of a protected one', { overwrites: 'own', isProtected: true }, 'restore typed reason second'],
  [
    'protected, over a foreign one',
    { overwrites: 'foreign', isProtected: true },
    'admin typed reason second',
  ],
  ['a prune', { kind: 'prune' }, 'admin'],
  ['a mass delete', { kind: 'prune', isMass: true }, 'admin'],
  ['a prune of a protected strategy', { kind: 'prune', isProtected: true }, 'admin'],
  ['a mass delete there', { kind: 'prune', isMass: true, isProtected: true }, 'admin second'],
  ['an unpin', { kind: 'unpin' }, 'admin'],
  ['an unpin there', { kind: 'unpin', isProtected: true }, 'admin second'],
  ['a weaker retention', { kind: 'retention' }, 'admin'],
  ['a weaker retention there', { kind: 'retention', isProtected: true }, 'admin second'],
]

for (const [of, weight, wanted] of rows)
  test(`${of} needs: ${wanted}`, () => {
    const usual = { kind: 'restore', overwrites: 'nothing', isMass: false, isProtected: false } as const
    const { role, ...says } = rungOf({ ...usual, ...weight })
    const words = Object.entries(says).flatMap(([word, isWanted]) => (isWanted ? [word] : []))
    assert.equal([role, ...words].join(' '), wanted)
  })
