import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { S3Refusal } from './request.ts'

export interface Version {
  id: string
  body: Buffer
  /** Of the object; larger than `body` in a server that only drains. */
  bytes: number
  etag: string
  crc32: string | null
  modifiedAt: number
  retainUntil: number | null
  lockMode: string | null
  /** Headers given at the put that a later look shows: encryption, storage class. */
  shown: Record<string, string>
  isMarker: boolean
}

export interface Part {
  body: Buffer
  bytes: number
  etag: string
}

export interface Upload {
  id: string
  key: string
  startedAt: number
  headers: IncomingHttpHeaders
  parts: Map<number, Part>
}

/** How strict and how large the server is; what is left out is as AWS does it. */
export interface Rules {
  /** Keys of a listing's page. */
  pageKeys: number
  minPartBytes: number
  maxParts: number
  /** `If-None-Match: *` on writes: honoured, refused with 501, or ignored as by old servers. */
  conditional: 'honoured' | 'refused' | 'ignored'
  /** Refused: 400 to every x-amz-checksum header, as some servers do. */
  checksums: 'accepted' | 'refused'
  /** `opaque`: an ETag that is no MD5, as with SSE-KMS. */
  etag: 'md5' | 'opaque'
  /** The bucket has versions, and keeps what asks for it until its date. */
  objectLock: boolean
  /** Bytes are counted and forgotten, nothing is checked but signatures without payload: for measuring. */
  drain: boolean
}

export interface Store {
  rules: Rules
  now: () => number
  /** Versions of each key, oldest first. */
  versions: Map<string, Version[]>
  uploads: Map<string, Upload>
  /** Operations that the credentials may not do. */
  denied: Set<string>
}

/** The newest version, when it is not a delete marker. */
export function current(store: Store, key: string): Version | null {
  const newest = store.versions.get(key)?.at(-1)
  return newest && !newest.isMarker ? newest : null
}

/** Without the right to list, S3 does not even say that a key is missing. */
export function requireCurrent(store: Store, key: string): Version {
  const found = current(store, key)
  if (found) return found
  if (store.denied.has('ListObjectsV2')) throw new S3Refusal(403, 'AccessDenied', 'Access Denied')
  throw new S3Refusal(404, 'NoSuchKey', 'The specified key does not exist.')
}

/** `If-None-Match: *` of a put or of a completion. */
export function checkCondition(store: Store, key: string, headers: IncomingHttpHeaders): void {
  const condition = headers['if-none-match']
  if (condition === undefined || store.rules.conditional === 'ignored') return
  if (store.rules.conditional === 'refused' || condition !== '*')
    throw new S3Refusal(
      501,
      'NotImplemented',
      'A header you provided implies functionality that is not implemented.',
    )
  if (current(store, key))
    throw new S3Refusal(
      412,
      'PreconditionFailed',
      'At least one of the pre-conditions you specified did not hold',
    )
}

export function save(
  store: Store,
  key: string,
  version: Omit<Version, 'id' | 'modifiedAt' | 'isMarker'>,
): Version {
  const whole = { ...version, id: newId(), modifiedAt: store.now(), isMarker: false }
  const before = store.rules.objectLock ? (store.versions.get(key) ?? []) : []
  store.versions.set(key, [...before, whole])
  return whole
}

/** Object Lock as asked for by the headers of a put or of a new upload. */
export function lockOf(
  store: Store,
  headers: IncomingHttpHeaders,
): Pick<Version, 'retainUntil' | 'lockMode'> {
  const mode = headers['x-amz-object-lock-mode']
  if (mode === undefined) return { retainUntil: null, lockMode: null }
  if (!store.rules.objectLock)
    throw new S3Refusal(400, 'InvalidRequest', 'Bucket is missing Object Lock Configuration')
  const until = Date.parse(String(headers['x-amz-object-lock-retain-until-date']))
  if (!(until > store.now()))
    throw new S3Refusal(400, 'InvalidArgument', 'The retain until date must be in the future!')
  return { retainUntil: until, lockMode: String(mode) }
}

const shownHeaders = [
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-storage-class',
]

export function shownOf(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    shownHeaders.filter((name) => headers[name] !== undefined).map((name) => [name, String(headers[name])]),
  )
}

export function etagOf(store: Store, md5: string): string {
  return store.rules.etag === 'md5' ? md5 : newId()
}

export function newId(): string {
  return randomBytes(16).toString('hex')
}
