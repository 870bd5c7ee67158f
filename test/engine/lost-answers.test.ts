import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { suite, test, type TestContext } from 'node:test'
import { Fault } from '../../src/core/faults.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { changePlaces } from '../support/change-places.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { catchUp, contentOf, severalPlaces, type Places } from '../support/places.ts'
import { makeWorld, makeWorldFolder, person, usualSpeed, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

/** What goes wrong on the way, counted down by the place `disk`. */
interface Trouble {
  /** Answers to reading an object whose key matches that have one bit changed. */
  altered: { key: RegExp; times: number }
  /** Reads of a dump that break off. */
  broken: number
  /** Stored dumps whose answer is lost. */
  lost: number
}

const isDump = (key: string): boolean => key.includes('/') && !key.endsWith('.json')

function troubled(trouble: Trouble): (storage: Storage) => Partial<Storage> {
  return (storage) => ({
    async put(key, spool, options) {
      const receipt = await storage.put(key, spool, options)
      if (isDump(key) && trouble.lost-- > 0) throw new Fault('storage-unreachable', 'the answer was lost')
      return receipt
    },
    async get(key, options) {
      if (isDump(key) && trouble.broken-- > 0) throw new Fault('storage-unreachable', 'the answer broke off')
      const answer = await storage.get(key, options)
      if (!trouble.altered.key.test(key) || trouble.altered.times-- <= 0) return answer
      const bytes = await buffer(answer)
      bytes[bytes.length >> 1]! ^= 1
      return Readable.from([bytes])
    },
  })
}

async function withTrouble(
  t: TestContext,
  names: string[],
  given: Partial<Trouble>,
): Promise<{ world: World; places: Places; trouble: Trouble; clock: FastClock }> {
  const trouble: Trouble = { altered: { key: /$^/, times: 0 }, broken: 0, lost: 0, ...given }
  const folder = await makeWorldFolder(t)
  const places = severalPlaces(folder, names, { retry: { max_attempts: 5 } })
  for (const name of names) await mkdir(places.dir(name), { recursive: true })
  const clock = fastClock(usualSpeed)
  const spoil = changePlaces((storage) => (storage.name === 'disk' ? troubled(trouble)(storage) : {}))
  const adjust = (context: World['context']): World['context'] => spoil(places.options.adjust(context))
  return { world: await makeWorld(t, { ...places.options, clock, adjust }), places, trouble, clock }
}

suite('what is altered on its way once', () => {
  test('does not condemn the copy that a copy run reads', async (t) => {
    const { world, places, trouble, clock } = await withTrouble(t, ['disk', 'nas'], {})
    places.away.add('nas')
    await world.backup()
    places.away.clear()
    trouble.altered = { key: /shop\.db/, times: 1 }
    clock.jump(3_600_000)
    const [copy] = await catchUp(world)
    assert.deepEqual([copy?.state, copy?.fault], ['succeeded', null])
    assert.match(await world.engine.runLog(copy!.id), /it is read once more/)
    assert.deepEqual(await contentOf(places.dir('nas')), await contentOf(places.dir('disk')))
    const [listed] = await world.engine.backups({ limit: 9 })
    assert.deepEqual([listed?.corrupt, listed?.storages], [null, ['disk', 'nas']])
    await assertWorld(world)
  })

  test('does not condemn a backup whose manifest is looked at', async (t) => {
    const { world, trouble } = await withTrouble(t, ['disk'], {})
    const { backup } = await world.backup()
    trouble.altered = { key: /manifest\.json$/, times: 1 }
    const verify = await world.finish((await world.engine.startVerify(backup!.id, 'V1', person)).id)
    assert.equal(verify.state, 'succeeded')
    assert.ok(trouble.altered.times < 1)
    assert.equal((await world.engine.backups({ limit: 9 }))[0]?.corrupt, null)
    await assertWorld(world)
  })

  test('does not make our own object somebody else’s', async (t) => {
    const { world } = await withTrouble(t, ['disk'], { lost: 1, altered: { key: /shop\.db/, times: 1 } })
    const run = await world.backup()
    assert.deepEqual([run.state, run.fault], ['succeeded', null])
    await assertWorld(world)
  })
})

test('an object that was stored and whose answer was lost stays ours, however often looking at it fails', async (t) => {
  const { world } = await withTrouble(t, ['disk'], { lost: 1, broken: 2 })
  const run = await world.backup()
  assert.deepEqual([run.state, run.fault], ['succeeded', null])
  await assertWorld(world)
})

test('of a place that gives up while it looks at our own object nothing is left there, and the dump is kept', async (t) => {
  const { world, places } = await withTrouble(t, ['disk'], { lost: 1, broken: 99 })
  const run = await world.backup()
  assert.deepEqual([run.state, run.fault?.code, run.kept !== null], ['failed', 'storage-unreachable', true])
  assert.deepEqual(await contentOf(places.dir('disk')), {})
  await assertWorld(world)
})
