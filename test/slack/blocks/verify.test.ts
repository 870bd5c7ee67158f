import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allTable } from '../../../src/commands/verify-words.ts'
import type { RunView } from '../../../src/core/model.ts'
import type { VerifyAllResult } from '../../../src/core/results.ts'
import { runCard } from '../../../src/slack/blocks/run-card.ts'
import { runProgress } from '../../../src/slack/blocks/run-progress.ts'
import { run } from '../samples.ts'

/** `verify --all` of this outcome, ended well. */
function verified(found: Partial<VerifyAllResult>): RunView {
  const none = { backups: 0, copies: 0, bytes: 0, knownBroken: 0, broken: [], unread: [] }
  const verify = { backup: '', level: 'V1', tables: null, rows: null, all: { ...none, ...found } } as const
  return run({ kind: 'verify', state: 'succeeded', backupId: null, backup: null, verify })
}

function headline(found: Partial<VerifyAllResult>): string {
  const [first] = runCard(verified(found)).text.split('\n')
  return first!
}

test('a copy that was known to be broken keeps a look at all backups from being a green tick', () => {
  const good = { backups: 2, copies: 4, bytes: 4096 }
  assert.match(headline(good), /^✅ .* · 2 backups, 4 copies, 4\.1 kB read: all good$/)
  assert.match(
    headline({ ...good, knownBroken: 1 }),
    /^⚠️ .* · 2 backups, 4 copies, 4\.1 kB read: all good; 1 copy known to be broken was not read again$/,
  )
  assert.match(
    headline({ knownBroken: 2 }),
    /^⚠️ .* · no good copy to read; 2 copies known to be broken were not read again$/,
  )
  assert.match(headline({}), /^✅ .* · nothing to verify$/)
})

test('its row is not called good either', () => {
  const states = [{}, { knownBroken: 1 }].map((found) => allTable([verified(found)])!.rows[0]!.cells.state)
  assert.deepEqual(
    states.map((cell) => cell?.kind === 'text' && cell.text),
    ['good', 'broken'],
  )
})

test('its thread says what was found, and names no backup that is none', () => {
  const { text } = runProgress(verified({ backups: 2, copies: 4, bytes: 4096, knownBroken: 1 }), 'basic')
  assert.equal(
    text.trim(),
    '⚠️ 2 backups, 4 copies, 4.1 kB read: all good; 1 copy known to be broken was not read again',
  )
})
