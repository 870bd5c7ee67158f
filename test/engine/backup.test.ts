import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertWorld } from '../world.ts'
import { makeWorld } from '../support/world.ts'

test('a backup of a SQLite file is stored, proved, listed and told', async (t) => {
  const world = await makeWorld(t)
  const run = await world.backup()
  assert.equal(run.state, 'succeeded')
  assert.equal(run.backup?.level, 'V2')
  assert.equal(run.backup?.rows, 502)
  await world.deliver()
  await assertWorld(world)
})
