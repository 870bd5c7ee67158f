import { checkKey, checkPrefix } from '../../core/keys.ts'
import type { Storage, StorageContext, StorageDriver } from '../storage.ts'
import { checkBucket } from '../wrap/check-bucket.ts'
import { createBucket, usualLimits, type Limits } from './client.ts'
import { getObject } from './get.ts'
import { listPage } from './list.ts'
import { infoOf } from './look.ts'
import { judgeOptions, s3Options, settingsOf } from './options.ts'
import { presignedGet } from './presign.ts'
import { putObject } from './put.ts'
import { removeObject, retainUntil } from './remove.ts'
import { endUpload, sweepUploads } from './uploads.ts'

/** A bucket of AWS or of any other server that speaks S3. It is never made here. */
export const s3: StorageDriver = {
  kind: 's3',
  options: s3Options,
  judge: judgeOptions,
  readingCosts: true,
  open: (name, options, context) => openS3(name, options, { ...context, limits: usualLimits }),
}

/** @param context with deadlines, which tests shorten */
export function openS3(
  name: string,
  options: Record<string, unknown>,
  { limits, ...context }: StorageContext & { limits: Limits },
): Storage {
  const settings = settingsOf(options)
  const bucket = createBucket(settings, context, limits)
  const storage: Storage = {
    name,
    kind: 's3',
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
    sweep: (which, signal) => sweepUploads(bucket, which, signal),
    abandon: async (key, upload, signal) => {
      checkKey(key)
      return endUpload(bucket, { key, upload }, signal)
    },
    presign: async (key, options, signal) => {
      checkKey(key)
      return presignedGet(bucket, key, { ...options, signal })
    },
    retainUntil: async (key, signal) => {
      checkKey(key)
      return retainUntil(bucket, key, signal)
    },
    check: (signal) => checkBucket(storage, signal),
  }
  return storage
}
