import { asFault } from '../core/faults.ts'
import { manifestName } from '../core/keys.ts'
import { forgetCopy } from '../state/catalogue.ts'
import type { Storage } from '../storages/storage.ts'
import type { EngineContext } from './context.ts'

const takeBackMs = 30_000

/** Removes what a run put into a place. First the manifest (promise 6): as long as it lies there, so does its dump.
 * What cannot be removed now, the next start removes. Never throws.
 * @param keys  in the order they were put
 * @param isAgain  an earlier process may have put the manifest too, and since then it was taken for a backup */
export async function takeBackFrom(
  context: EngineContext,
  storage: Storage,
  { keys, isAgain }: { keys: readonly string[]; isAgain: boolean },
): Promise<void> {
  const [first] = keys
  if (first === undefined) return
  const commit = first.slice(0, first.lastIndexOf('/') + 1) + manifestName
  if (isAgain || keys.includes(commit)) {
    if (!(await isGone(context, storage, commit))) return
    const id = commit.split('/').at(-2)!
    await context.database
      .write((tx) => forgetCopy(tx, id, storage.name))
      .catch((error: unknown) =>
        context.log.warn('a backup that was taken back is still listed', {
          backup: id,
          storage: storage.name,
          error: asFault(error).message,
        }),
      )
  }
  for (const key of keys.toReversed()) if (key !== commit) await isGone(context, storage, key)
}

async function isGone(context: EngineContext, storage: Storage, key: string): Promise<boolean> {
  try {
    await storage.remove(key, AbortSignal.timeout(takeBackMs))
    return true
  } catch (error) {
    const facts = { storage: storage.name, key, error: asFault(error).message }
    context.log.warn('an unfinished object could not be removed', facts)
    return false
  }
}
