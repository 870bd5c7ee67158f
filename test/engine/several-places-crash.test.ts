import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { Fault } from '../../src/core/faults.ts'
import type { RunView } from '../../src/core/model.ts'
import { recover } from '../../src/engine/recover.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { changePlaces } from '../support/change-places.ts'
import { until } from '../support/dam.ts'
import { fastClock } from '../support/fast-clock.ts'
import { everythingIn } from '../support/local.ts'
import { catchUp, contentOf, severalPlaces } from '../support/places.ts'
import { makeWorld, makeWorldFolder, openWorld, person, usualSpeed, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const script = join(import.meta.dirname, '../support/crash-at.ts')
const hour = 3_600_000
const later = { ...systemClock, now: () => systemClock.now() + 2 * hour }

/** Two places with a backup that both have, or that `nas` owes; to be copied for each crash. */
async function seeded(
  t: TestContext,
  isOwed: boolean,
): Promise<{ folder: string; again: () => Promise<void> }> {
  const folder = await makeWorldFolder(t)
  const places = severalPlaces(folder, ['disk', 'nas'])
  for (const name of ['disk', 'nas']) await mkdir(places.dir(name), { recursive: true })
  const world = await openWorld(folder, { ...places.options, clock: systemClock })
  if (isOwed) places.away.add('nas')
  assert.equal((await world.backup()).state, isOwed ? 'degraded' : 'succeeded')
  await world.close()
  const kept = await mkdtemp(join(tmpdir(), 'easy-backup-kept-'))
  t.after(() => rm(kept, { recursive: true }))
  await cp(folder, kept, { recursive: true })
  const again = async (): Promise<void> => {
    await rm(folder, { recursive: true })
    await cp(kept, folder, { recursive: true })
  }
  return { folder, again }
}

async function crash(folder: string, kind: 'places' | 'copy' | 'held', at: number): Promise<string> {
  const argv = ['--disable-warning=ExperimentalWarning', script, folder, String(at), kind]
  const child = await promisify(execFile)(process.execPath, argv).catch(
    (error: { stdout: string; signal: string }) => error,
  )
  if ('signal' in child) assert.equal(child.signal, 'SIGKILL')
  return child.stdout.trim()
}

/** The next start, and all that it carries out. */
async function nextStart(folder: string, look: (world: World) => Promise<string>): Promise<string> {
  const world = await openWorld(folder, { ...severalPlaces(folder, ['disk', 'nas']).options, clock: later })
  try {
    await recover(world.context)
    await recover(world.context)
    for (const { id } of await world.engine.runs({ limit: 9, state: 'queued' })) await world.finish(id)
    const said = await look(world)
    await world.deliver()
    await assertWorld(world)
    return said
  } finally {
    await world.close()
  }
}

const firstOfItsOwn = 7 // what is before the first put is the same with one place (recover.test.ts)

test('a backup to two places killed at any durable step goes on when its dump is whole, and ends the same in both', async (t) => {
  const { folder, again } = await seeded(t, false)
  const ends: string[] = []
  let wentOn = 0
  for (let at = firstOfItsOwn; ; at++) {
    await again()
    const said = await crash(folder, 'places', at)
    const isWhole = (await everythingIn(join(folder, 'temp'))).some((path) => path.endsWith('/whole.json'))
    ends.push(
      await nextStart(folder, async (world) => {
        const [run] = (await world.engine.runs({ limit: 9 })).filter(({ kind }) => kind === 'backup')
        assert.deepEqual(
          await contentOf(join(folder, 'disk')),
          await contentOf(join(folder, 'nas')),
          `step ${at}`,
        )
        if (isWhole) assert.equal(run!.state, 'succeeded', `step ${at}: the dump was whole`)
        if (run!.state === 'succeeded') assert.deepEqual(run!.backup!.storages, ['disk', 'nas'])
        return run!.state
      }),
    )
    if (isWhole) wentOn++
    if (said.startsWith('done')) break
  }
  t.diagnostic(ends.join(' '))
  assert.deepEqual([...new Set(ends)].toSorted(), ['interrupted', 'succeeded'])
  assert.ok(wentOn >= 2, `${wentOn} went on`)
})

test('a copy killed at any durable step leaves nothing, and is made at the next look', async (t) => {
  const { folder, again } = await seeded(t, true)
  for (let at = 1; ; at++) {
    await again()
    const said = await crash(folder, 'copy', at)
    await nextStart(folder, async (world) => {
      await catchUp(world)
      assert.deepEqual(
        await contentOf(join(folder, 'nas')),
        await contentOf(join(folder, 'disk')),
        `step ${at}`,
      )
      const [backup] = await world.engine.backups({ limit: 9 })
      assert.deepEqual([backup?.storages.toSorted(), backup?.owed], [['disk', 'nas'], []])
      return ''
    })
    if (said.startsWith('done')) {
      t.diagnostic(`${at - 1} steps: ${said}`)
      assert.match(said, /^done succeeded/)
      break
    }
  }
})

/** What goes on after a kill, with a `disk` that has the backup already and a `nas` that takes nothing until it is told to stop. */
async function goingOn(
  t: TestContext,
  change: (storage: Storage) => Partial<Storage>,
): Promise<{ world: World; folder: string; run: string; end: Promise<RunView> }> {
  const { folder } = await seeded(t, false)
  await crash(folder, 'held', 0)
  const places = severalPlaces(folder, ['disk', 'nas'], {
    retry: { max_attempts: 100, delay: '10m', max_delay: '10m' }, // it is still at it whenever somebody looks
  })
  const world = await makeWorld(t, {
    ...places.options,
    clock: fastClock(usualSpeed, Date.now() + 2 * hour),
    adjust: (context) =>
      changePlaces((storage) => (storage.name === 'nas' ? held(storage) : change(storage)))(
        places.options.adjust(context),
      ),
  })
  await recover(world.context)
  const [run] = await world.engine.runs({ limit: 9, state: 'queued' })
  assert.equal((await world.engine.backups({ limit: 9 })).length, 2, 'what lies in one place counts')
  return { world, folder, run: run!.id, end: world.finish(run!.id) }
}

const held = (storage: Storage): Partial<Storage> => ({
  async put(key, spool, options) {
    if (!key.includes('/')) return storage.put(key, spool, options)
    const { promise: told, reject } = Promise.withResolvers<never>()
    options.signal.addEventListener('abort', () => reject(options.signal.reason as Error))
    options.signal.throwIfAborted() // who was told before will not be told again
    return told
  },
})

suite('a backup that goes on after a kill and is cancelled is in no place and in no list', () => {
  test('when the place that had it was looked at', async (t) => {
    let looks = 0
    const { world, folder, run, end } = await goingOn(t, (storage) => ({
      head: async (key, signal) => {
        const found = await storage.head(key, signal)
        if (key.endsWith('/manifest.json')) looks++
        return found
      },
    }))
    await until(() => looks > 0, 'the place has confirmed all of it')
    await world.engine.cancel(run, person)
    assert.equal((await end).state, 'cancelled')
    await assertNotThere(world, folder)
  })

  test('when the place that had it did not answer', async (t) => {
    let isAway = true
    const { world, folder, run, end } = await goingOn(t, (storage) => ({
      put: async (key, spool, options) => {
        if (isAway && key.includes('/')) throw new Fault('storage-unreachable', 'no answer')
        return storage.put(key, spool, options)
      },
    }))
    await until(async () => (await world.engine.run(run)).attempt >= 2, 'it was asked once')
    isAway = false
    await world.engine.cancel(run, person)
    assert.equal((await end).state, 'cancelled')
    await assertNotThere(world, folder)
  })
})

async function assertNotThere(world: World, folder: string): Promise<void> {
  assert.equal((await world.engine.backups({ limit: 9 })).length, 1, 'the one before')
  assert.equal(Object.keys(await contentOf(join(folder, 'disk'))).length, 2)
  await world.deliver()
  await assertWorld(world)
}
