import type { Readable } from 'node:stream'
import { Fault } from '../../core/faults.ts'
import { isKey } from '../../core/keys.ts'
import type { ObjectInfo } from '../storage.ts'
import { readInWindows, type AskedWindow, type Window } from '../wrap/windows.ts'
import { urlOf, type Bucket } from './client.ts'
import { answered, noBucket } from './faults.ts'

/** An object as Google describes it. */
export interface Resource {
  name: string
  size: string
  updated: string
  generation: string
  /** Base64; absent of objects that were composed. */
  md5Hash?: string
  retentionExpirationTime?: string
  retention?: { retainUntilTime?: string }
  temporaryHold?: boolean
  eventBasedHold?: boolean
}

const fields =
  'name,size,updated,generation,md5Hash,retentionExpirationTime,retention,temporaryHold,eventBasedHold'

/** null when there is none, or not even the bucket. */
export async function lookAt(bucket: Bucket, key: string, signal: AbortSignal): Promise<Resource | null> {
  const doing = { what: `looking for ${key}`, right: 'storage.objects.get', signal }
  try {
    const url = urlOf(bucket.settings, key, { fields })
    return resourceOf((await bucket.call(doing, { method: 'GET', url, ok: [200] })).body)
  } catch (error) {
    if (answered(error, 404)) return null
    throw error
  }
}

export function resourceOf(body: Buffer): Resource {
  return JSON.parse(body.toString('utf8')) as Resource
}

/** @throws Fault storage-missing when there is not even the bucket */
export async function infoOf(bucket: Bucket, key: string, signal: AbortSignal): Promise<ObjectInfo | null> {
  const found = await lookAt(bucket, key, signal)
  if (!found) await requireBucket(bucket, signal)
  return found && objectInfo(bucket, found)
}

function objectInfo({ settings }: Bucket, { name, size, updated }: Resource): ObjectInfo {
  return { key: name.slice(settings.prefix.length), bytes: Number(size), modifiedAt: Date.parse(updated) }
}

/** @throws Fault storage-missing */
export async function requireBucket(bucket: Bucket, signal: AbortSignal): Promise<void> {
  const doing = {
    what: `looking for bucket ${bucket.settings.bucket}`,
    right: 'storage.objects.list',
    signal,
  }
  try {
    const url = urlOf(bucket.settings, null, { maxResults: '1', fields: 'nextPageToken' })
    await bucket.call(doing, { method: 'GET', url, ok: [200] })
  } catch (error) {
    if (answered(error, 403)) return // it is there, and not for us to list
    throw answered(error, 404) ? noBucket(bucket.settings, error) : error
  }
}

type Page = { objects: ObjectInfo[]; cursor: string | null }

/** A page of objects in key order. Google may cut a page before its first object: that is not the end. */
export async function listPage(
  bucket: Bucket,
  { prefix, cursor, signal }: { prefix: string; cursor: string | null; signal: AbortSignal },
): Promise<Page> {
  const { settings, limits } = bucket
  const url = urlOf(settings, null, {
    prefix: settings.prefix + prefix,
    maxResults: String(limits.pageKeys),
    fields: 'nextPageToken,items(name,size,updated)',
    ...(cursor !== null && { pageToken: cursor }),
  })
  const doing = { what: `listing ${settings.location}`, right: 'storage.objects.list', signal }
  const { body } = await bucket.call(doing, { method: 'GET', url, ok: [200] })
  const page = JSON.parse(body.toString('utf8')) as { items?: Resource[]; nextPageToken?: string }
  const objects = (page.items ?? []).map((item) => objectInfo(bucket, item)).filter(({ key }) => isKey(key))
  const next = page.nextPageToken ?? ''
  if (next !== '' && objects.length === 0) return listPage(bucket, { prefix, cursor: next, signal })
  return { objects, cursor: next === '' ? null : next }
}

/** An object's bytes. @throws Fault object-missing · storage-missing */
export function getObject(
  bucket: Bucket,
  key: string,
  { range, signal }: { range?: { start: number; end: number } | undefined; signal: AbortSignal },
): Promise<Readable> {
  return readInWindows({
    range,
    signal,
    fetch: (asked) => fetchWindow(bucket, key, asked),
  })
}

async function fetchWindow(
  bucket: Bucket,
  key: string,
  { start, end, version, signal }: AskedWindow,
): Promise<Window | null> {
  const doing = { what: `reading ${key}`, right: 'storage.objects.get', signal }
  const url = urlOf(bucket.settings, key, { alt: 'media', ...(version !== null && { generation: version }) })
  const asked = { method: 'GET', url, headers: { range: `bytes=${start}-${end}` }, ok: [206, 416] } as const
  try {
    return await bucket.tries(doing, async () => {
      const { status, headers, body } = await bucket.ask({ ...asked, ok: [...asked.ok] }, signal)
      if (status === 416) return null
      const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers['content-range'] ?? '') ?? []
      const wanted = Math.min(end + 1, Number(total)) - start
      if (Number(from) !== start || body.length !== wanted)
        throw new Fault('storage-unreachable', `${doing.what}: another part was sent than was asked for`)
      return { bytes: body, total: Number(total), version: headers['x-goog-generation'] ?? '' }
    })
  } catch (error) {
    if (version !== null && answered(error, 404, 412))
      throw new Fault('object-corrupt', `${key} was replaced or removed while it was read`, { cause: error })
    if (answered(error, 404)) await requireBucket(bucket, signal)
    throw error
  }
}
