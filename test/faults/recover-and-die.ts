import { recover } from '../../src/engine/recover.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { openWorld } from '../support/world.ts'

/** A process that recovers a world and kills itself before or after its n-th change of state or storage. Says `done` at the end.
 *
 * `node recover-and-die.ts <folder> <n>` */
const [folder, at] = process.argv.slice(2) as [string, string]
let steps = 0

function step(): void {
  if (++steps === Number(at)) process.kill(process.pid, 'SIGKILL')
}

async function around<T>(work: () => Promise<T>): Promise<T> {
  step()
  const result = await work()
  step()
  return result
}

const dying = (storage: Storage): Storage => ({
  ...storage,
  put: (...args) => around(() => storage.put(...args)),
  remove: (...args) => around(() => storage.remove(...args)),
  sweep: (...args) => around(() => storage.sweep(...args)),
})

const world = await openWorld(folder, {
  adjust: (context) => ({
    ...context,
    database: { ...context.database, write: (work) => around(() => context.database.write(work)) },
    storages: new Map([...context.storages].map(([name, storage]) => [name, dying(storage)])),
  }),
})
await recover(world.context)
await world.close()
process.stdout.write(`done ${steps}\n`)
