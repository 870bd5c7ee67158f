import type { ListObjectsV2CommandInput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { Fault } from '../../core/faults.ts'
import { isKey } from '../../core/keys.ts'
import type { ObjectInfo } from '../storage.ts'
import type { Bucket } from './client.ts'

/** A page of objects; a page goes on behind a key, so that it can be asked for again at any time. */
export async function listPage(
  bucket: Bucket,
  { prefix, cursor, signal }: { prefix: string; cursor: string | null; signal: AbortSignal },
): Promise<{ objects: ObjectInfo[]; cursor: string | null }> {
  const { settings } = bucket
  const input = {
    Bucket: settings.bucket,
    Prefix: settings.prefix + prefix,
    EncodingType: 'url' as const, // any name can stand in XML then
    ...(cursor !== null && { StartAfter: settings.prefix + cursor }),
  }
  const page = await filledPage(bucket, input, signal)
  const spell = page.EncodingType === 'url' ? fromUrl : (key: string) => key
  const found = (page.Contents ?? []).map(({ Key = '', Size = 0, LastModified }) => ({
    key: spell(Key).slice(settings.prefix.length),
    bytes: Size,
    modifiedAt: LastModified?.getTime() ?? 0,
  }))
  return {
    objects: found.filter(({ key }) => isKey(key)),
    cursor: page.IsTruncated && found.length > 0 ? found.at(-1)!.key : null,
  }
}

/** A server may cut a page before its first object: that is not the end. @throws Fault storage-unreachable */
async function filledPage(
  bucket: Bucket,
  input: ListObjectsV2CommandInput,
  signal: AbortSignal,
): Promise<ListObjectsV2CommandOutput> {
  const doing = { what: `listing ${bucket.settings.location}`, right: 's3:ListBucket', signal }
  const page = await bucket.call(doing, (s3, http) => s3.listObjectsV2(input, http))
  if (!page.IsTruncated || (page.Contents ?? []).length > 0) return page
  const next = page.NextContinuationToken
  if (next === undefined || next === input.ContinuationToken)
    throw new Fault('storage-unreachable', `${doing.what} was cut, and does not say how to go on`)
  return filledPage(bucket, { ...input, ContinuationToken: next }, signal)
}

function fromUrl(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '))
}
