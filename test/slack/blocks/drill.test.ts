import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageBody } from '../../../src/core/messages.ts'
import { drawMessage } from '../../../src/slack/blocks/message.ts'
import { at, drilled, incident } from '../samples.ts'

const older = 'production-db-20261119T060000Z-a1b2'

/** As a reader sees it: a line each, buttons in brackets. */
function shown(body: MessageBody): string[] {
  const { blocks } = drawMessage(body, { mentions: ['S0DBA0001'], approvals: 'C0APPROVE', blocks: 'basic' })
  return blocks.flatMap((block) => {
    const { text, elements } = block as { text?: { text: string }; elements?: { text?: unknown }[] }
    if (text) return text.text.split('\n')
    return (elements ?? []).map((one) =>
      typeof one.text === 'string'
        ? one.text
        : `[${(one.text as { text: string } | undefined)?.text ?? 'menu'}]`,
    )
  })
}

const passed = drilled()
const failed = drilled(
  {
    verdict: 'fail',
    why: 'check "orders of today" found 0, expected at least 1',
    checks: [
      { name: 'no orphans', ok: true, found: '0', expected: '0' },
      { name: 'orders of today', ok: false, found: '0', expected: 'at least 1' },
      { name: 'money', ok: false, found: null, expected: 'not empty' },
    ],
  },
  {
    state: 'failed',
    fault: { code: 'drill-failed', text: 'check "orders of today" found 0, expected at least 1', hint: null },
    stillGood: { id: older, createdAt: at('06:00:00') - 86_400_000, level: 'V3' },
  },
)
const unclear = drilled(
  {
    verdict: 'inconclusive',
    why: 'the extension postgis is not installed here',
    tables: null,
    rows: null,
    objects: null,
    checks: [],
    restoreMs: null,
    previousMs: null,
  },
  {
    state: 'degraded',
    fault: {
      code: 'drill-inconclusive',
      text: 'the extension postgis is not installed here',
      hint: 'install postgresql-16-postgis-3 on this host',
    },
  },
)

test('a drill that passed says how long a restore takes, and whether that grows', () => {
  assert.deepEqual(shown({ type: 'run.card', run: passed }), [
    '✅ *production-db* · drill passed · restored in 3 min 12 s, 12 % slower than the last (2 min 51 s) · 8 tables, 4,812,330 rows',
    'PostgreSQL 16 · Sundays at 03:00 · next <!date^1795759200^{date_short} {time}|27 Nov 2026, 07:00> · in a scratch PostgreSQL 16.4 · `production-db-20261120T060000Z-k3f9` · run k3f9',
    '[View Log]',
  ])
  assert.deepEqual(shown({ type: 'run.progress', run: passed }), [
    '✅ equal to what was dumped · 8 tables, 4,812,330 rows · 5 kinds of objects · restored in 3 min 12 s, 12 % slower than the last (2 min 51 s) · both checks hold',
    '✓ orders of today: found 412, expected at least 1',
    '✓ no orphans: found 0, expected 0',
    'in a scratch PostgreSQL 16.4 · from `production-db-20261120T060000Z-k3f9`',
    'evidence in s3: `production-db/2026/11/k3f9/verdict-1.json`',
  ])
})

test('a drill that failed says which backup is not offered any more, and which older one is', () => {
  const meaning = `Production-db-20261120T060000Z-k3f9 is not offered for restore until a drill of it passes; the newest good one is ${older}, 1 d ago (restored and compared).`
  assert.deepEqual(shown({ type: 'run.card', run: failed }).slice(0, 2), [
    '❌ *production-db* · drill failed: check "orders of today" found 0, expected at least 1',
    meaning.replace('Production', 'production'),
  ])
  assert.deepEqual(shown({ type: 'run.card', run: failed }).slice(-2), ['[Retry]', '[View Log]'])
  assert.deepEqual(shown({ type: 'run.progress', run: failed }).slice(1, 4), [
    '✗ orders of today: found 0, expected at least 1',
    '– money: could not be asked, expected not empty',
    '✓ no orphans: found 0, expected 0',
  ])
})

test('the alarm calls people, offers the next steps, and ends with a drill that passes', () => {
  const [member] = incident().members
  const open = incident({
    kind: 'drill',
    code: 'drill-failed',
    why: failed.drill!.why,
    hint: null,
    members: [{ ...member!, nextAt: null }],
    lost: { backup: failed.drill!.backup, stillGood: null },
  })
  assert.deepEqual(shown({ type: 'incident', incident: open }), [
    '❌ <!subteam^S0DBA0001> *production-db* has a backup that failed its drill: check "orders of today" found 0, expected at least 1 (drill-failed)',
    'production-db-20261120T060000Z-k3f9 is not offered for restore until a drill of it passes, and no other good backup is left: make one now.',
    '[Retry]',
    '[Drill the newest]',
    '[View Log]',
    '[Acknowledge]',
    '[menu]',
  ])
  const over = incident({ ...open, state: 'recovered', closedAt: open.openedAt + 3_600_000 })
  assert.equal(
    shown({ type: 'incident', incident: over })[0],
    '✅ *production-db* passes its drills again: recovered after 1 failure, 1 h',
  )
})

test('a drill that could not tell says why and what to do, and is neither green nor red', () => {
  const lines = [
    ...shown({ type: 'run.card', run: unclear }),
    ...shown({ type: 'run.progress', run: unclear }),
  ]
  assert.equal(
    lines[0],
    '⚪ *production-db* · drill inconclusive: the extension postgis is not installed here',
  )
  assert.equal(lines[1], 'Install postgresql-16-postgis-3 on this host.')
  assert.ok(lines.includes('[Retry]'))
  assert.doesNotMatch(lines.join('\n'), /[✅❌🟠🚨]|S0DBA/u)
})
