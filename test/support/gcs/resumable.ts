import { randomUUID } from 'node:crypto'
import { resource, save } from './objects.ts'
import {
  json,
  Refusal,
  refuseUnmatched,
  type GcsAnswer,
  type GcsRequest,
  type Session,
  type Store,
} from './store.ts'

const unit = 256 * 1024

export function begin(store: Store, { query, path }: GcsRequest, origin: string): GcsAnswer {
  const name = query.get('name')
  if (!name) throw new Refusal(400, 'required', 'Required parameter: name')
  const ifGenerationMatch = query.get('ifGenerationMatch')
  refuseUnmatched(store, name, ifGenerationMatch)
  const id = randomUUID()
  store.sessions.set(id, { name, kept: Buffer.alloc(0), ifGenerationMatch, end: null })
  const asked = new URLSearchParams({ uploadType: 'resumable', name, upload_id: id })
  return { status: 200, headers: { location: `${origin}${path}?${asked.toString()}` } }
}

function find(store: Store, { query }: GcsRequest): Session {
  const session = store.sessions.get(query.get('upload_id')!)
  if (!session) throw new Refusal(404, 'notFound', 'No such upload')
  if (session.end === 'cancelled') throw new Refusal(410, 'gone', 'The upload was cancelled')
  return session
}

export function cancel(store: Store, request: GcsRequest): GcsAnswer {
  const session = find(store, request)
  if (session.end === null) session.end = 'cancelled'
  return { status: 499 }
}

/** A chunk, or the question how much is kept, by `Content-Range`. */
export function proceed(store: Store, request: GcsRequest): GcsAnswer {
  const session = find(store, request)
  const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(String(request.headers['content-range'] ?? ''))
  if (!range) throw new Refusal(400, 'invalid', 'Invalid Content-Range')
  if (typeof session.end === 'object' && session.end) return json(resource(store, session.name, session.end))
  const [, start, end, total] = range
  if (start !== undefined)
    keep(store, session, { start: Number(start), end: Number(end), total: total!, body: request.body })
  else if (request.body.length > 0) throw new Refusal(400, 'invalid', 'A body without a range')
  if (total !== '*' && session.kept.length === Number(total)) return complete(store, session)
  return {
    status: 308,
    ...(session.kept.length > 0 && { headers: { range: `bytes=0-${session.kept.length - 1}` } }),
  }
}

interface Chunk {
  start: number
  end: number
  total: string
  body: Buffer
}

function keep(store: Store, session: Session, { start, end, total, body }: Chunk): void {
  if (body.length !== end - start + 1) throw new Refusal(400, 'invalid', 'Content-Range and body differ')
  const isLast = total !== '*' && end + 1 === Number(total)
  if (!isLast && body.length % unit !== 0)
    throw new Refusal(400, 'invalid', 'A chunk is not a multiple of 256 KiB')
  if (start > session.kept.length) throw new Refusal(400, 'invalid', 'A gap before the chunk')
  const news = body.subarray(session.kept.length - start)
  session.kept = Buffer.concat([session.kept, news.subarray(0, store.keepAtMost)])
}

function complete(store: Store, session: Session): GcsAnswer {
  refuseUnmatched(store, session.name, session.ifGenerationMatch)
  session.end = save(store, session.name, session.kept)
  session.kept = Buffer.alloc(0)
  return json(resource(store, session.name, session.end))
}
