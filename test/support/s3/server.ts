import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { answerWith, createScript, type Rule, type Script } from './misbehaviour.ts'
import { deleteObject, getObject, headObject, listObjects, putObject } from './objects.ts'
import {
  actionOf,
  document,
  S3Refusal,
  unchunked,
  type Action,
  type S3Answer,
  type S3Request,
} from './request.ts'
import { checkSignature, type Account } from './signature.ts'
import { current, type Rules, type Store } from './store.ts'
import { abortUpload, completeUpload, createUpload, listParts, listUploads, uploadPart } from './uploads.ts'

export interface S3Options extends Partial<Rules> {
  /** Session token that requests must carry. */
  sessionToken?: string
  region?: string
  /** The server's own time. */
  now?: () => number
  port?: number
}

/** One request as it went, for looking at what a driver asked. */
export interface Seen {
  action: Action
  key: string
  status: number
  headers: Record<string, unknown>
  query: URLSearchParams
}

export interface S3Server {
  endpoint: string
  bucket: string
  region: string
  credentials: { access_key: string; secret_key: string; session_token?: string }
  /** Options of the `s3` driver for this bucket; what is given wins. */
  options(own?: Record<string, unknown>): Record<string, unknown>
  /** Makes requests go wrong. @returns what ends it */
  misbehave(rule: Rule): () => void
  /** From now on the credentials may not do these. */
  deny(...actions: Action[]): void
  allow(...actions: Action[]): void
  /** Keys of the visible objects, in order. */
  objects(): string[]
  read(key: string): Buffer
  /** Changes stored bytes behind everybody's back. */
  overwrite(key: string, bytes: Buffer): void
  /** Removes an object behind everybody's back. */
  drop(key: string): void
  /** Versions behind the visible objects, hidden ones and delete markers included. */
  versions(key: string): { id: string; isMarker: boolean }[]
  shown(key: string): Record<string, string>
  openUploads(): { key: string; id: string; parts: number }[]
  readonly seen: Seen[]
  /** From now on the bucket is not there. */
  dropBucket(): void
  stop(): Promise<void>
}

const bucket = 'backups'

const asAws: Rules = {
  pageKeys: 1_000,
  minPartBytes: 5 * 1024 * 1024,
  maxParts: 10_000,
  conditional: 'honoured',
  checksums: 'accepted',
  etag: 'md5',
  objectLock: false,
  drain: false,
}

const handlers: Record<Action, (store: Store, request: S3Request) => S3Answer> = {
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
  HeadBucket: () => ({ status: 200 }),
  ListObjectsV2: listObjects,
  CreateMultipartUpload: createUpload,
  UploadPart: uploadPart,
  CompleteMultipartUpload: completeUpload,
  AbortMultipartUpload: abortUpload,
  ListParts: listParts,
  ListMultipartUploads: listUploads,
}

/** A strict S3 server in memory with one bucket: signatures, digests, conditions, rules of multipart uploads, pages and
 * Object Lock as AWS has them; it can be told to misbehave, and shows what lies in it. Ended by `t.after` when a test is given. */
export async function startS3(
  t: Pick<TestContext, 'after'> | null,
  options: S3Options = {},
): Promise<S3Server> {
  const { sessionToken = null, region = 'us-east-1', now = () => Date.now(), port = 0, ...rules } = options
  const account: Account = {
    accessKey: 'AKIASTANDIN',
    secretKey: 'stand-in-secret',
    sessionToken,
    region,
    now,
  }
  const store: Store = {
    rules: { ...asAws, ...rules },
    now,
    versions: new Map(),
    uploads: new Map(),
    denied: new Set(),
  }
  const house: House = { account, store, script: createScript(), seen: [], hasBucket: true }
  const server = createServer((request, response) => void serve(house, request, response))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  t?.after(stop)
  return facadeOf(house, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop)
}

interface House {
  account: Account
  store: Store
  script: Script
  seen: Seen[]
  hasBucket: boolean
}

