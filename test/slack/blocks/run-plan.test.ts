import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunView } from '../../../src/core/model.ts'
import { drawMessage } from '../../../src/slack/blocks/message.ts'
import { runPlan } from '../../../src/slack/blocks/run-plan.ts'
import { run, succeeded } from '../samples.ts'

function tasks(changes: Partial<RunView>): string[] {
  const plan = runPlan(run({ kind: 'restore', ...changes }), 'now')
  return ((plan?.tasks ?? []) as { title: string; status: string }[]).map(
    ({ title, status }) => `${title} ${status}`,
  )
}

test('the tasks of a copy and of a restore in place are all that is done, from the first to the last', () => {
  assert.deepEqual(tasks({ way: 'clone', stage: 'sanitize' }), [
    'fetch and check complete',
    'restore complete',
    'compare complete',
    'sanitize in_progress',
    'give it its name pending',
  ])
  assert.deepEqual(tasks({ way: 'in-place', stage: 'safety' }), [
    'safety backup in_progress',
    'fetch and check pending',
    'restore pending',
    'compare pending',
    'swap pending',
  ])
  assert.equal(tasks({ stage: 'fetch' }).length, 3)
})

test('a safety backup says what it is, and for whose restore', () => {
  const card = succeeded({
    trigger: 'person',
    actor: { via: 'slack', id: 'U0CAROL01' },
    safetyFor: { via: 'slack', id: 'U0ALICE01' },
  })
  const { text } = drawMessage(
    { type: 'run.card', run: card },
    { mentions: [], approvals: '', blocks: 'basic' },
  )
  assert.match(text, / · safety backup before the restore asked by <@U0ALICE01> · /)
  assert.doesNotMatch(text, /CAROL/)
})
