import { buffer } from 'node:stream/consumers'
import type { Clock } from '../../core/clock.ts'
import { Fault, faultFacts } from '../../core/faults.ts'
import { suffix } from '../../core/keys.ts'
import { bytesSpool } from '../../sys/spool.ts'
import type { Storage } from '../storage.ts'

/** Tries a storage by using it: writes, reads back and removes a small object. Fits every kind of storage. */
export async function checkByUse(
  storage: Storage,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ ok: boolean; text: string; hint: string | null }> {
  const random = (): number => clock.random()
  const key = `easy-backup-check-${suffix(random)}${suffix(random)}`
  const bytes = Buffer.from(`written by a check at ${new Date(clock.now()).toISOString()}\n`)
  try {
    await storage.put(key, bytesSpool(bytes), { ifAbsent: true, signal })
    const back = await buffer(await storage.get(key, { signal }))
    await storage.remove(key, signal)
    if (!back.equals(bytes)) throw new Fault('object-corrupt', 'what was read is not what was written')
    return { ok: true, text: `${storage.location}: wrote, read and removed an object`, hint: null }
  } catch (error) {
    const { text, hint } = faultFacts(error)
    return { ok: false, text: `${storage.location}: ${text}`, hint }
  }
}
