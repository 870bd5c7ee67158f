import { buffer } from 'node:stream/consumers'
import { Fault, faultFacts } from '../../core/faults.ts'
import { bytesSpool } from '../../sys/spool.ts'
import type { Storage } from '../storage.ts'

/** Always the same object and content: who may not remove leaves one behind, not one for each check. */
const key = 'easy-backup-check'
const bytes = Buffer.from('easy-backup looks whether it may write here\n')

/** Tries a storage by using it. Only writing has to be allowed; what else is refused is said. */
export async function checkByUse(
  storage: Storage,
  signal: AbortSignal,
): Promise<{ ok: boolean; text: string; hint: string | null }> {
  try {
    await storage.put(key, bytesSpool(bytes), { ifAbsent: false, signal })
    const refused = [
      ...(await refusal('read', () => readBack(storage, signal))),
      ...(await refusal('list', () => storage.list(key, null, signal))),
      ...(await refusal('remove', () => storage.remove(key, signal))),
    ]
    if (refused.length === 0)
      return { ok: true, text: `${storage.location}: wrote, read, listed and removed an object`, hint: null }
    return {
      ok: true,
      text: `${storage.location}: wrote an object, but may not ${refused.join(', ')}`,
      hint: 'good for credentials that only write; verify and restore need reading, retention needs listing and removing',
    }
  } catch (error) {
    const { text, hint } = faultFacts(error)
    return { ok: false, text: `${storage.location}: ${text}`, hint }
  }
}

async function readBack(storage: Storage, signal: AbortSignal): Promise<void> {
  const back = await buffer(await storage.get(key, { signal }))
  if (!back.equals(bytes)) throw new Fault('object-corrupt', 'what was read is not what was written')
}

/** @returns its name when it is refused, nothing when it works */
async function refusal(name: string, operation: () => Promise<unknown>): Promise<string[]> {
  try {
    await operation()
    return []
  } catch (error) {
    if (error instanceof Fault && ['storage-denied', 'object-retained'].includes(error.code)) return [name]
    throw error
  }
}
