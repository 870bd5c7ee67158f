import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPostgres } from '../support/postgres.ts'
import { fillSample, makeWorld } from '../support/world.ts'
import { assertWorld } from '../world.ts'

test('an uncompressed dump, whose front pg_dump completes at its end, is stored as its digest says', async (t) => {
  const postgres = await startPostgres()
  t.after(() => postgres.close())
  await fillSample(postgres, 'shop', 30_000) // read long before the dump has ended
  const world = await makeWorld(t, { postgres, global: { compression: 'none' } })
  const { state, fault } = await world.backup()
  assert.equal(state, 'succeeded', fault?.text ?? 'no fault')
  await world.deliver()
  await assertWorld(world)
})
