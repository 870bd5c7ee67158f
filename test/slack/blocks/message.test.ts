import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageBody } from '../../../src/core/messages.ts'
import type { Drawn } from '../../../src/slack/blocks/elements.ts'
import { serviceActor, type PruneRequestView, type RequestState } from '../../../src/core/model.ts'
import { drawMessage as drawStyled } from '../../../src/slack/blocks/message.ts'
import { at, failedRun, pruneRequest, request, run, succeeded } from '../samples.ts'

function drawMessage(body: MessageBody, mentions: string[]): Drawn {
  return drawStyled(body, { mentions, approvals: 'C0APPROVE', blocks: 'basic' })
}

function shown(drawn: { blocks: unknown[] }): string[] {
  return drawn.blocks.flatMap((block) => {
    const { text, elements } = block as { text?: { text: string }; elements?: { text?: unknown }[] }
    if (text) return [text.text]
    return (elements ?? []).map((one) =>
      typeof one.text === 'string' ? one.text : `[${(one.text as { text: string }).text}]`,
    )
  })
}

test('a running backup says what, since when and which run, and can be cancelled', () => {
  assert.deepEqual(shown(drawMessage({ type: 'run.card', run: run() }, [])), [
    '🔵 *production-db* · backing up',
    'PostgreSQL 16 · every 6h · started <!date^1795154400^{time}|07:00 (Europe/Paris)> · run k3f9 · on db-host',
    '[Cancel]',
    '[View Log]',
  ])
})

test('a good backup says its time, size, proof and next run, and can be restored', () => {
  assert.deepEqual(shown(drawMessage({ type: 'run.card', run: succeeded() }, [])), [
    '✅ *production-db* · backed up in 9 s · 341 MB',
    'PostgreSQL 16 · every 6h · next <!date^1795176000^{time}|13:00> · decoded whole · 8 tables, 4,812,330 rows · run k3f9',
    '[Restore…]',
    '[View Log]',
  ])
  assert.deepEqual(shown(drawMessage({ type: 'run.progress', run: succeeded() }, [])), [
    '✅ 341 MB stored (1.2 GB raw) in s3 · dump 6.2 s, upload 8.7 s · +2 % on the last · keeps until <!date^1797746400^{date_short}|20 Dec 2026>',
    '`production-db-20261120T060000Z-k3f9` · decoded whole · 8 tables, 4,812,330 rows',
  ])
})

test('progress shows a bar only when something is known to come, and is never full before the end', () => {
  const progress = {
    stage: 'dump' as const,
    bytes: 212e6,
    expectedBytes: 330e6,
    bytesPerSecond: 48e6,
    remainingMs: 2600,
  }
  assert.deepEqual(shown(drawMessage({ type: 'run.progress', run: run({ progress }) }, [])), [
    '▓▓▓▓▓▓▓░░░░░ 64 %  dump and upload · 212 MB of about 330 MB · 48 MB/s · about 3 s left',
  ])
  const more = { ...progress, bytes: 400e6 }
  assert.match(
    shown(drawMessage({ type: 'run.progress', run: run({ progress: more }) }, []))[0]!,
    /99 %.*400 MB so far/,
  )
  const unknown = { ...progress, expectedBytes: null, remainingMs: null }
  assert.deepEqual(shown(drawMessage({ type: 'run.progress', run: run({ progress: unknown }) }, [])), [
    'dump and upload · 212 MB so far · 48 MB/s',
  ])
})

test('a failure says why in the card, and what to do in an alarm with mention', () => {
  assert.deepEqual(shown(drawMessage({ type: 'run.card', run: failedRun() }, ['S0DBA0001'])), [
    '❌ *production-db* · backup failed: password refused for user backup',
    'Check DB_PASSWORD in the environment of the service.',
    'PostgreSQL 16 · attempt 1 of 1 · last good backup 11 h ago · next <!date^1795176000^{time}|13:00> · run k3f9',
    '[Retry]',
    '[View Log]',
  ])
  assert.deepEqual(shown(drawMessage({ type: 'run.alarm', run: failedRun() }, ['S0DBA0001', 'U0ALICE01'])), [
    '❌ <!subteam^S0DBA0001> <@U0ALICE01> *production-db* has no new backup: password refused for user backup (database-refused)',
    'Check DB_PASSWORD in the environment of the service.',
    '2nd failure in a row · last good backup 11 h ago · next <!date^1795176000^{time}|13:00>',
    '[Retry]',
    '[View Log]',
  ])
})

