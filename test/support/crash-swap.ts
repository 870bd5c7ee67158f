import type { EngineContext } from '../../src/engine/context.ts'
import type { Source } from '../../src/sources/source.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { askInPlace } from './in-place.ts'
import { openWorld, person, type World } from './world.ts'

/** A process of its own that restores `shop` in place, or undoes that, and kills itself right after one of its durable steps:
 * a state of the swap was written (`restoring`, `exchanging`, `open`), or the server did something (`restored`, `exchanged`).
 *
 * `node crash-swap.ts <folder> <step> <database URL> restore | undo` */
const [folder, at, url, kind] = process.argv.slice(2) as [string, string, string, 'restore' | 'undo']

function after(step: string): void {
  if (step === at) process.kill(process.pid, 'SIGKILL')
}

function crashing(context: EngineContext): EngineContext {
  const { database, sourceDrivers } = context
  let seen: string | undefined = kind === 'undo' ? 'open' : undefined
  return {
    ...context,
    sourceDrivers: sourceDrivers.map((driver) => ({
      ...driver,
      open: (...given) => crashingSource(driver.open(...given)),
    })),
    database: {
      ...database,
      write: async (work) => {
        const result = await database.write(work)
        const [swap] = await database.read.selectFrom('swaps').select('state').orderBy('at', 'desc').execute()
        if (swap && swap.state !== seen) after((seen = swap.state))
        return result
      },
    },
  }
}

function crashingSource(source: Source): Source {
  const swap = source.swap!
  return {
    ...source,
    restore: async (...given) => {
      const restored = await source.restore(...given)
      after('restored')
      return restored
    },
    swap: {
      ...swap,
      exchange: async (...given) => {
        const swapped = await swap.exchange(...given)
        after('exchanged')
        return swapped
      },
    },
  }
}

async function work(world: World): Promise<void> {
  if (kind === 'undo') {
    const [swap] = (await world.engine.strategies())[0]!.replaced!
    await world.finish((await world.engine.undo({ id: swap!.run, version: swap!.version }, person)).id)
    return
  }
  const request = await askInPlace(world, 'shop', { force: true })
  await world.finish((await world.engine.confirm(request.id, request.version, person)).run!)
}

const strategies = { shop: { database_url: url } }
await work(await openWorld(folder, { clock: systemClock, strategies, adjust: crashing }))
