import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { assertWorld } from '../world.ts'
import { fastClock } from '../support/fast-clock.ts'
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

test('a manifest says in which hour, day, week and month its backup is the first', async (t) => {
  const hour = 60 * 60_000
  const clock = fastClock(50, Date.parse('2026-11-20T22:30:00Z')) // a Friday; in Paris 23:30
  const world = await makeWorld(t, { clock, global: { timezone: 'Europe/Paris' } })
  const kinds = async (afterMs: number): Promise<string[]> => {
    clock.jump(afterMs)
    const { backup } = await world.backup()
    return (await world.engine.backup(backup!.id, null)).manifest.kinds
  }
  assert.deepEqual(await kinds(0), ['hourly', 'daily', 'weekly', 'monthly'])
  assert.deepEqual(await kinds(0), [])
  assert.deepEqual(await kinds(3 * hour), ['hourly', 'daily'])
  assert.deepEqual(await kinds(3 * hour), ['hourly'])
  assert.deepEqual(await kinds(48 * hour), ['hourly', 'daily', 'weekly'])
})

for (const text of ['', 'x', 'null', '{}', '{"installation":1}'])
  test(`a marker that holds ${text || 'nothing'} stops a backup before a byte`, async (t) => {
    const world = await makeWorld(t)
    await writeFile(join(world.storageDir, 'easy-backup.json'), text)
    const { state, fault } = await world.backup()
    assert.deepEqual([state, fault?.code], ['failed', 'object-corrupt'])
    assert.deepEqual(await readdir(world.storageDir), ['easy-backup.json'])
  })
