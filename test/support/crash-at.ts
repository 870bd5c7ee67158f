import type { EngineContext } from '../../src/engine/context.ts'
import type { Database } from '../../src/state/database.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { catchUp, severalPlaces } from './places.ts'
import { openWorld, person, type World } from './world.ts'

/** A process of its own that does one piece of work and kills itself at its n-th durable step: before or after each transaction,
 * and before or after each change of a storage. Says `done` when it got to the end.
 *
 * `node crash-at.ts <folder> <n> backup | restore | places | copy | held`; the last three with the places `disk` and `nas`. Of `held`
 * `n` says nothing: `nas` takes no backup, and the end comes when `disk` has one. */
const [folder, at, kind] = process.argv.slice(2) as [
  string,
  string,
  'backup' | 'restore' | 'places' | 'copy' | 'held',
]
const hour = 3_600_000
let steps = 0

function step(): void {
  if (++steps === Number(at)) process.kill(process.pid, 'SIGKILL')
}

async function around<T>(work: Promise<T> | (() => Promise<T>)): Promise<T> {
  step()
  const result = await (typeof work === 'function' ? work() : work)
  step()
  return result
}

function crashing(context: EngineContext): EngineContext {
  const database: Database = {
    ...context.database,
    write: (work) => around(() => context.database.write(work)),
  }
  const storages = new Map([...context.storages].map(([name, storage]) => [name, crashingStorage(storage)]))
  return { ...context, database, storages }
}

function crashingStorage(storage: Storage): Storage {
  if (kind === 'held') return heldStorage(storage)
  return {
    ...storage,
    put: (...args) => around(() => storage.put(...args)),
    remove: (...args) => around(() => storage.remove(...args)),
  }
}

function heldStorage(storage: Storage): Storage {
  return {
    ...storage,
    async put(key, spool, options) {
      if (storage.name === 'nas' && key.includes('/')) return new Promise(() => undefined)
      const receipt = await storage.put(key, spool, options)
      if (key.endsWith('/manifest.json')) process.kill(process.pid, 'SIGKILL')
      return receipt
    },
  }
}

async function work(world: World): Promise<string> {
  if (['backup', 'places', 'held'].includes(kind)) return (await world.backup()).state
  if (kind === 'copy') return (await catchUp(world)).map(({ state }) => state).join()
  const ask = {
    backup: 'latest',
    strategy: 'shop',
    targetDb: null,
    targetUrl: null,
    noOwner: false,
    reason: null,
  }
  const request = await world.engine.requestRestore(ask, person)
  const { run } = await world.engine.confirm(request.id, request.version, person)
  return (await world.finish(run!)).state
}

const places = severalPlaces(folder, ['disk', 'nas'])
const world = await openWorld(folder, {
  clock: { ...systemClock, now: () => systemClock.now() + hour }, // what was there before is old enough to be pruned
  ...(['places', 'copy', 'held'].includes(kind)
    ? { storageDir: places.dir('disk'), global: places.options.global }
    : { global: { retention: { max_age: '10m', min_keep: 1 } } }),
  adjust: crashing,
})
const state = await work(world)
await world.close()
process.stdout.write(`done ${state} ${steps}\n`)
