import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBlocks } from '../../../playground/validate/blocks.ts'
import type { RunView, SwapResult, UndoResult } from '../../../src/core/model.ts'
import { drawMessage } from '../../../src/slack/blocks/message.ts'
import { at, bomb, run } from '../samples.ts'

const swap: SwapResult = {
  safety: 'production-db-20261120T104500Z-aaaa',
  kept: 'myapp_before_20261120_104500',
  until: at('10:52:00') + 24 * 3_600_000,
  inPlace: 'new',
  version: 1,
  sessions: 14,
  downMs: 120,
}

function restored(changes: Partial<SwapResult> = {}, target = 'myapp'): RunView {
  return run({
    kind: 'restore',
    state: 'succeeded',
    stage: null,
    progress: null,
    endedAt: at('10:53:00'),
    restore: {
      request: 'rq-1',
      backup: 'production-db-20261120T060000Z-k3f9',
      target,
      endpoint: 'prod-db:5432',
      tables: 8,
      rows: 4_812_330,
      fetchMs: 6_000,
      restoreMs: 50_000,
      warnings: [],
      open: null,
      swap: { ...swap, ...changes },
    },
  })
}

function undone(changes: Partial<UndoResult> = {}): RunView {
  const undo = {
    of: 'r1',
    name: 'myapp',
    endpoint: 'prod-db:5432',
    inPlace: 'old',
    kept: 'myapp_restore_1',
  } as const
  return run({
    kind: 'restore',
    state: 'succeeded',
    stage: null,
    progress: null,
    endedAt: at('11:00:00'),
    undoes: 'r1',
    undo: { ...undo, until: at('10:00:00'), sessions: 2, downMs: 90, ...changes },
  })
}

const drawn = (view: RunView): ReturnType<typeof drawMessage> =>
  drawMessage({ type: 'run.progress', run: view }, {
    blocks: 'basic',
    mentions: [],
    approvals: [],
    calledIn: null,
  } as never)

function buttonOf(view: RunView): { text: string; value: unknown; confirm: unknown } | null {
  for (const block of drawn(view).blocks)
    if (block.type === 'actions')
      for (const element of block.elements)
        if (element.type === 'button')
          return {
            text: element.text.text,
            value: JSON.parse(element.value ?? '{}'),
            confirm: element.confirm?.text.text,
          }
  return null
}

test('the result of a restore in place has Undo, which asks first and names the exchange that was seen', () => {
  const button = buttonOf(restored())
  assert.equal(button?.text, 'Undo…')
  assert.deepEqual(button.value, { command: 'undo', args: { restore: 'run-k3f9', version: 1 } })
  assert.match(
    String(button.confirm),
    /Live sessions are dropped, and the database that is kept takes its name back/,
  )
  assert.equal(buttonOf(restored({ inPlace: 'old', version: 2, kept: 'myapp_restore_1' }))?.text, 'Redo…')
  assert.equal(buttonOf(restored({ until: null })), null, 'when its time is over there is none')
  const { text } = drawn(restored())
  assert.match(text, /The one before is kept as myapp_before_20261120_104500 until 21 Nov/)
  assert.match(text, /Nobody could connect for 120 ms, 14 sessions were dropped/)
  assert.match(drawn(undone()).text, /myapp is the database from before the restore again/)
})

test('names that nobody wishes for fit and stay harmless', () => {
  for (const kept of [bomb.repeat(20), '&'.repeat(300), 'x'.repeat(255)])
    for (const view of [restored({ kept }, kept), undone({ kept, name: kept })]) {
      assert.deepEqual(checkBlocks(drawn(view).blocks, 'message').problems, [])
      assert.ok(!/<!channel>|<!here>/.test(JSON.stringify(drawn(view))), 'a mention')
    }
})
