import type { ListMultipartUploadsCommandInput, ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3'
import { Fault } from '../../core/faults.ts'
import { isKey } from '../../core/keys.ts'
import type { Bucket } from './client.ts'
import { answered } from './faults.ts'
import type { Sweep } from '../storage.ts'

export interface OpenUpload {
  key: string
  upload: string
  startedAt: number
}

type Marker = { KeyMarker?: string; UploadIdMarker?: string }

/** Unfinished uploads whose key starts with `prefix`. */
export async function* uploadsAt(
  { call, settings }: Bucket,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<OpenUpload> {
  const doing = {
    what: `listing unfinished uploads of ${settings.location}`,
    right: 's3:ListBucketMultipartUploads',
    signal,
  }
  for (let marker: Marker | null = {}; marker !== null;) {
    const input: ListMultipartUploadsCommandInput = {
      Bucket: settings.bucket,
      Prefix: settings.prefix + prefix,
      ...marker,
    }
    const page: ListMultipartUploadsCommandOutput = await call(doing, (s3, http) =>
      s3.listMultipartUploads(input, http),
    )
    for (const { Key = '', UploadId: upload = '', Initiated } of page.Uploads ?? [])
      yield { key: Key.slice(settings.prefix.length), upload, startedAt: Initiated?.getTime() ?? 0 }
    marker = page.IsTruncated
      ? { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' }
      : null
  }
}

/** Ends uploads begun before `olderThan`; others may share the bucket, so only of keys that are ours. @returns how many */
export async function sweepUploads(
  bucket: Bucket,
  { olderThan, isOurs }: Sweep,
  signal: AbortSignal,
): Promise<number> {
  let swept = 0
  for await (const open of uploadsAt(bucket, '', signal)) {
    if (open.startedAt >= olderThan || !isKey(open.key) || !isOurs(open.key)) continue
    await endUpload(bucket, open, signal)
    swept++
  }
  return swept
}

const endings = 5
const pauseMs = 500

/** Ends an upload and looks whether it is gone: a part that was still arriving may outlive the first order.
 * @throws Fault storage-denied · storage-unreachable */
export async function endUpload(
  bucket: Bucket,
  { key, upload }: { key: string; upload: string },
  signal: AbortSignal,
): Promise<void> {
  const { settings, clock } = bucket
  const input = { Bucket: settings.bucket, Key: settings.prefix + key, UploadId: upload }
  const ending = { what: `ending the upload of ${key}`, right: 's3:AbortMultipartUpload', signal }
  const looking = { what: ending.what, right: 's3:ListMultipartUploadParts', signal }
  for (let tried = 1; tried <= endings; tried++) {
    try {
      await bucket.call(ending, (s3, http) => s3.abortMultipartUpload(input, http))
      await bucket.call(looking, (s3, http) => s3.listParts({ ...input, MaxParts: 1 }, http))
    } catch (error) {
      if (answered(error, 'NoSuchUpload', 404)) return
      const mayNotLook = answered(error, 403) && error instanceof Fault && error.hint?.includes(looking.right)
      if (mayNotLook) return
      throw error
    }
    await clock.sleep(pauseMs * tried, signal)
  }
  throw new Fault('storage-unreachable', `the upload of ${key} was ended, but its parts are still there`)
}
