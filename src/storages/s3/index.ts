import type { Storage, StorageDriver } from '../storage.ts'
import { storageOf } from '../wrap/storage-of.ts'
import { createBucket, usualLimits, type Bucket } from './client.ts'
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
  open: (name, options, context) => openS3(name, createBucket(settingsOf(options), context, usualLimits)),
}

export function openS3(name: string, bucket: Bucket): Storage {
  return storageOf({
    name,
    kind: 's3',
    location: bucket.settings.location,
    put: (key, spool, options) => putObject(bucket, key, { spool, options }),
    get: (key, wanted) => getObject(bucket, key, wanted),
    head: (key, signal) => infoOf(bucket, key, signal),
    list: (prefix, cursor, signal) => listPage(bucket, { prefix, cursor, signal }),
    remove: (key, signal) => removeObject(bucket, key, signal),
    sweep: (which, signal) => sweepUploads(bucket, which, signal),
    abandon: (key, upload, signal) => endUpload(bucket, { key, upload }, signal),
    presign: (key, options, signal) => presignedGet(bucket, key, { ...options, signal }),
    retainUntil: (key, signal) => retainUntil(bucket, key, signal),
  })
}
