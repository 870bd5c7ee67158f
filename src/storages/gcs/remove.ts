import { Fault } from '../../core/faults.ts'
import { urlOf, type Bucket } from './client.ts'
import { answered } from './faults.ts'
import { lookAt, requireBucket } from './look.ts'

/** @throws Fault object-retained · storage-denied · storage-missing */
export async function removeObject(bucket: Bucket, key: string, signal: AbortSignal): Promise<void> {
  const doing = { what: `removing ${key}`, right: 'storage.objects.delete', signal }
  try {
    await bucket.call(doing, { method: 'DELETE', url: urlOf(bucket.settings, key), ok: [200, 204] })
  } catch (error) {
    if (answered(error, 404)) return requireBucket(bucket, signal)
    if (answered(error, 403)) await refuseRetained(bucket, key, signal)
    throw error
  }
}

/** By the bucket's policy or the object's own; null = it may be deleted now. @returns epoch ms */
export async function retainUntil(bucket: Bucket, key: string, signal: AbortSignal): Promise<number | null> {
  const found = await lookAt(bucket, key, signal)
  const dates = [found?.retentionExpirationTime, found?.retention?.retainUntilTime]
  const until = Math.max(0, ...dates.map((date) => (date === undefined ? 0 : Date.parse(date))))
  return until > bucket.clock.now() ? until : null
}

/** A refused delete may be a policy's; who may not look hears of the refusal itself. */
async function refuseRetained(bucket: Bucket, key: string, signal: AbortSignal): Promise<void> {
  try {
    const until = await retainUntil(bucket, key, signal)
    const found = await lookAt(bucket, key, signal)
    const isHeld = found?.temporaryHold === true || found?.eventBasedHold === true
    if (until === null && !isHeld) return
    const date = until === null ? '' : ` until ${new Date(until).toISOString().slice(0, 10)}`
    throw new Fault('object-retained', `${key} is retained${date}`, {
      hint:
        until === null
          ? 'a hold keeps it; it is removed by a later prune'
          : 'a retention policy keeps it; it is removed by a later prune',
    })
  } catch (error) {
    if (!answered(error, 403)) throw error
  }
}