function facadeOf(house: House, endpoint: string, stop: () => Promise<void>): S3Server {
  const { store, account } = house
  const credentials = {
    access_key: account.accessKey,
    secret_key: account.secretKey,
    ...(account.sessionToken !== null && { session_token: account.sessionToken }),
  }
  const found = (key: string): NonNullable<ReturnType<typeof current>> => {
    const version = current(store, key)
    if (!version) throw new Error(`no object ${key}`)
    return version
  }
  return {
    endpoint,
    bucket,
    region: account.region,
    credentials,
    options: (own) => ({ bucket, endpoint, region: account.region, credentials, ...own }),
    misbehave: (rule) => house.script.add(rule),
    deny: (...actions) => actions.forEach((action) => store.denied.add(action)),
    allow: (...actions) => actions.forEach((action) => store.denied.delete(action)),
    objects: () => [...store.versions.keys()].filter((key) => current(store, key)).sort(),
    read: (key) => found(key).body,
    overwrite: (key, bytes) => void Object.assign(found(key), { body: bytes, bytes: bytes.length }),
    drop: (key) => void store.versions.delete(key),
    versions: (key) => (store.versions.get(key) ?? []).map(({ id, isMarker }) => ({ id, isMarker })),
    shown: (key) => found(key).shown,
    openUploads: () =>
      [...store.uploads.values()].map(({ key, id, parts }) => ({ key, id, parts: parts.size })),
    seen: house.seen,
    dropBucket: () => void (house.hasBucket = false),
    stop,
  }
}

async function serve(house: House, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url!, 'http://s3')
  const [name = '', ...rest] = url.pathname.slice(1).split('/')
  const key = decodeURIComponent(rest.join('/'))
  request.on('error', () => {})
  response.on('error', () => {})
  let action: Action
  try {
    action = actionOf(request.method!, key, url.searchParams)
  } catch (error) {
    request.resume()
    return answerWith(response, refusal(error as S3Refusal, request), null)
  }
  const trouble = house.script.next(action, key === '' ? (url.searchParams.get('prefix') ?? '') : key)
  if (trouble && 'blackhole' in trouble) return void request.resume()
  const cut = trouble && 'cutRequestAt' in trouble ? trouble.cutRequestAt : null
  const raw = await bodyOf(request, { cut, keep: !house.store.rules.drain || action !== 'UploadPart' })
  if (raw === null) return
  const asked = { action, bucket: name, key, query: url.searchParams, headers: request.headers, body: raw }
  let answer: S3Answer
  try {
    if (trouble && 'answer' in trouble) {
      if (trouble.in200)
        answer = {
          status: 200,
          body: document('Error', { Code: trouble.code, Message: trouble.message ?? trouble.code }),
        }
      else throw new S3Refusal(trouble.answer, trouble.code, trouble.message)
    } else answer = carryOut(house, request, asked)
  } catch (error) {
    if (!(error instanceof S3Refusal)) throw error
    answer = refusal(error, request, house.account.region)
  }
  house.seen.push({ action, key, status: answer.status, headers: request.headers, query: url.searchParams })
  answerWith(response, answer, trouble)
}

function carryOut(house: House, request: IncomingMessage, asked: S3Request): S3Answer {
  const { store, account } = house
  checkSignature(request, store.rules.drain ? null : asked.body, account)
  if (!house.hasBucket || asked.bucket !== bucket)
    throw new S3Refusal(404, 'NoSuchBucket', 'The specified bucket does not exist')
  if (store.denied.has(asked.action)) throw new S3Refusal(403, 'AccessDenied', 'Access Denied')
  const checksumHeader = Object.keys(asked.headers).some((name) =>
    /^x-amz-(sdk-)?checksum-(?!mode)/.test(name),
  )
  if (store.rules.checksums === 'refused' && checksumHeader)
    throw new S3Refusal(400, 'InvalidArgument', 'checksum headers are not supported')
  return handlers[asked.action](store, { ...asked, body: unchunked(asked.body, asked.headers) })
}

/** null when the connection was cut, by us or by the client. */
async function bodyOf(
  request: IncomingMessage,
  { cut, keep }: { cut: number | null; keep: boolean },
): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    if (cut === 0) {
      request.socket.destroy()
      return null
    }
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length
      if (keep) chunks.push(chunk)
      if (cut !== null && length >= cut) {
        request.socket.destroy()
        return null
      }
    }
  } catch {
    return null // the client is gone
  }
  if (cut === null) return Buffer.concat(chunks)
  request.socket.destroy()
  return null
}

function refusal(
  { status, code, message, more }: S3Refusal,
  request: IncomingMessage,
  region?: string,
): S3Answer {
  const headers: Record<string, string> = { 'content-type': 'application/xml' }
  if (region !== undefined && more.Region !== undefined) headers['x-amz-bucket-region'] = region
  if (request.method === 'HEAD') return { status, headers }
  return {
    status,
    headers,
    body: document('Error', { Code: code, Message: message, ...more, RequestId: 'stand-in' }),
  }
}
