import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { forgetOld } from '../../src/engine/forget.ts'
import { findMessage, newestChange } from '../../src/state/messages.ts'
import { lastSlot, takeSlot } from '../../src/state/slots.ts'
import { fastClock } from '../support/fast-clock.ts'
import { makeWorld, person } from '../support/world.ts'

const day = 24 * 60 * 60_000

suite('neither the state nor a look into it grows for ever (promise 19)', () => {
  test('messages about what ended a week ago go, those about what is open or new stay', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock, strategies: { old: {}, open: {}, fresh: {} } })
    const { database } = world.context
    const old = await world.backup('old')
    await world.deliver()
    const open = await world.engine.startBackup('open', { trigger: 'person', actor: person })
    await world.deliver()
    clock.jump(8 * day)
    const fresh = await world.backup('fresh')
    await forgetOld(world.context)
    const kept = async (run: string): Promise<boolean> =>
      (await findMessage(database.read, `run/${run}/card`)) !== null
    assert.deepEqual([await kept(old.id), await kept(open.id), await kept(fresh.id)], [false, true, true])
    const deliveries = await database.read.selectFrom('deliveries').select('key').execute()
    assert.ok(!deliveries.some(({ key }) => key.includes(old.id)))
    await world.finish(open.id)
    await world.deliver()
    assert.equal(world.notifier.seen(`run/${open.id}/card`).length, 1)
    assert.equal(world.notifier.posts.length, 6)
  })

  test('the number of a forgotten change is not given again, or what has it would be taken for told', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock })
    const { database } = world.context
    await world.backup()
    const before = await newestChange(database.read)
    clock.jump(8 * day)
    await forgetOld(world.context)
    await world.backup()
    const told = await database.read.selectFrom('messages').select('seq').where('seq', '<=', before).execute()
    assert.equal(told.length, 1, 'only the newest stayed, to be counted on from')
  })

  test('runs and their logs go after more than a year, but not the newest of a strategy', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock })
    const [first, second] = [await world.backup(), await world.backup()]
    const log = (run: string): string => join(world.stateDir, 'logs', `${run}.log`)
    world.context.logs.append(first.id, 'a word')
    world.context.logs.append(second.id, 'a word')
    clock.jump(401 * day)
    await forgetOld(world.context)
    assert.deepEqual(
      (await world.engine.runs({ limit: 9 })).map(({ id }) => id),
      [second.id],
    )
    assert.deepEqual([existsSync(log(first.id)), existsSync(log(second.id))], [false, true])
    assert.equal((await world.engine.backups({ limit: 9 })).length, 2)
  })

  test('slots go, but from where they count is remembered', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock })
    const { database } = world.context
    const now = clock.now()
    for (const at of [now - 3 * day, now - 2 * day, now - day])
      await database.write((tx) => takeSlot(tx, { strategy: 'shop', at, run: 'r', skipped: null }, now))
    clock.jump(200 * day)
    await forgetOld(world.context)
    assert.equal(await lastSlot(database.read, 'shop', clock.now()), now - day)
    assert.equal((await database.read.selectFrom('slots').select('slot_at').execute()).length, 1)
  })
})