test('text carries every fact for those who see no blocks', () => {
  const { text } = drawMessage({ type: 'run.card', run: succeeded() }, [])
  assert.equal(
    text,
    '✅ production-db · backed up in 9 s · 341 MB\nPostgreSQL 16 · every 6h · next 13:00 · decoded whole · 8 tables, 4,812,330 rows · run k3f9',
  )
  const alarm = drawMessage({ type: 'run.alarm', run: failedRun() }, ['U0ALICE01']).text
  for (const fact of [
    '<@U0ALICE01>',
    'production-db',
    'password refused',
    'DB_PASSWORD',
    '2nd failure',
    '11 h ago',
  ])
    assert.ok(alarm.includes(fact), fact)
})

test('a request can be confirmed or cancelled once, and then is its own record', () => {
  const card = shown(drawMessage({ type: 'request.card', request: request() }, []))
  assert.deepEqual(card, [
    '🟡 *Restore production-db into myapp_restore_20261120_1052?*  asked by <@U0ALICE01> · "bad migration at 10:40"',
    [
      '*Backup*  `production-db-20261120T060000Z-k3f9` · 4 h 52 min old · decoded whole · 341 MB · 8 tables, 4,812,330 rows',
      '*Target*  `myapp_restore_20261120_1052` on prod-db:5432 · new, nothing is overwritten · server 16.4',
      '*Will do*  fetch and check → restore beside → compare 8 tables',
      '*Takes*  about 3 min 12 s · *Space*  1.5 GB of 40 GB free',
    ].join('\n'),
    'expires <!date^1795173720^{time}|11:22 UTC> · bound to this plan: any change voids it',
    '[Confirm]',
    '[Cancel]',
  ])
  const decided = { decidedBy: { via: 'slack' as const, id: 'U0ALICE01' }, decidedAt: at('10:53:00') }
  for (const state of [
    'approved',
    'executing',
    'done',
    'rejected',
    'cancelled',
    'expired',
    'failed',
  ] as const) {
    const words = shown(drawMessage({ type: 'request.card', request: request({ state, ...decided }) }, []))
    assert.ok(!words.some((word) => word.startsWith('[')), state)
  }
})

test('a question about deleting says how much, why and what stays, and then is its own record', () => {
  const card = shown(drawMessage({ type: 'request.card', request: pruneRequest() }, []))
  assert.equal(card[0], '🟡 *Delete 12 of 40 backups of production-db in nas?*  asked by easy-backup')
  assert.equal(card[1], '*Why*  12 older than 30d\n*Frees*  4.1 GB, 28 stay')
  const [first, ...lines] = card[2]!.split('\n')
  assert.equal(first, '`production-db-20261001T060000Z-k3f9` · 50 d old · older than 30d (50 d)')
  assert.deepEqual([lines.length, lines.at(-1)], [10, 'and 2 more'])
  assert.deepEqual(card.slice(-2), ['[Delete]', '[Keep]'])
  const decided = { decidedBy: { via: 'slack' as const, id: 'U0ALICE01' }, decidedAt: at('10:53:00') }
  const record = (state: RequestState, by: Partial<PruneRequestView> = decided): string[] =>
    shown(drawMessage({ type: 'request.card', request: pruneRequest({ state, run: 'r1', ...by }) }, []))
  assert.match(record('executing')[0]!, /^🔵 \*Deleting 12 of 40 backups/)
  assert.match(record('done').at(-1)!, /^confirmed by <@U0ALICE01>/)
  assert.match(record('rejected').at(-1)!, /^kept by <@U0ALICE01> .* nothing was deleted$/)
  assert.match(record('cancelled', { decidedBy: serviceActor }).at(-1)!, /^no longer asked/)
  for (const state of [
    'approved',
    'executing',
    'done',
    'rejected',
    'cancelled',
    'expired',
    'failed',
  ] as const)
    assert.ok(!record(state).some((word) => word.startsWith('[')), state)
})

test('a plan with blockers is shown, never offered for confirmation', () => {
  const { plan } = request()
  const blocked = request({ plan: { ...plan, blockers: ['the target has no room'] } })
  const words = shown(drawMessage({ type: 'request.card', request: blocked }, []))
  assert.ok(words.includes('*Cannot be done:* the target has no room'))
  assert.deepEqual(
    words.filter((word) => word.startsWith('[')),
    ['[Cancel]'],
  )
})

test('drawing the same facts again gives the same message, whatever the time', async () => {
  const before = drawMessage({ type: 'run.card', run: failedRun() }, [])
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(drawMessage({ type: 'run.card', run: failedRun() }, []), before)
})
