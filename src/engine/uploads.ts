import { asFault } from '../core/faults.ts'
import { openRuns } from '../state/runs.ts'
import { forgetUploads, strayUploads, type Upload } from '../state/uploads.ts'
import { isAlive } from '../sys/strays.ts'
import type { EngineContext } from './context.ts'

const endMs = 30_000

/** Ends the uploads that dead runs left in places (promise 7). One that cannot be ended now is tried at the next look. */
export async function endUploads(context: EngineContext): Promise<void> {
  const living = (await openRuns(context.database.read)).filter(({ holder }) => holder && isAlive(holder))
  const strays = await strayUploads(context.database.read, new Set(living.map(({ id }) => id)))
  await Promise.all(strays.map((stray) => endUpload(context, stray))) // a place that is away holds up none but its own
}

async function endUpload(context: EngineContext, stray: Upload): Promise<void> {
  const { storage, key, upload } = stray
  try {
    // a place that is no longer configured cannot be asked
    await context.storages.get(storage)?.abandon?.(key, upload, AbortSignal.timeout(endMs))
    await context.database.write((tx) => forgetUploads(tx, stray))
  } catch (error) {
    const { message } = asFault(error)
    context.log.warn('an unfinished upload could not be ended', { storage, key, error: message })
  }
}
