import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { crc32 } from 'node:zlib'

/** What S3 calls the operations that the stand-in knows. */
export type Action =
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'HeadBucket'
  | 'ListObjectsV2'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts'
  | 'ListMultipartUploads'

export interface S3Request {
  action: Action
  bucket: string
  key: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface S3Answer {
  status: number
  headers?: Record<string, string>
  body?: Buffer | string
}

/** An answer that says no, as S3 words it. */
export class S3Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly more: Record<string, string>
  constructor(status: number, code: string, message = code, more: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.more = more
  }
}

const actions: Record<string, Action> = {
  'PUT key': 'PutObject',
  'GET key': 'GetObject',
  'HEAD key': 'HeadObject',
  'DELETE key': 'DeleteObject',
  'HEAD bucket': 'HeadBucket',
  'GET bucket list-type': 'ListObjectsV2',
  'GET bucket uploads': 'ListMultipartUploads',
  'POST key uploads': 'CreateMultipartUpload',
  'PUT key uploadId': 'UploadPart',
  'POST key uploadId': 'CompleteMultipartUpload',
  'DELETE key uploadId': 'AbortMultipartUpload',
  'GET key uploadId': 'ListParts',
}

export function actionOf(method: string, key: string, query: URLSearchParams): Action {
  const part = ['uploads', 'uploadId', 'list-type'].find((name) => query.has(name))
  const action = actions[[method, key === '' ? 'bucket' : 'key', ...(part ? [part] : [])].join(' ')]
  if (!action) throw new S3Refusal(501, 'NotImplemented', `${method} ${query.toString()}`)
  return action
}

/** The bytes meant to be stored: what SDKs send in signed chunks with a checksum behind them is taken apart and checked. */
export function unchunked(raw: Buffer, headers: IncomingHttpHeaders): Buffer {
  if (!String(headers['x-amz-content-sha256']).startsWith('STREAMING-')) return raw
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = raw.indexOf('\r\n', at)
    const length = Number.parseInt(raw.subarray(at, lineEnd).toString(), 16)
    if (lineEnd < 0 || Number.isNaN(length)) throw new S3Refusal(400, 'IncompleteBody')
    at = lineEnd + 2
    if (length === 0) break
    chunks.push(raw.subarray(at, at + length))
    at += length + 2
  }
  for (const line of raw.subarray(at).toString().split('\r\n')) {
    const [name, value] = line.split(':')
    if (name?.startsWith('x-amz-checksum-')) headers[name] = value
  }
  const body = Buffer.concat(chunks)
  if (body.length !== Number(headers['x-amz-decoded-content-length']))
    throw new S3Refusal(400, 'IncompleteBody')
  return body
}

/** Content-MD5 and the checksums of the body. @returns the CRC32 that was sent, in base64 */
export function checkDigests(body: Buffer, headers: IncomingHttpHeaders): string | null {
  const md5 = headers['content-md5']
  if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64'))
    throw new S3Refusal(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
  let sent: string | null = null
  for (const [name, value] of Object.entries(headers)) {
    const algorithm = /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/.exec(name)?.[1]
    if (!algorithm) continue
    if (checksum(algorithm, body) !== value)
      throw new S3Refusal(400, 'BadDigest', `The ${algorithm} does not match.`)
    if (algorithm === 'crc32') sent = String(value)
  }
  return sent
}

function checksum(algorithm: string, body: Buffer): string {
  if (algorithm === 'crc32') return crc32Base64(crc32(body))
  if (algorithm.startsWith('sha')) return createHash(algorithm).update(body).digest('base64')
  throw new S3Refusal(501, 'NotImplemented', algorithm)
}

export function crc32Base64(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}

export type XmlContent = string | number | boolean | Record<string, unknown>

/** `{ A: { B: 1 }, C: [x, y] }` as XML. */
export function xml(name: string, content: unknown): string {
  if (content === undefined || content === null) return ''
  if (Array.isArray(content)) return content.map((one) => xml(name, one)).join('')
  const inner =
    typeof content === 'object'
      ? Object.entries(content)
          .map(([key, value]) => xml(key, value))
          .join('')
      : escaped(String(content as string | number | boolean))
  return `<${name}>${inner}</${name}>`
}

export function document(name: string, content: XmlContent): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${xml(name, content)}`
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
