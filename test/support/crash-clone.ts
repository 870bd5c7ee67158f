import type { EngineContext } from '../../src/engine/context.ts'
import type { Source } from '../../src/sources/source.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { cloneAsk } from './clone-ask.ts'
import { openWorld, person } from './world.ts'

/** A process of its own that copies `shop` into `staging`, and kills itself right after one of its durable steps: a state of the copy
 * was written (`making`, `naming`, `open`), or the server did something (`restored`, `sanitized`, `named`).
 *
 * `node crash-clone.ts <folder> <step> <settings of the strategy, JSON>` */
const [folder, at, settings] = process.argv.slice(2) as [string, string, string]

function after(step: string): void {
  if (step === at) process.kill(process.pid, 'SIGKILL')
}

function crashing(context: EngineContext): EngineContext {
  const { database, sourceDrivers } = context
  const begun = systemClock.now() // what earlier ones left is not ours
  let seen: string | undefined
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
        const [row] = await database.read
          .selectFrom('clones')
          .select('state')
          .where('at', '>', begun)
          .execute()
        if (row && row.state !== seen) after((seen = row.state))
        return result
      },
    },
  }
}

function crashingSource(source: Source): Source {
  const { swap, clone } = source as Required<Source>
  const andDie =
    <Given extends unknown[], Result>(step: string, work: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      const result = await work(...given)
      after(step)
      return result
    }
  return {
    ...source,
    restore: andDie('restored', source.restore),
    clone: { ...clone, sanitize: andDie('sanitized', clone.sanitize), name: andDie('named', clone.name) },
    swap: { ...swap, exchange: andDie('named', swap.exchange) },
  }
}

const strategies = { shop: JSON.parse(settings) as Record<string, unknown> }
const world = await openWorld(folder, { clock: systemClock, strategies, adjust: crashing })
const request = await world.engine.requestRestore(cloneAsk('shop'), person)
await world.finish((await world.engine.confirm(request.id, request.version, person)).run!)
