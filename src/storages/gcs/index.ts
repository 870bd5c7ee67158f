import type { Storage, StorageDriver } from '../storage.ts'
import { storageOf } from '../wrap/storage-of.ts'
import { createBucket, usualLimits, type Bucket } from './client.ts'
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
  open: (name, options, context) => openGcs(name, createBucket(settingsOf(options), context, usualLimits)),
}

export function openGcs(name: string, bucket: Bucket): Storage {
  const { settings } = bucket
  return storageOf({
    name,
    kind: 'gcs',
    location: settings.location,
    put: (key, spool, options) => putObject(bucket, key, { spool, options }),
    get: (key, wanted) => getObject(bucket, key, wanted),
    head: (key, signal) => infoOf(bucket, key, signal),
    list: (prefix, cursor, signal) => listPage(bucket, { prefix, cursor, signal }),
    remove: (key, signal) => removeObject(bucket, key, signal),
    // Google lists no unfinished uploads, and ends them itself after a week
    sweep: async (_which, signal) => {
      await requireBucket(bucket, signal)
      return 0
    },
    abandon: (key, upload, signal) => endSession({ bucket, key, upload }, signal),
    retainUntil: (key, signal) => retainUntil(bucket, key, signal),
    ...(settings.keyFile !== null && { presign: (key, options) => presignedGet(bucket, key, options) }),
  })
}
