import { createHash } from 'node:crypto'
import { document, checkDigests, S3Refusal, type S3Answer, type S3Request } from './request.ts'
import {
  checkCondition,
  current,
  etagOf,
  lockOf,
  newId,
  requireCurrent,
  save,
  shownOf,
  type Store,
  type Version,
} from './store.ts'

export function putObject(store: Store, { key, headers, body }: S3Request): S3Answer {
  const crc32 = store.rules.drain ? null : checkDigests(body, headers)
  const lock = lockOf(store, headers)
  if (lock.retainUntil !== null && headers['content-md5'] === undefined && crc32 === null)
    throw new S3Refusal(
      400,
      'InvalidRequest',
      'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
    )
  checkCondition(store, key, headers)
  const md5 = createHash('md5').update(body).digest('hex')
  const version = save(store, key, {
    body,
    bytes: body.length,
    etag: etagOf(store, md5),
    crc32,
    shown: shownOf(headers),
    ...lock,
  })
  return {
    status: 200,
    headers: { etag: `"${version.etag}"`, ...checksumHeaders(version), ...version.shown },
  }
}

export function headObject(store: Store, { key, headers }: S3Request): S3Answer {
  const version = requireCurrent(store, key)
  return { status: 200, headers: describe(store, version, headers['x-amz-checksum-mode'] === 'ENABLED') }
}

export function getObject(store: Store, { key, headers, query }: S3Request): S3Answer {
  const version = requireCurrent(store, key)
  const wanted = headers['if-match']
  if (wanted !== undefined && wanted !== `"${version.etag}"`) throw new S3Refusal(412, 'PreconditionFailed')
  const disposition = query.get('response-content-disposition')
  const facts = {
    ...describe(store, version, headers['x-amz-checksum-mode'] === 'ENABLED'),
    ...(disposition !== null && { 'content-disposition': disposition }),
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '')
  if (!range) return { status: 200, headers: facts, body: version.body }
  const start = Number(range[1])
  const end = range[2] === '' ? version.bytes - 1 : Math.min(Number(range[2]), version.bytes - 1)
  if (start >= version.bytes)
    throw new S3Refusal(416, 'InvalidRange', 'The requested range is not satisfiable')
  const body = version.body.subarray(start, end + 1)
  const contentRange = `bytes ${start}-${end}/${version.bytes}`
  return {
    status: 206,
    headers: { ...facts, 'content-length': String(body.length), 'content-range': contentRange },
    body,
  }
}

/** With versions, a plain delete only hides the object; the version itself goes when it is named and not kept by a lock. */
export function deleteObject(store: Store, { key, query, headers }: S3Request): S3Answer {
  const versions = store.versions.get(key) ?? []
  const wanted = query.get('versionId')
  if (wanted === null && store.rules.objectLock) {
    if (current(store, key)) store.versions.set(key, [...versions, marker(store)])
    return { status: 204, headers: { 'x-amz-delete-marker': 'true' } }
  }
  const locked = versions.find(({ id }) => wanted === null || id === wanted)
  const bypass = headers['x-amz-bypass-governance-retention'] === 'true' && locked?.lockMode === 'GOVERNANCE'
  if (locked?.retainUntil && locked.retainUntil > store.now() && !bypass)
    throw new S3Refusal(403, 'AccessDenied', 'Access Denied because object protected by object lock.')
  const left = wanted === null ? [] : versions.filter(({ id }) => id !== wanted)
  if (left.length > 0) store.versions.set(key, left)
  else store.versions.delete(key)
  return { status: 204 }
}

export function listObjects(store: Store, { bucket, query }: S3Request): S3Answer {
  const prefix = query.get('prefix') ?? ''
  const token = query.get('continuation-token')
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64').toString()
  const limit = Math.min(Number(query.get('max-keys') ?? 1_000), store.rules.pageKeys)
  const keys = [...store.versions.keys()]
    .filter((key) => key.startsWith(prefix) && key > after && current(store, key))
    .sort()
  const page = keys.slice(0, limit)
  const spell = query.get('encoding-type') === 'url' ? encodeURIComponent : (key: string) => key
  const isTruncated = keys.length > limit
  const content = {
    Name: bucket,
    Prefix: spell(prefix),
    KeyCount: page.length,
    MaxKeys: limit,
    ...(query.get('encoding-type') === 'url' && { EncodingType: 'url' }),
    IsTruncated: isTruncated,
    ...(isTruncated && { NextContinuationToken: Buffer.from(page.at(-1)!).toString('base64') }),
    Contents: page.map((key) => {
      const { bytes, etag, modifiedAt } = current(store, key)!
      return {
        Key: spell(key),
        LastModified: new Date(modifiedAt).toISOString(),
        ETag: `"${etag}"`,
        Size: bytes,
      }
    }),
  }
  return { status: 200, body: document('ListBucketResult', content) }
}

function describe(store: Store, version: Version, withChecksum: boolean): Record<string, string> {
  const until = version.retainUntil
  return {
    etag: `"${version.etag}"`,
    'content-length': String(version.bytes),
    'last-modified': new Date(version.modifiedAt).toUTCString(),
    'accept-ranges': 'bytes',
    ...version.shown,
    ...(store.rules.objectLock && { 'x-amz-version-id': version.id }),
    ...(withChecksum && checksumHeaders(version)),
    ...(until !== null && {
      'x-amz-object-lock-mode': version.lockMode!,
      'x-amz-object-lock-retain-until-date': new Date(until).toISOString(),
    }),
  }
}

function checksumHeaders({ crc32 }: Version): Record<string, string> {
  return crc32 === null ? {} : { 'x-amz-checksum-crc32': crc32, 'x-amz-checksum-type': 'FULL_OBJECT' }
}

function marker(store: Store): Version {
  return {
    id: newId(),
    body: Buffer.alloc(0),
    bytes: 0,
    etag: '',
    crc32: null,
    modifiedAt: store.now(),
    retainUntil: null,
    lockMode: null,
    shown: {},
    isMarker: true,
  }
}
