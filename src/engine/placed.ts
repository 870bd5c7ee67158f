import { asFault } from '../core/faults.ts'
import type { Receipt, Storage } from '../storages/storage.ts'
import type { Spool } from '../sys/spool.ts'
import type { EngineContext } from './context.ts'
import type { Pulse } from './pulse.ts'

/** What one attempt has put into storages. */
export interface Placed {
  put(storage: Storage, key: string, spool: Spool, signal?: AbortSignal): Promise<Receipt>
  /** Takes back what a failed attempt stored; without a manifest it was never a backup. */
  removeAll(): Promise<void>
}

export function createPlaced(context: EngineContext, step: { pulse: Pulse; signal: AbortSignal }): Placed {
  const placed: { storage: Storage; key: string }[] = []
  return {
    async put(storage, key, spool, signal = step.signal) {
      const object = { storage, key }
      placed.push(object)
      const onState = (bytes: number): void => step.pulse.moved(`upload:${storage.name}`, bytes)
      try {
        return await storage.put(key, spool, { ifAbsent: true, onState, signal })
      } catch (error) {
        // somebody else's object of this name is not ours to take back
        if (asFault(error).code === 'storage-exists') placed.splice(placed.indexOf(object), 1)
        throw error
      }
    },
    async removeAll() {
      // the manifest, put last, goes first (promise 6)
      for (const { storage, key } of placed.toReversed())
        await storage.remove(key, AbortSignal.timeout(30_000)).catch((error: unknown) =>
          context.log.warn('an unfinished object could not be removed', {
            storage: storage.name,
            key,
            error: String(error),
          }),
        )
    },
  }
}
