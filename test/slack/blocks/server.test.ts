import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BatchLine, BatchView } from '../../../src/core/messages.ts'
import type { RunState } from '../../../src/core/model.ts'
import { drawMessage } from '../../../src/slack/blocks/message.ts'
import { limits } from '../../../src/slack/limits.ts'
import { textLength, type Drawn } from '../../../src/slack/blocks/elements.ts'

const at = Date.parse('2026-11-20T02:00:00Z')

function line(database: string, state: RunState, more: Partial<BatchLine> = {}): BatchLine {
  const isGood = state === 'succeeded'
  return {
    run: `r-${database}`,
    strategy: 'server',
    database,
    state,
    endedAt: state === 'running' || state === 'queued' ? null : at + 62_000,
    tookMs: isGood ? 1_200 : null,
    storedBytes: isGood ? 341_000_000 : null,
    backup: isGood ? `server-20261120T020000Z-k3f9` : null,
    why: null,
    ...more,
  }
}

function drawn(lines: BatchLine[], style: 'basic' | 'rich' = 'basic', notes: string[] = []): Drawn {
  const server: BatchView['server'] = {
    strategy: 'server',
    trigger: 'schedule',
    actor: { via: 'service', id: 'easy-backup' },
    nextAt: at + 86_400_000,
    notes,
  }
  const batch = { startedAt: at, timezone: 'UTC', catchUp: false, lines, server }
  return drawMessage({ type: 'batch', batch }, { mentions: [], blocks: style } as never)
}

const names = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `customer_${String(n).padStart(3, '0')}`)

test('a server of 60 databases has a line for each, with size and duration', () => {
  const { text, blocks } = drawn([
    line('globals', 'succeeded', { globals: true }),
    ...names(60).map((name) => line(name, 'succeeded')),
  ])
  assert.match(text, /^✅ server · 60 databases and the roles backed up in 1 min 2 s/)
  const shown = JSON.stringify(blocks)
  for (const name of names(60)) assert.ok(shown.includes(`${name}  341 MB  1.2 s`), name)
})

test('what went wrong comes first and says why; new and gone databases are said', () => {
  const lines = [
    line('good', 'succeeded'),
    line('busy', 'skipped', { why: 'its backup before this one was not over' }),
    line('closed', 'failed', { why: 'permission denied <for> `app`' }),
  ]
  const { text } = drawn(lines, 'basic', ['new: fresh', 'gone, its backups stay: old'])
  assert.match(text, /^❌ server · 1 of 3 backed up in 1 min 2 s · 1 failed · 1 skipped/)
  assert.match(text, /new: fresh · gone, its backups stay: old · failures are in the thread/)
  assert.ok(text.indexOf('closed') < text.indexOf('busy') && text.indexOf('busy') < text.indexOf('good'))
})

test('the list that is asked for, and the one that failed', () => {
  const { database: _, ...listing } = line('', 'running')
  assert.match(drawn([listing]).text, /^🔵 server · asking the server for its databases/)
  const failed = { ...listing, state: 'failed', endedAt: at, why: 'the server is away' } as const
  assert.match(drawn([failed]).text, /^❌ server · backup failed: the server is away/)
})

for (const style of ['basic', 'rich'] as const)
  for (const count of [1, 60, 300, 2_000])
    test(`${count} databases fit into one ${style} message, and what has no room is counted`, () => {
      const lines = names(count).map((name) => line(`${name}_${'&'.repeat(40)}`, 'succeeded'))
      const { text, blocks } = drawn([line('bad', 'failed', { why: 'x'.repeat(500) }), ...lines], style)
      assert.ok(text.length <= limits.message.text)
      assert.ok(blocks.length <= limits.message.blocks)
      const used = blocks.reduce((sum, block) => sum + textLength(block), 0)
      assert.ok(used <= limits.message.blocksText || style === 'rich', `${used} characters`)
      const shown = JSON.stringify(blocks)
      assert.ok(shown.includes('bad'))
      if (count >= 300) assert.match(shown, /and \d+ more/)
    })

test('a name or an error of a server calls nobody', () => {
  const lines = [line('<!channel>', 'failed', { why: 'relation <!here> & co' }), line('app', 'succeeded')]
  const message = drawn(lines, 'rich')
  assert.ok(!/<!(channel|here)>/.test(message.text), message.text)
  assert.match(message.text, /&lt;!channel&gt;/)
})
