import type { PutObjectCommandInput } from '@aws-sdk/client-s3'
import type { PutOptions, Receipt } from '../storage.ts'
import { sha256Of } from '../wrap/digests.ts'
import { commitOnce, refuseTaken, type Uncertain } from '../wrap/unsure.ts'
import type { Bucket } from './client.ts'
import type { Digests, Stated } from './digests.ts'
import { answered, mayHaveWorked } from './faults.ts'
import { ensureLocked, lockedUntil } from './lock.ts'
import { getObject } from './get.ts'
import { lookAt } from './look.ts'
import { removeObject } from './remove.ts'

/** One object on its way. */
export interface Putting {
  bucket: Bucket
  key: string
  /** `bucket`'s full name of it. */
  name: { Bucket: string; Key: string }
  digests: Digests
  options: PutOptions
}

export type Condition = { IfNoneMatch?: '*' }

/** What the configuration asks for with every new object. */
export function asked(bucket: Bucket): Partial<PutObjectCommandInput> {
  const { sse, kmsKeyId, lock, storageClass } = bucket.settings
  return {
    ...(sse && { ServerSideEncryption: sse }),
    ...(kmsKeyId !== null && { SSEKMSKeyId: kmsKeyId }),
    ...(storageClass !== null && {
      StorageClass: storageClass as PutObjectCommandInput['StorageClass'] & string,
    }),
    ...(lock && {
      ObjectLockMode: lock.mode,
      ObjectLockRetainUntilDate: lockedUntil(bucket),
    }),
  }
}

/** @param inParts as the object was sent: its digests are stated otherwise */
export function uncertain(putting: Putting, inParts: boolean): Uncertain {
  const { bucket, key, options } = putting
  return {
    place: bucket,
    key,
    options,
    look: (signal) => lookAt(bucket, key, signal),
    isOurs: (signal) => isOurs(putting, inParts, signal),
    remove: (signal) => removeObject(bucket, key, signal),
    answered,
    mayHaveWorked,
  }
}

export interface Step {
  inParts: boolean
  send: (condition: Condition, onRetry: (error: unknown) => void) => Promise<Stated>
  /** Ends what a failed commit leaves open, so that nothing can become visible later. */
  giveUp?: () => Promise<void>
}

export async function commit(putting: Putting, { inParts, send, giveUp }: Step): Promise<Receipt> {
  const { bucket, key, digests, options } = putting
  const put = uncertain(putting, inParts)
  await commitOnce<Stated>(put, {
    send: (onRetry) => conditionally(put, (condition) => send(condition, onRetry)),
    confirms: async (stated) =>
      digests.agrees(stated, inParts) ?? (await isOurs(putting, inParts, options.signal)),
    ...(giveUp && { giveUp }),
  })
  if (inParts) await ensureLocked(bucket, key, options.signal)
  return { bytes: digests.bytes, sha256: digests.sha256() }
}

/** Servers that do not know the condition say so; then looking has to do. */
async function conditionally(
  put: Uncertain,
  send: (condition: Condition) => Promise<Stated>,
): Promise<Stated> {
  if (!put.options.ifAbsent) return send({})
  try {
    return await send({ IfNoneMatch: '*' })
  } catch (error) {
    if (!answered(error, 501)) throw error
    await refuseTaken(put)
    return send({})
  }
}

/** By what the server states of it; where that tells nothing, by reading it back. */
async function isOurs(
  { bucket, key, digests }: Putting,
  inParts: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await lookAt(bucket, key, signal)
  if (found?.ContentLength !== digests.bytes) return false
  return (
    digests.agrees(found, inParts) ??
    (await sha256Of(await getObject(bucket, key, { signal }))) === digests.sha256()
  )
}
