import assert from 'node:assert/strict'
import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { forgetCopy } from '../../src/state/catalogue.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { makeWorld, person, type World } from '../support/world.ts'

/** The same storage with something done differently. */
const through =
  (change: (storage: Storage) => Partial<Storage>) =>
  (context: World['context']): World['context'] => ({
    ...context,
    storages: new Map(
      [...context.storages].map(([name, storage]) => [name, { ...storage, ...change(storage) }]),
    ),
  })

suite('catalog sync beside a service that works', () => {
  test('a backup that retention lets go meanwhile is no ghost in the list (promise 6)', async (t) => {
    let gone: string | null = null
    const world: World = await makeWorld(t, {
      adjust: through((storage) => ({
        get: async (key, options) => {
          const stream = await storage.get(key, options)
          const id = gone
          if (id && key.includes(id)) await world.context.database.write((tx) => forgetCopy(tx, id, 'disk'))
          return stream
        },
      })),
    })
    const [old, kept] = [await world.backup(), await world.backup()]
    gone = old.backup!.id
    await world.engine.syncCatalogue()
    assert.deepEqual(
      (await world.engine.backups({ limit: 9 })).map(({ id }) => id),
      [kept.backup!.id],
    )
  })

  test('a verdict that could not be stored beside its backup is not forgotten (promise 9)', async (t) => {
    const world = await makeWorld(t, {
      adjust: through((storage) => ({
        put: (key, spool, options) =>
          key.includes('verdict-')
            ? Promise.reject(new Error('read-only'))
            : storage.put(key, spool, options),
      })),
    })
    const id = (await world.backup()).backup!.id
    const { manifest } = await world.engine.backup(id, null)
    truncateSync(join(world.storageDir, manifest.artifacts[0]!.key), 10)
    await world.finish((await world.engine.startVerify(id, 'V1', person)).id)
    await world.engine.syncCatalogue()
    assert.match((await world.engine.backup(id, null)).view.corrupt!, /10 bytes instead of/)
    await assert.rejects(world.engine.backup('latest', 'shop'), { code: 'not-found' })
  })
})
