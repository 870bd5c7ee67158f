import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oddWords } from '../../../src/core/odd-words.ts'
import type { Oddity } from '../../../src/core/usual.ts'
import { batchMessage } from '../../../src/slack/blocks/batch.ts'
import { incidentHead, incidentNote } from '../../../src/slack/blocks/incident.ts'
import { runCard } from '../../../src/slack/blocks/run-card.ts'
import { runProgress } from '../../../src/slack/blocks/run-progress.ts'
import { at, incident, succeeded } from '../samples.ts'

const found: Oddity[] = [{ of: 'size', now: 98_000_000, usual: 341_000_000 }]
const backup = { ...succeeded().backup!, storedBytes: 98_000_000, odd: found }
const odd = incident({
  kind: 'odd',
  where: 'production-db',
  code: null,
  why: oddWords(found),
  failures: 1,
  odd: { backup: backup.id, found },
  members: [{ ...incident().members[0]!, strategy: 'production-db', state: 'odd' }],
})

test('what is not as usual reads as a sentence', () => {
  assert.equal(oddWords(found), '71 % smaller than usual (98 MB, usually 341 MB)')
  assert.equal(oddWords([]), '')
  const all: Oddity[] = [
    { of: 'size', now: 900, usual: 200 },
    { of: 'rows', now: 1, usual: 90_000 },
    { of: 'rows', now: 9_000, usual: 0 },
    { of: 'duration', now: 3_600_000, usual: 600_000 },
    ...['a', 'b', 'c', 'd'].map((table): Oddity => ({
      of: 'table',
      table,
      now: table === 'b' ? null : 0,
      usual: 40,
    })),
  ]
  assert.deepEqual(oddWords(all).split('; '), [
    '4.5 times as large as usual (900 B, usually 200 B)',
    '99 % fewer rows than usual (1, usually 90,000)',
    'more rows than usual (9,000, usually 0)',
    '6 times as long as usual (1 h, usually 10 min)',
    'table a is empty (usually 40 rows)',
    'table b is gone (usually 40 rows)',
    'table c is empty (usually 40 rows)',
    'and 1 more table',
  ])
})

test('a quiet success does not hide it: card, result and nightly message say it', () => {
  const run = succeeded({ backup })
  assert.match(runCard(run).text, /^⚠️ production-db · backed up in 9 s · 98 MB · but 71 % smaller than usual \(98 MB, usually 341 MB\)/) // prettier-ignore
  assert.match(runProgress(run, 'basic').text, /^⚠️ 98 MB stored.*\nSuspicious: 71 % smaller than usual/)
  const line = {
    run: run.id,
    strategy: run.strategy,
    state: 'succeeded',
    endedAt: at('06:00:09'),
    tookMs: 9_000,
    storedBytes: 98_000_000,
    backup: backup.id,
    why: oddWords(found),
  } as const
  const other = { ...line, run: 'other', strategy: 'blog', why: null }
  const night = { startedAt: at('06:00:00'), timezone: 'UTC', catchUp: false, lines: [line, other] }
  const { text } = batchMessage(night, 'basic')
  assert.match(text, /^🟠 .* 1 backed up, 1 not as usual/)
  assert.match(text, /Not as usual \(1\)\nproduction-db.* · 71 % smaller than usual/)
})

test('it calls people once, with Acknowledge and without Retry, and says how it ended', () => {
  const head = incidentHead(odd, ['S0DBA'])
  assert.match(head.text, /^⚠️ <!subteam\^S0DBA> production-db succeeded, but 71 % smaller than usual/)
  const buttons = JSON.stringify(head.blocks)
  assert.match(buttons, /Acknowledge/)
  assert.doesNotMatch(buttons, /Retry|Run now/)
  assert.match(incidentNote(odd, 'again', ['S0DBA']).text, /^🚨 <!subteam\^S0DBA> production-db succeeded, but 71 %/) // prettier-ignore
  const over = { ...odd, state: 'recovered', closedAt: at('12:00:09') } as const
  assert.match(
    incidentHead(over, []).text,
    /^✅ production-db is as usual again, after 1 backup that was not/,
  )
  const accepted = {
    ...over,
    acknowledged: { by: { via: 'slack', id: 'U0ANN' }, at: at('08:00:00') },
  } as const
  assert.match(incidentHead(accepted, []).text, /^✅ production-db: found right, and usual from now on/)
})
