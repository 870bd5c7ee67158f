import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { saveVerdict } from '../../src/state/catalogue.ts'
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

test('a single failure changes nothing; a second in a row, or no good backup left, is degraded', async (t) => {
  const world = await makeWorld(t)
  const status = async (): Promise<string> => (await world.engine.health()).status
  // a process that does not schedule is asked here: only backups and places count
  assert.equal(await status(), 'healthy')
  const file = join(world.folder, 'shop.db')
  await rename(file, `${file}.away`)
  await world.backup()
  assert.equal(await status(), 'healthy')
  await world.backup()
  assert.equal(await status(), 'degraded')
  await rename(`${file}.away`, file)
  const { backup } = await world.backup()
  assert.equal(await status(), 'healthy')
  await world.context.database.write((tx) =>
    saveVerdict(tx, backup!.id, 'disk', { level: 'V0', corrupt: 'a bit flipped' }),
  )
  assert.equal(await status(), 'degraded')
})
