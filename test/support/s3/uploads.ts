import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { checkDigests, crc32Base64, document, S3Refusal, type S3Answer, type S3Request } from './request.ts'
import {
  checkCondition,
  etagOf,
  lockOf,
  newId,
  save,
  shownOf,
  type Part,
  type Store,
  type Upload,
} from './store.ts'

export function createUpload(store: Store, { bucket, key, headers }: S3Request): S3Answer {
  lockOf(store, headers)
  const upload: Upload = { id: newId(), key, startedAt: store.now(), headers, parts: new Map() }
  store.uploads.set(upload.id, upload)
  return {
    status: 200,
    body: document('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: upload.id }),
  }
}

export function uploadPart(store: Store, request: S3Request): S3Answer {
  const { headers, body, query } = request
  const upload = uploadOf(store, request)
  const number = Number(query.get('partNumber'))
  if (!Number.isInteger(number) || number < 1 || number > store.rules.maxParts)
    throw new S3Refusal(
      400,
      'InvalidArgument',
      `Part number must be an integer between 1 and ${store.rules.maxParts}`,
    )
  const { drain } = store.rules
  const crc = drain ? null : checkDigests(body, headers)
  if (upload.headers['x-amz-checksum-algorithm'] === 'CRC32' && !drain && crc === null)
    throw new S3Refusal(400, 'InvalidRequest', 'The upload was created using a crc32 checksum.')
  const md5 = drain
    ? Buffer.from(String(headers['content-md5'] ?? ''), 'base64').toString('hex')
    : createHash('md5').update(body).digest('hex')
  const bytes = Number(headers['content-length'])
  upload.parts.set(number, { body, bytes: drain ? bytes : body.length, etag: etagOf(store, md5) })
  const etag = upload.parts.get(number)!.etag
  return { status: 200, headers: { etag: `"${etag}"`, ...(crc !== null && { 'x-amz-checksum-crc32': crc }) } }
}

export function completeUpload(store: Store, request: S3Request): S3Answer {
  const { bucket, key, headers, body } = request
  const upload = uploadOf(store, request)
  const parts = partsNamed(store, upload, body.toString())
  const whole = Buffer.concat(parts.map((part) => part.body))
  const crc = fullChecksum(upload, whole, headers['x-amz-checksum-crc32'])
  const size = headers['x-amz-mp-object-size']
  if (size !== undefined && Number(size) !== whole.length)
    throw new S3Refusal(400, 'InvalidRequest', 'the size differs')
  checkCondition(store, key, headers)
  const md5s = Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, 'hex')))
  const version = save(store, key, {
    body: whole,
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    etag: `${etagOf(store, createHash('md5').update(md5s).digest('hex'))}-${parts.length}`,
    crc32: crc,
    shown: shownOf(upload.headers),
    ...lockOf(store, upload.headers),
  })
  store.uploads.delete(upload.id)
  return {
    status: 200,
    body: document('CompleteMultipartUploadResult', {
      Location: key,
      Bucket: bucket,
      Key: key,
      ETag: `"${version.etag}"`,
      ...(crc !== null && { ChecksumCRC32: crc, ChecksumType: 'FULL_OBJECT' }),
    }),
  }
}

export function abortUpload(store: Store, request: S3Request): S3Answer {
  store.uploads.delete(uploadOf(store, request).id)
  return { status: 204 }
}

export function listParts(store: Store, request: S3Request): S3Answer {
  const upload = uploadOf(store, request)
  const found = [...upload.parts].sort(([a], [b]) => a - b)
  const Part = found.map(([number, part]) => ({
    PartNumber: number,
    ETag: `"${part.etag}"`,
    Size: part.bytes,
  }))
  return {
    status: 200,
    body: document('ListPartsResult', { Key: upload.key, UploadId: upload.id, IsTruncated: false, Part }),
  }
}

export function listUploads(store: Store, { bucket, query }: S3Request): S3Answer {
  const prefix = query.get('prefix') ?? ''
  const afterKey = query.get('key-marker') ?? ''
  const afterId = query.get('upload-id-marker') ?? ''
  const open = [...store.uploads.values()]
    .filter(
      ({ key, id }) =>
        key.startsWith(prefix) && (key > afterKey || (key === afterKey && afterId !== '' && id > afterId)),
    )
    .sort((a, b) => (a.key === b.key ? (a.id < b.id ? -1 : 1) : a.key < b.key ? -1 : 1))
  const limit = Math.min(store.rules.pageKeys, 1_000)
  const page = open.slice(0, limit)
  const content = {
    Bucket: bucket,
    IsTruncated: open.length > limit,
    ...(open.length > limit && { NextKeyMarker: page.at(-1)!.key, NextUploadIdMarker: page.at(-1)!.id }),
    Upload: page.map(({ key, id, startedAt }) => ({
      Key: key,
      UploadId: id,
      Initiated: new Date(startedAt).toISOString(),
    })),
  }
  return { status: 200, body: document('ListMultipartUploadsResult', content) }
}

function uploadOf(store: Store, { key, query }: S3Request): Upload {
  const upload = store.uploads.get(query.get('uploadId') ?? '')
  if (!upload || upload.key !== key)
    throw new S3Refusal(404, 'NoSuchUpload', 'The specified upload does not exist.')
  return upload
}

/** The parts that a completion names: in order, as they were uploaded, none but the last too small. */
function partsNamed(store: Store, upload: Upload, text: string): Part[] {
  const named = [...text.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part]) => ({
    number: Number(/<PartNumber>(\d+)</.exec(part!)?.[1]),
    etag: (/<ETag>(.*?)</.exec(part!)?.[1] ?? '').replaceAll(/&quot;|"/g, ''),
  }))
  if (named.length === 0) throw new S3Refusal(400, 'MalformedXML')
  return named.map(({ number, etag }, index) => {
    if (index > 0 && number <= named[index - 1]!.number) throw new S3Refusal(400, 'InvalidPartOrder')
    const part = upload.parts.get(number)
    if (!part || part.etag !== etag)
      throw new S3Refusal(400, 'InvalidPart', 'One or more of the specified parts could not be found.')
    if (index < named.length - 1 && part.bytes < store.rules.minPartBytes)
      throw new S3Refusal(
        400,
        'EntityTooSmall',
        'Your proposed upload is smaller than the minimum allowed object size.',
      )
    return part
  })
}

/** The checksum of the whole, where the upload was begun with one. */
function fullChecksum(upload: Upload, whole: Buffer, sent: unknown): string | null {
  if (upload.headers['x-amz-checksum-algorithm'] === undefined) return null
  const own = crc32Base64(crc32(whole))
  if (sent !== undefined && sent !== own)
    throw new S3Refusal(400, 'BadDigest', 'The crc32 you specified did not match the calculated checksum.')
  return own
}
