import type { PutObjectCommandInput } from '@aws-sdk/client-s3'
import { Fault } from '../../core/faults.ts'
import type { PutOptions, Receipt } from '../storage.ts'
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

/** Looks first: some servers overlook the condition of a put, and a taken name is better known before the bytes are sent.
 * Who may not look is told by the condition alone. */
export async function refuseTaken({ bucket, key, options }: Putting): Promise<void> {
  if (!options.ifAbsent) return
  try {
    if (!(await lookAt(bucket, key, options.signal))) return
  } catch (error) {
    if (answered(error, 403)) return
    throw error
  }
  throw new Fault('storage-exists', `${key} is already stored`)
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
  let unsure = false
  let stated: Stated | null = null
  try {
    stated = await conditionally(putting, (condition) =>
      step.send(condition, (error) => (unsure ||= mayHaveWorked(error))),
    )
  } catch (error) {
    await step.giveUp?.()
    if (!unsure && !options.signal.aborted && !mayHaveWorked(error)) throw error
    if (!(await wasStored(putting, step.inParts))) throw error
  }
  if (stated) await confirm(putting, stated, step.inParts)
  if (step.inParts) await ensureLocked(bucket, key, options.signal)
  return { bytes: digests.bytes, sha256: digests.sha256() }
}

/** Servers that do not know the condition say so; then looking has to do. */
async function conditionally(
  putting: Putting,
  send: (condition: Condition) => Promise<Stated>,
): Promise<Stated> {
  if (!putting.options.ifAbsent) return send({})
  try {
    return await send({ IfNoneMatch: '*' })
  } catch (error) {
    if (!answered(error, 501)) throw error
    await refuseTaken(putting)
    return send({})
  }
}

/** A commit whose answer was lost may have worked. It counts, unless somebody cancelled: then it is taken back. */
async function wasStored(putting: Putting, inParts: boolean): Promise<boolean> {
  const { bucket, key, options } = putting
  const signal = AbortSignal.timeout(bucket.limits.endMs)
  try {
    if (!(await isOurs(putting, inParts, signal))) return false
    if (options.signal.aborted && options.ifAbsent) await removeObject(bucket, key, signal)
    return !options.signal.aborted
  } catch {
    return false // the first failure is the one to tell
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
