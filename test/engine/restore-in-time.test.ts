import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { asFault } from '../../src/core/faults.ts'
import type { EngineContext } from '../../src/engine/context.ts'
import { fixAsk, planRestore } from '../../src/engine/restore/plan.ts'
import { makeWorld } from '../support/world.ts'

const ask = {
  backup: 'latest',
  strategy: 'shop',
  targetDb: null,
  targetUrl: null,
  noOwner: false,
  reason: null,
}

/** Whoever is asked says nothing until the time of the plan is over, which is at once. */
function silent(over: AbortController, signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  over.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
  return promise
}

suite('a plan that takes too long says who did not answer', () => {
  const hanging: Record<string, (context: EngineContext, over: AbortController) => Partial<EngineContext>> = {
    'disk did not answer': ({ storages }, over) => ({
      storages: new Map(
        [...storages].map(([name, storage]) => [
          name,
          { ...storage, get: (_key, { signal }) => silent(over, signal!) },
        ]),
      ),
    }),
    'the server to restore to did not answer': ({ sourceDrivers }, over) => ({
      sourceDrivers: sourceDrivers.map((driver) => ({
        ...driver,
        open: (...given) => ({
          ...driver.open(...given),
          plan: (_backup, _request, signal) => silent(over, signal),
        }),
      })),
    }),
  }
  for (const [words, hang] of Object.entries(hanging))
    test(words, async (t) => {
      const world = await makeWorld(t)
      assert.equal((await world.backup()).state, 'succeeded')
      const over = new AbortController()
      const context = { ...world.context, ...hang(world.context, over) }
      const fixed = await fixAsk(context, ask, over.signal)
      const error = await planRestore(context, fixed, over.signal).catch(asFault)
      assert.ok(error instanceof Error)
      assert.deepEqual([asFault(error).code, error.message], ['timed-out', `${words} in time`])
    })
})
