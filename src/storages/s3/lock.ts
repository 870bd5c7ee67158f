import type { Bucket } from './client.ts'
import { answered } from './faults.ts'
import { lookAt } from './look.ts'

/** Some servers accept the lock of an upload in parts and then forget it (seen with the RGW of Ceph 16): it is set on the object itself.
 * Who may only write is told nothing by a look, and trusts the server.
 * @throws Fault storage-denied when the lock cannot be set: an object that only seems locked is worse than a failure */
export async function ensureLocked(bucket: Bucket, key: string, signal: AbortSignal): Promise<void> {
  const { lock, bucket: name, prefix } = bucket.settings
  if (!lock || (await isLocked(bucket, key, signal))) return
  const doing = { what: `locking ${key}`, right: 's3:PutObjectRetention', signal }
  const retention = { Mode: lock.mode, RetainUntilDate: lockedUntil(bucket) }
  await bucket.call(doing, (s3, http) =>
    s3.putObjectRetention({ Bucket: name, Key: prefix + key, Retention: retention }, http),
  )
}

/** When the lock of an object that is stored now ends. */
export function lockedUntil({ settings, clock }: Bucket): Date {
  return new Date(clock.now() + (settings.lock?.days ?? 0) * 86_400_000)
}

async function isLocked(bucket: Bucket, key: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await lookAt(bucket, key, signal))?.ObjectLockRetainUntilDate !== undefined
  } catch (error) {
    if (answered(error, 403)) return true
    throw error
  }
}
