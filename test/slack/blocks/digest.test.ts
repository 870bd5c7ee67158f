import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBlocks } from '../../../playground/validate/blocks.ts'
import { some, type DigestView } from '../../../src/core/digest.ts'
import { channelFor } from '../../../src/core/messages.ts'
import { digestMessage } from '../../../src/slack/blocks/digest.ts'
import { at, bomb, longName } from '../samples.ts'

const day = 24 * 3600_000
const now = at('09:00:00')

export function digest(changes: Partial<DigestView> = {}): DigestView {
  return {
    sinceAt: now - 7 * day,
    untilAt: now,
    timezone: 'Europe/Paris',
    madeAt: now,
    strategies: 3,
    runs: { succeeded: 42, degraded: 0, failed: 2, cancelled: 0, interrupted: 0, skipped: 0 },
    missed: 0,
    attention: some(
      [
        {
          strategy: 'analytics-db',
          state: 'failed',
          failuresInARow: 2,
          why: 'password refused for user backup',
          lastGoodAt: now - 11 * 3600_000,
        },
      ],
      10,
    ),
    recovered: some([{ strategy: 'crm', failed: 1 }], 10),
    paused: some([], 10),
    proven: 1,
    oldestProof: { strategy: 'production-db', at: now - 3 * day },
    unproven: some(['analytics-db', 'crm'], 10),
    sizes: some(
      [
        { strategy: 'production-db', bytes: 341e6, change: 0.02 },
        { strategy: 'crm', bytes: 88e3, change: 0 },
      ],
      8,
    ),
    trend: [300e6, 320e6, 341e6].map((bytes, index) => ({ at: now - (2 - index) * 7 * day, bytes })),
    places: [{ storage: 's3', backups: 120, storedBytes: 40e9 }],
    next: some([{ strategy: 'production-db', at: now + 3 * 3600_000 }], 3),
    requests: 1,
    ...changes,
  }
}

test('the digest begins with the fact and its one emoji, and says what needs somebody and what is unproven', () => {
  const { text } = digestMessage(digest(), 'basic')
  assert.equal(
    text,
    [
      '📊 Backups of the last week · 42 of 44 succeeded, 2 failed',
      'Needs attention (1)',
      '• analytics-db: failed 2 times in a row: password refused for user backup · last good 11 h ago',
      '• 2 more strategies are fine',
      'Failed and recovered  crm (once)',
      'Restored  1 of 3 strategies at least once; longest ago production-db 3 d ago',
      'Unproven  never restored: analytics-db, crm',
      'Size  the newest backups together 341 MB, +7 % ▅▆█',
      'Stored  s3 40 GB (120 backups)',
      'Next  production-db in 3 h',
      'Open  1 request waits for an answer',
      'production-db 341 MB, +2 %',
      'crm 88 kB, same',
      '13 Nov 2026, 10:00 to 20 Nov 2026, 10:00 (Europe/Paris)',
    ].join('\n'),
  )
})

test('a calm week is a short message', () => {
  const calm = digest({
    runs: { succeeded: 44, degraded: 0, failed: 0, cancelled: 0, interrupted: 0, skipped: 0 },
    attention: some([], 10),
    recovered: some([], 10),
    unproven: some([], 10),
    proven: 3,
    requests: 0,
  })
  const { text, blocks } = digestMessage(calm, 'basic')
  assert.match(text, /^📊 Backups of the last week · all 44 succeeded\nNow {2}all 3 strategies are fine\n/)
  assert.ok(blocks.length <= 6)
})

test('of 200 strategies, all bad and hostile, what does not fit is counted, within what Slack takes', () => {
  const names = Array.from(
    { length: 200 },
    (_, index) => `${longName.slice(0, 59)}-${String(index).padStart(3, '0')}`,
  )
  const full = digest({
    strategies: 200,
    attention: some(
      names.map((strategy) => ({
        strategy,
        state: 'overdue' as const,
        failuresInARow: 9,
        why: bomb.repeat(30),
        lastGoodAt: null,
      })),
      10,
    ),
    recovered: some(
      names.map((strategy) => ({ strategy, failed: 3 })),
      10,
    ),
    paused: some(
      names.map((strategy) => ({ strategy, until: null })),
      10,
    ),
    unproven: some(names, 10),
    sizes: some(
      names.map((strategy) => ({ strategy, bytes: 1e15, change: -0.99 })),
      8,
    ),
    trend: Array.from({ length: 8 }, (_, index) => ({ at: now - index, bytes: 1e15 })),
    places: Array.from({ length: 20 }, (_, index) => ({
      storage: `${longName}-${index}`,
      backups: 1e6,
      storedBytes: 1e15,
    })),
    next: some(
      names.map((strategy) => ({ strategy, at: now + day })),
      3,
    ),
  })
  for (const style of ['basic', 'rich'] as const) {
    const { text, blocks } = digestMessage(full, style)
    const { problems, characters } = checkBlocks(blocks, 'message')
    assert.deepEqual(problems, [])
    assert.ok(characters <= 9_000 && text.length <= 3_500, `${characters} and ${text.length} characters`)
    assert.match(text, /190 more: status shows them/)
    assert.doesNotMatch(JSON.stringify(blocks), /<!channel>|<@U0ALICE01>/)
  }
  const fine = digestMessage(
    digest({ strategies: 200, attention: some(full.attention.shown.slice(0, 2), 10) }),
    'basic',
  )
  assert.match(fine.text, /198 more strategies are fine/)
})

test('with the newest blocks the course of the sizes is a chart, and never the only place that says it', () => {
  const rich = digestMessage(digest(), 'rich')
  assert.ok(rich.blocks.some(({ type }) => (type as string) === 'data_visualization'))
  assert.equal(rich.text, digestMessage(digest(), 'basic').text)
})

test('the digest goes to its own channel, else to the one for everything', () => {
  const routing = { channel: 'C0ALL', success: null, failure: null, approvals: null, mentionOnFailure: [] }
  assert.equal(channelFor(routing, 'digest'), 'C0ALL')
  assert.equal(channelFor({ ...routing, digest: 'C0DIGEST' }, 'digest'), 'C0DIGEST')
})
