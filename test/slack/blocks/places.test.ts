import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunView } from '../../../src/core/model.ts'
import { drawMessage, type MessageStyle } from '../../../src/slack/blocks/message.ts'
import { at, failedRun, succeeded } from '../samples.ts'

const style: MessageStyle = { mentions: ['S0DBA00001'], approvals: 'C0APPROVE', blocks: 'basic' }

function textOf(type: 'run.card' | 'run.progress' | 'run.alarm', run: RunView): string {
  return drawMessage({ type, run }, style).text
}

const partly = succeeded({ state: 'degraded' })
const degraded: RunView = {
  ...partly,
  backup: { ...partly.backup!, owed: [{ storage: 'nas', why: 'nas does not answer' }] },
}
const caughtUp: RunView = {
  ...partly,
  backup: {
    ...partly.backup!,
    storages: ['s3', 'nas'],
    settled: [{ storage: 'nas', at: at('06:12:09'), why: null }],
  },
}

test('a backup that a place owes says where it is, why, and what happens next, and calls nobody', () => {
  const card = textOf('run.card', degraded)
  assert.match(card, /^🟠 production-db · backed up in 9 s · 341 MB · only in s3/)
  assert.match(card, /Not yet in nas: nas does not answer\. It is copied there as soon as that works/)
  assert.match(textOf('run.progress', degraded), /^🟠 341 MB stored .* in s3 .*\n.*Not yet in nas/)
  const alarm = textOf('run.alarm', degraded)
  assert.match(alarm, /^🟠 production-db: its new backup is only in s3/)
  assert.ok(!alarm.includes('S0DBA00001') && !alarm.includes('no new backup'))
})

test('when the place has caught up, the same messages are green again and say when', () => {
  assert.match(textOf('run.card', caughtUp), /^✅ production-db · backed up in 9 s · 341 MB\n/)
  assert.match(textOf('run.card', caughtUp), /aught up in nas 12 min later/)
  assert.match(textOf('run.progress', caughtUp), /^✅ 341 MB stored .* in s3, nas/)
  assert.match(textOf('run.alarm', caughtUp), /^✅ production-db: nothing is owed any more/)
})

test('a dump that is kept is said with its end and how to send it, wherever its failure is told', () => {
  const kept = {
    backup: 'production-db-20261120T060000Z-k3f9',
    bytes: 341_000_000,
    until: at('06:00:00') + 86_400_000,
  }
  for (const type of ['run.card', 'run.progress', 'run.alarm'] as const)
    assert.match(
      textOf(type, failedRun({ kept })),
      /The dump \(341 MB\) is kept until 21 Nov 2026, 07:00: Retry|; the dump \(341 MB\) is kept until 21 Nov 2026, 07:00: Retry/,
      type,
    )
})
