import { Fault } from '../../core/faults.ts'
import type { Bucket } from './client.ts'
import { answered } from './faults.ts'
import { lookAt, requireBucket } from './look.ts'

/** With Object Lock the version itself is removed: a plain delete would only hide it, and go on costing.
 * @throws Fault object-retained · storage-denied */
export async function removeObject(bucket: Bucket, key: string, signal: AbortSignal): Promise<void> {
  const { settings, call } = bucket
  const version = settings.lock ? await freeVersion(bucket, key, signal) : undefined
  if (version === null) return
  const doing = {
    what: `removing ${key}`,
    right: version === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion',
    signal,
  }
  const input = {
    Bucket: settings.bucket,
    Key: settings.prefix + key,
    ...(version !== undefined && { VersionId: version }),
  }
  try {
    await call(doing, (s3, http) => s3.deleteObject(input, http))
  } catch (error) {
    if (answered(error, 'NoSuchKey')) return
    if (answered(error, 403)) await refuseRetained(bucket, key, signal)
    throw error
  }
}

/** null = may be deleted now. @returns epoch ms */
export async function retainUntil(bucket: Bucket, key: string, signal: AbortSignal): Promise<number | null> {
  const found = await lookAt(bucket, key, signal)
  const until = found?.ObjectLockRetainUntilDate?.getTime() ?? null
  return until !== null && until > bucket.clock.now() ? until : null
}

/** @returns the version to remove; undefined where there are none, null when there is no object */
async function freeVersion(
  bucket: Bucket,
  key: string,
  signal: AbortSignal,
): Promise<string | undefined | null> {
  const found = await lookAt(bucket, key, signal)
  if (!found) {
    await requireBucket(bucket, signal)
    return null
  }
  const until = found.ObjectLockRetainUntilDate?.getTime() ?? 0
  if (until > bucket.clock.now()) throw retained(key, until)
  return found.VersionId
}

/** A refused delete may be the bucket's own lock; who may not look at it hears of the refusal itself. */
async function refuseRetained(bucket: Bucket, key: string, signal: AbortSignal): Promise<void> {
  let until: number | null = null
  try {
    until = await retainUntil(bucket, key, signal)
  } catch (error) {
    if (!answered(error, 403)) throw error
  }
  if (until !== null) throw retained(key, until)
}

function retained(key: string, until: number): Fault {
  return new Fault(
    'object-retained',
    `${key} is retained until ${new Date(until).toISOString().slice(0, 10)}`,
    {
      hint: 'Object Lock keeps it; it is removed by a later prune',
    },
  )
}
