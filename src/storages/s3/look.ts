import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import type { ObjectInfo } from '../storage.ts'
import type { Calling } from '../wrap/retry.ts'
import type { Bucket } from './client.ts'
import { answered, noBucket } from './faults.ts'

/** What the server says of an object; null when there is none, or not even the bucket: a look is answered without words. */
export async function lookAt(
  bucket: Bucket,
  key: string,
  signal: AbortSignal,
): Promise<HeadObjectCommandOutput | null> {
  const { settings } = bucket
  const doing = { what: `looking for ${key}`, right: 's3:GetObject', signal }
  const input = {
    Bucket: settings.bucket,
    Key: settings.prefix + key,
    ...(settings.checksums && { ChecksumMode: 'ENABLED' as const }),
  }
  try {
    return await bucket
      .call(doing, (s3, http) => s3.headObject(input, http))
      .catch((error: unknown) => inWords(bucket, { ...doing, error }, input))
  } catch (error) {
    if (answered(error, 404)) return null
    throw error
  }
}

/** @throws Fault storage-missing when there is not even the bucket */
export async function infoOf(bucket: Bucket, key: string, signal: AbortSignal): Promise<ObjectInfo | null> {
  const found = await lookAt(bucket, key, signal)
  if (!found) {
    await requireBucket(bucket, signal)
    return null
  }
  return { key, bytes: found.ContentLength ?? 0, modifiedAt: found.LastModified?.getTime() ?? 0 }
}

/** An answer to HEAD has no body, so nobody knows why it was refused; the same as GET says it.
 * @throws what says more, else the error */
async function inWords(
  { call }: Bucket,
  { error, ...doing }: Calling & { error: unknown },
  { Bucket, Key }: { Bucket: string; Key: string },
): Promise<never> {
  if (answered(error, 400, 403, 301))
    await call(doing, (s3, http) => s3.getObject({ Bucket, Key, Range: 'bytes=0-0' }, http)).catch(
      (worded: unknown) => {
        if (!answered(worded, 404)) throw worded
      },
    )
  throw error
}

/** @throws Fault storage-missing */
export async function requireBucket({ call, settings }: Bucket, signal: AbortSignal): Promise<void> {
  try {
    const doing = { what: `looking for bucket ${settings.bucket}`, right: 's3:ListBucket', signal }
    await call(doing, (s3, http) => s3.headBucket({ Bucket: settings.bucket }, http))
  } catch (error) {
    if (answered(error, 403)) return // it is there, and not for us to list
    throw answered(error, 404) ? noBucket(settings, error) : error
  }
}
