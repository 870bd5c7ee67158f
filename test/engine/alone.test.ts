import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { createService } from '../../src/engine/service.ts'
import { claimRun } from '../../src/state/runs.ts'
import { identityOf } from '../../src/sys/strays.ts'
import { fastClock } from '../support/fast-clock.ts'
import { contentOf, severalPlaces } from '../support/places.ts'
import { makeWorld, makeWorldFolder, person, usualSpeed } from '../support/world.ts'
import { assertWorld } from '../world.ts'

suite('who backs up by cron alone, without a service', () => {
  test('is not refused because a command before was killed', async (t) => {
    const world = await makeWorld(t)
    const { id } = await world.engine.startBackup('shop', { trigger: 'person', actor: person })
    const gone = { ...identityOf(process.pid), startTicks: 1 }
    await world.context.database.write((tx) => claimRun(tx, gone, world.context.clock.now(), () => true))
    const { engine, close } = await createService(world.context, 'command')
    const run = await engine.startBackup('shop', { trigger: 'person', actor: person })
    await close()
    assert.equal((await engine.run(run.id)).state, 'succeeded')
    assert.equal((await engine.run(id)).state, 'interrupted')
    await assertWorld(world)
  })

  test('catches up what a place owes, once it is due, with the next command that works', async (t) => {
    const places = severalPlaces(await makeWorldFolder(t), ['disk', 'nas'])
    for (const name of ['disk', 'nas']) await mkdir(places.dir(name), { recursive: true })
    const clock = fastClock(usualSpeed)
    const world = await makeWorld(t, { ...places.options, clock, strategies: { shop: {}, other: {} } })
    places.away.add('nas')
    await world.backup('shop')
    places.away.clear()
    clock.jump(3_600_000)
    const { engine, close } = await createService(world.context, 'command')
    await engine.startBackup('other', { trigger: 'person', actor: person })
    await close()
    assert.deepEqual(await contentOf(places.dir('nas')), await contentOf(places.dir('disk')))
    await assertWorld(world)
  })
})
