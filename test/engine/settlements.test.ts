import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settlementOf } from '../../src/engine/settlements.ts'
import type { Delivery } from '../../src/notifiers/notifier.ts'
import { isPosted, settle, type Due, type Settlement } from '../../src/state/messages.ts'
import { goodBackup } from '../notifiers/house.ts'
import { makeWorld } from '../support/world.ts'

const unknown: Delivery = { outcome: 'unknown', receipt: null, retryAfterMs: null, detail: 'cut off' }

function settled(answer: Delivery, unknowns: number): Settlement {
  const delivery = { sentVersion: 1, receipt: { told: ['overdue'] }, tries: unknowns, unknowns }
  const due: Due = { message: { ...goodBackup(), version: 2 }, delivery, parent: null }
  return settlementOf(due, answer, 1_000)
}

test('something new on a message that was told before is tried twice when nobody knows whether it arrived; an edit until it is known', () => {
  assert.equal(settled({ ...unknown, once: true }, 0).sentVersion, 1)
  assert.equal(settled({ ...unknown, once: true }, 1).sentVersion, 2)
  assert.deepEqual(settled({ ...unknown, once: true }, 1).receipt, { told: ['overdue'] })
  assert.equal(settled(unknown, 9).sentVersion, 1)
})

test('a run of which only a heartbeat was told can still be told with others in Slack', async (t) => {
  const { database } = (await makeWorld(t)).context
  const told = { sentVersion: 1, tries: 0, unknowns: 0, retryAt: 0, refused: null }
  const key = 'run/a/card'
  await database.write((tx) => settle(tx, key, 'heartbeat', { ...told, receipt: { told: ['start'] } }))
  assert.equal(await isPosted(database.read, key), false)
  await database.write((tx) => settle(tx, key, 'slack', { ...told, receipt: { channel: 'C1', ts: '1' } }))
  assert.equal(await isPosted(database.read, key), true)
})
