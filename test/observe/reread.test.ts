import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../../src/core/events.ts'
import type { Figures } from '../../src/core/figures.ts'
import { createMetrics } from '../../src/observe/metrics.ts'

test('what is suspicious, broken and read again can be measured', async () => {
  let observe: (event: Event) => void = () => undefined
  const strategy: Figures['strategies'][number] = {
    name: 'shop',
    lastSuccessAt: null,
    nextAt: null,
    isOverdue: false,
    isPaused: false,
    failuresInARow: 0,
    backups: 3,
    heldBytes: 900,
    lastStoredBytes: null,
    lastRawBytes: null,
    lastProvenAt: null,
    lastVerdict: null,
    restoreMs: null,
    nextDrillAt: null,
    isOdd: true,
    brokenCopies: 2,
    allReadSince: 1_000,
  }
  const figures: Figures = {
    strategies: [strategy],
    queue: [],
    owed: [],
    incidents: [{ kind: 'odd', open: 1 }],
  }
  const draw = createMetrics({
    watch: (observer) => (observe = observer),
    figures: () => Promise.resolve(figures),
    version: '1.2.3',
  })
  observe({ type: 'copy.read', strategy: 'shop', storage: 'nas', bytes: 341, ok: true })
  const { text } = await draw()
  for (const line of [
    'easy_backup_suspicious{strategy="shop"} 1',
    'easy_backup_broken_copies{strategy="shop"} 2',
    'easy_backup_all_read_timestamp_seconds{strategy="shop"} 1',
    'easy_backup_reread_bytes_total{strategy="shop",storage="nas"} 341',
    'easy_backup_incidents_open{kind="odd"} 1',
  ])
    assert.ok(text.split('\n').includes(line), line)
})
