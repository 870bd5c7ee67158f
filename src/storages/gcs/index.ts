import { checkKey, checkPrefix } from '../../core/keys.ts'
import type { Storage, StorageContext, StorageDriver } from '../storage.ts'
import { checkBucket } from '../wrap/check-bucket.ts'
import { createBucket, usualLimits, type Limits } from './client.ts'
import { getObject, infoOf, listPage, requireBucket } from './look.ts'
import { gcsOptions, judgeOptions, settingsOf } from './options.ts'
import { presignedGet } from './presign.ts'
import { putObject } from './put.ts'
import { removeObject, retainUntil } from './remove.ts'
import { endSession } from './resumable.ts'

/** A bucket of Google Cloud Storage. It is never made here. */
export const gcs: StorageDriver = {
  kind: 'gcs',
  options: gcsOptions,
  judge: judgeOptions,
  readingCosts: true,
  open: (name, options, context) => openGcs(name, options, { ...context, limits: usualLimits }),
}

/** @param context with deadlines, which tests shorten */
export function openGcs(
  name: string,
  options: Record<string, unknown>,
  { limits, ...context }: StorageContext & { limits: Limits },
): Storage {
  const settings = settingsOf(options)
  const bucket = createBucket(settings, context, limits)
  const storage: Storage = {
    name,
    kind: 'gcs',
    location: settings.location,
    put: async (key, spool, options) => {
      checkKey(key)
      return putObject(bucket, key, { spool, options })
    },
    get: async (key, wanted) => {
      checkKey(key)
      return getObject(bucket, key, wanted)
    },
    head: async (key, signal) => {
      checkKey(key)
      return infoOf(bucket, key, signal)
    },
    list: async (prefix, cursor, signal) => {
      checkPrefix(prefix)
      return listPage(bucket, { prefix, cursor, signal })
    },
    remove: async (key, signal) => {
      checkKey(key)
      return removeObject(bucket, key, signal)
    },
    // Google lists no unfinished uploads, and ends them itself after a week
    sweep: async (_which, signal) => {
      await requireBucket(bucket, signal)
      return 0
    },
    abandon: async (key, upload, signal) => {
      checkKey(key)
      return endSession({ bucket, key, upload }, signal)
    },
    retainUntil: async (key, signal) => {
      checkKey(key)
      return retainUntil(bucket, key, signal)
    },
    check: (signal) => checkBucket(storage, signal),
  }
  if (settings.keyFile !== null)
    storage.presign = async (key, options) => {
      checkKey(key)
      return presignedGet(bucket, key, options)
    }
  return storage
}
