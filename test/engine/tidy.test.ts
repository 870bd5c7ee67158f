import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { manifestName } from '../../src/core/keys.ts'
import type { RunView } from '../../src/core/model.ts'
import { tidyPlace } from '../../src/engine/tidy.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { severalPlaces } from '../support/places.ts'
import { makeWorld, makeWorldFolder, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

test('a backup that ends while its place is tidied keeps its dump and its line in the list', async (t) => {
  const places = severalPlaces(await makeWorldFolder(t), ['disk'])
  await mkdir(places.dir('disk'), { recursive: true })
  const manifestReached = Promise.withResolvers<void>()
  const manifestMayGo = Promise.withResolvers<void>()
  let isArmed = false
  let running: Promise<RunView> | null = null
  /** The backup begins after the look for living runs, and puts its manifest when the listing was made. */
  const slowed = (storage: Storage): Storage => ({
    ...storage,
    put: async (key, ...rest) => {
      if (isArmed && key.endsWith(`/${manifestName}`)) {
        manifestReached.resolve()
        await manifestMayGo.promise
      }
      return storage.put(key, ...rest)
    },
    sweep: async (...given) => {
      const swept = await storage.sweep(...given)
      isArmed = true
      running = world.backup()
      await manifestReached.promise
      return swept
    },
    list: async (...given) => {
      const page = await storage.list(...given)
      if (isArmed) {
        isArmed = false
        manifestMayGo.resolve()
        await running
      }
      return page
    },
  })
  const world: World = await makeWorld(t, {
    ...places.options,
    adjust: (context) => ({
      ...context,
      storages: new Map([...context.storages].map(([name, storage]) => [name, slowed(storage)])),
    }),
  })
  await world.backup()
  await tidyPlace(world.context, world.context.storages.get('disk')!)
  assert.equal((await running!).state, 'succeeded')
  assert.equal((await world.engine.backups({ limit: 9 })).length, 2)
  await assertWorld(world)
})
