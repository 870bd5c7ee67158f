import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits as slackLimits } from '../../../playground/limits.ts'
import { checkBlocks } from '../../../playground/validate/blocks.ts'
import type { BatchLine, BatchView } from '../../../src/core/messages.ts'
import { outcomes, type RunState } from '../../../src/core/model.ts'
import { batchMessage } from '../../../src/slack/blocks/batch.ts'
import { at, bomb } from '../samples.ts'

/** What the engine puts into one batch at most (engine/batch.ts). */
const most = { lines: 200, characters: 8_000, perLine: 13 }

const states: RunState[] = ['queued', 'running', ...outcomes]

function line(name: string, state: RunState, why: string | null = null): BatchLine {
  const isOver = (outcomes as readonly string[]).includes(state)
  return {
    run: `${name}-run-k3f9`,
    strategy: name,
    state,
    endedAt: isOver ? at('00:10:00') : null,
    tookMs: isOver ? 1_234_567 : null,
    storedBytes: state === 'succeeded' || state === 'degraded' ? 999_900_000_000 : null,
    backup: state === 'succeeded' ? `${name}-20261120T000000Z-k3f9` : null,
    why,
  }
}

function batch(lines: BatchLine[], changes: Partial<BatchView> = {}): BatchView {
  return { startedAt: at('00:00:00'), timezone: 'Europe/Paris', catchUp: false, lines, ...changes }
}

/** As many as the engine allows, with names of this length. */
function fullest(length: number, state: (index: number) => RunState, why: string | null): BatchView {
  const count = Math.min(most.lines, Math.floor(most.characters / (length + most.perLine)))
  const names = Array.from({ length: count }, (_, index) => `n${index}-`.padEnd(length, 'x'))
  return batch(names.map((name, index) => line(name, state(index), why)))
}

test('the fullest batch fits one message of Slack with every run named in it, whatever became of them', () => {
  for (const length of [6, 23, 40, 63])
    for (const why of [null, 'password refused for user backup', 'x'.repeat(160), '&<>'.repeat(50), bomb])
      for (const state of [
        ...states.map((one) => () => one),
        (index: number) => states[index % states.length]!,
      ])
        for (const style of ['basic', 'rich'] as const) {
          const view = fullest(length, state, why)
          const drawn = batchMessage(view, style)
          const report = checkBlocks(drawn.blocks, 'message')
          const what = `names of ${length}, ${state(0)}, ${style}, ${why?.slice(0, 9)}`
          assert.deepEqual(report.problems, [], what)
          assert.ok(report.characters <= 9_000, `${what}: ${report.characters} characters`)
          assert.ok(drawn.text.length <= 3500)
          const shown = JSON.stringify(drawn.blocks)
          for (const { strategy } of view.lines) assert.ok(shown.includes(strategy), `${what}: ${strategy}`)
          const isHarmless = style === 'rich' || !/<!channel>|<@U0ALICE01>|<https/.test(shown) // a table's text is literal
          assert.ok(isHarmless, what)
        }
  assert.ok(slackLimits.dataTable.rows > most.lines)
})

test('a batch says how many of each, failures by their reason, and first what is worst', () => {
  const lines = [
    line('crm', 'succeeded'),
    line('shop', 'failed', 'password refused for user backup'),
    line('billing', 'running'),
    line('wiki', 'queued'),
  ]
  const { text } = batchMessage(batch(lines), 'basic')
  assert.match(text, /^🔵 Nightly: 4 strategies · 1 backed up, 1 failed, 1 running, 1 waiting\n/)
  assert.match(text, /\nFailed \(1\)\nshop · password refused for user backup\n/)
  assert.ok(text.indexOf('Failed') < text.indexOf('billing') && text.indexOf('billing') < text.indexOf('crm'))
})

test('what is over says so: well, not so well, or with failures', () => {
  const headline = (...ends: RunState[]): string =>
    batchMessage(batch(ends.map((state) => line('crm', state))), 'basic').text.split('\n')[0]!
  assert.equal(headline('succeeded', 'succeeded'), '✅ Nightly: 2 strategies · 2 backed up')
  assert.equal(headline('succeeded', 'cancelled'), '🟠 Nightly: 2 strategies · 1 backed up, 1 cancelled')
  assert.equal(headline('succeeded', 'failed'), '❌ Nightly: 2 strategies · 1 backed up, 1 failed')
  const catchUp = batchMessage(batch([line('crm', 'succeeded')], { catchUp: true }), 'basic')
  assert.match(catchUp.text, /^✅ Catching up: 1 strategy · 1 backed up/)
})
