import assert from 'node:assert/strict'
import type { Storage } from '../../src/storages/storage.ts'
import type { World } from './world.ts'

/** A storage that takes no byte before it is let. */
export interface Dam {
  adjust: (context: World['context']) => World['context']
  /** Names of strategies whose objects wait now. */
  waiting: string[]
  /** The most that waited at the same time. */
  most: number
  open(): void
}

export function dam(): Dam {
  const opened = Promise.withResolvers<void>()
  const it: Dam = {
    waiting: [],
    most: 0,
    open: () => opened.resolve(),
    adjust: (context) => ({
      ...context,
      storages: new Map([...context.storages].map(([name, storage]) => [name, held(storage)])),
    }),
  }
  const held = (storage: Storage): Storage => ({
    ...storage,
    async put(key, spool, options) {
      if (!key.includes('/')) return storage.put(key, spool, options)
      const name = key.split('/')[0]!
      it.waiting.push(name)
      it.most = Math.max(it.most, it.waiting.length)
      const { promise: stopped, reject } = Promise.withResolvers<never>()
      options.signal.addEventListener('abort', () => reject(options.signal.reason as Error), { once: true })
      if (options.signal.aborted) reject(options.signal.reason as Error) // who was told before will not be told again
      await Promise.race([opened.promise, stopped]).finally(() =>
        it.waiting.splice(it.waiting.indexOf(name), 1),
      )
      return storage.put(key, spool, options)
    },
  })
  return it
}

/** Real processes are waited for by looking. */
export async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (const begun = performance.now(); !(await condition());) {
    assert.ok(performance.now() - begun < 120_000, `waited in vain until ${what}`)
    await new Promise((next) => setTimeout(next, 5))
  }
}
