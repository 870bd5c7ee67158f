import type { PutObjectCommandInput } from '@aws-sdk/client-s3'
import { Fault } from '../../core/faults.ts'
import type { PutOptions, Receipt } from '../storage.ts'
import { commitOnce, refuseTaken, type Uncertain } from '../wrap/unsure.ts'
import type { Bucket } from './client.ts'
import type { Digests, Stated } from './digests.ts'
import { answered, mayHaveWorked } from './faults.ts'
import { ensureLocked, lockedUntil } from './lock.ts'
import { lookAt, readBack } from './look.ts'
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
    key,
    options,
    log: bucket.log,
    endMs: bucket.limits.endMs,
    look: (signal) => lookAt(bucket, key, signal),
    isOurs: (signal) => isOurs(putting, inParts, signal),
    remove: (signal) => removeObject(bucket, key, signal),
    isDenied: (error) => answered(error, 403),
    mayHaveWorked,
  }
}

export interface Commit {
  inParts: boolean
  send: (condition: Condition, onRetry: (error: unknown) => void) => Promise<Stated>
  /** Ends what a failed commit leaves open, so that nothing can become visible later. */
  giveUp?: () => Promise<void>
}

/** Makes the object visible, and returns only when the server holds what we sent (promise 2). */
export async function commit(putting: Putting, step: Commit): Promise<Receipt> {
  const { bucket, key, digests, options } = putting
  const put = uncertain(putting, step.inParts)
  const send = (onRetry: (error: unknown) => void): Promise<Stated> =>
    conditionally(put, (condition) => step.send(condition, onRetry))
  const stated = await commitOnce(put, send, step.giveUp)
  if (stated) await confirm(putting, stated, step.inParts)
  if (step.inParts) await ensureLocked(bucket, key, options.signal)
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

/** @throws Fault object-corrupt when the server holds other bytes; they are removed */
async function confirm(putting: Putting, stated: Stated, inParts: boolean): Promise<void> {
  const { bucket, key, digests, options } = putting
  if (digests.agrees(stated, inParts) ?? (await isOurs(putting, inParts, options.signal))) return
  await removeObject(bucket, key, options.signal)
  throw new Fault(
    'object-corrupt',
    `${bucket.settings.location} holds other bytes at ${key} than were sent`,
    { retry: true },
  )
}

/** By what the server states of it; where that tells nothing, by reading it back. */
async function isOurs(
  { bucket, key, digests }: Putting,
  inParts: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await lookAt(bucket, key, signal)
  if (found?.ContentLength !== digests.bytes) return false
  return digests.agrees(found, inParts) ?? (await readBack(bucket, key, signal)) === digests.sha256()
}
