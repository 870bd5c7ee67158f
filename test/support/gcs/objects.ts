import { createHash } from 'node:crypto'
import {
  json,
  Refusal,
  refuseUnmatched,
  type GcsAnswer,
  type GcsRequest,
  type Store,
  type Stored,
} from './store.ts'

export function resource(store: Store, name: string, stored: Stored): Record<string, unknown> {
  return {
    kind: 'storage#object',
    name,
    size: String(stored.bytes.length),
    generation: String(stored.generation),
    updated: new Date(stored.updated).toISOString(),
    md5Hash: createHash('md5').update(stored.bytes).digest('base64'),
    ...(store.retentionMs > 0 && {
      retentionExpirationTime: new Date(stored.updated + store.retentionMs).toISOString(),
    }),
  }
}

export function save(store: Store, name: string, bytes: Buffer): Stored {
  const stored = { bytes, generation: ++store.generations, updated: store.now() }
  store.objects.set(name, stored)
  return stored
}

function find(store: Store, name: string, generation: string | null): Stored {
  const found = store.objects.get(name)
  if (found && (generation === null || generation === String(found.generation))) return found
  throw new Refusal(404, 'notFound', `No such object: backups/${name}`)
}

export function getObject(store: Store, name: string, { query, headers }: GcsRequest): GcsAnswer {
  const found = find(store, name, query.get('generation'))
  if (query.get('alt') !== 'media') return json(resource(store, name, found))
  const about = { 'x-goog-generation': String(found.generation) }
  const range = /^bytes=(\d+)-(\d+)$/.exec(String(headers['range'] ?? ''))
  if (!range) return { status: 200, headers: about, body: found.bytes }
  const [start, end] = [Number(range[1]), Math.min(Number(range[2]), found.bytes.length - 1)]
  if (start >= found.bytes.length)
    throw new Refusal(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable')
  return {
    status: 206,
    headers: { ...about, 'content-range': `bytes ${start}-${end}/${found.bytes.length}` },
    body: found.bytes.subarray(start, end + 1),
  }
}

export function listObjects(store: Store, { query }: GcsRequest): GcsAnswer {
  const after = Buffer.from(query.get('pageToken') ?? '', 'base64').toString()
  const limit = Math.min(Number(query.get('maxResults') ?? 1_000), store.pageKeys)
  const names = [...store.objects.keys()]
    .filter((name) => name.startsWith(query.get('prefix') ?? '') && name > after)
    .toSorted()
  const page = names.slice(0, limit)
  return json({
    kind: 'storage#objects',
    ...(page.length > 0 && { items: page.map((name) => resource(store, name, store.objects.get(name)!)) }),
    ...(names.length > limit && { nextPageToken: Buffer.from(page.at(-1)!).toString('base64') }),
  })
}

export function deleteObject(store: Store, name: string): GcsAnswer {
  const found = find(store, name, null)
  if (found.updated + store.retentionMs > store.now())
    throw new Refusal(
      403,
      'retentionPolicyNotMet',
      `Object 'backups/${name}' is subject to bucket's retention policy`,
    )
  store.objects.delete(name)
  return { status: 204 }
}

/** One request with a description and the bytes (uploadType=multipart). */
export function insertWhole(store: Store, request: GcsRequest): GcsAnswer {
  const { name: described, md5Hash, bytes } = parts(request)
  const name = described ?? request.query.get('name')
  if (!name || (request.query.get('name') ?? name) !== name)
    throw new Refusal(400, 'invalid', 'Name mismatch')
  if (md5Hash !== undefined && createHash('md5').update(bytes).digest('base64') !== md5Hash)
    throw new Refusal(400, 'invalid', 'Provided MD5 hash does not match calculated MD5 hash.')
  refuseUnmatched(store, name, request.query.get('ifGenerationMatch'))
  return json(resource(store, name, save(store, name, bytes)))
}

function parts({ headers, body }: GcsRequest): { name?: string; md5Hash?: string; bytes: Buffer } {
  const boundary = /^multipart\/related; boundary=(.+)$/.exec(String(headers['content-type']))?.[1]
  if (boundary === undefined) throw new Refusal(400, 'badContent', 'not multipart/related')
  const open = Buffer.from(`--${boundary}\r\n`)
  const close = Buffer.from(`\r\n--${boundary}--`)
  const second = body.indexOf(Buffer.from(`\r\n--${boundary}\r\n`))
  if (body.indexOf(open) !== 0 || second < 0 || !body.subarray(-close.length).equals(close))
    throw new Refusal(400, 'badContent', 'Malformed multipart body.')
  const blank = Buffer.from('\r\n\r\n')
  const description = body.subarray(body.indexOf(blank) + 4, second).toString()
  const bytes = body.subarray(body.indexOf(blank, second + open.length) + 4, body.length - close.length)
  return { ...(JSON.parse(description) as { name?: string; md5Hash?: string }), bytes: Buffer.from(bytes) }
}
