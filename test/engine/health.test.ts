import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeWorld } from '../support/world.ts'

test('health says in general words why the last run failed: no host, no user, no secret', async (t) => {
  const url = 'postgres://ann:secret-word@127.0.0.1:1/shop'
  const world = await makeWorld(t, { strategies: { shop: { database_url: url } } })
  const run = await world.backup()
  assert.match(run.fault!.text, /127\.0\.0\.1/)
  const health = await world.engine.health()
  assert.equal(health.strategies.last_backup_status.shop?.error, 'the database server did not answer')
  assert.doesNotMatch(JSON.stringify(health), /127\.0\.0\.1|ann|secret-word/)
})
