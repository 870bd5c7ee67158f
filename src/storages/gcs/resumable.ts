import { Fault } from '../../core/faults.ts'
import { uploadUrlOf, type Bucket } from './client.ts'
import { answered, AnswerError } from './faults.ts'
import { resourceOf, type Resource } from './look.ts'

/** An upload that goes on chunk by chunk while the dump grows (uploadType=resumable of Google's JSON API). */
export interface Session {
  bucket: Bucket
  key: string
  /** Its name: whoever knows it can go on with it or end it. */
  upload: string
  signal: AbortSignal
}

const right = 'storage.objects.create'

export async function beginSession(
  bucket: Bucket,
  key: string,
  { ifAbsent, signal }: { ifAbsent: boolean; signal: AbortSignal },
): Promise<Session> {
  const { settings } = bucket
  const query = { uploadType: 'resumable', ...(ifAbsent && { ifGenerationMatch: '0' }) }
  const { headers } = await bucket.call(
    { what: `storing ${key}`, right, signal },
    {
      method: 'POST',
      url: uploadUrlOf(settings, key, query),
      headers: { 'content-length': '0' },
      ok: [200, 201],
    },
  )
  const upload = URL.canParse(headers['location'] ?? '')
    ? new URL(headers['location']!).searchParams.get('upload_id')
    : null
  if (upload === null)
    throw new Fault('storage-unreachable', `storing ${key}: an upload was begun, but not named`)
  return { bucket, key, upload, signal }
}

function addressOf({ bucket, key, upload }: Pick<Session, 'bucket' | 'key' | 'upload'>): string {
  return uploadUrlOf(bucket.settings, key, { uploadType: 'resumable', upload_id: upload })
}

export interface Chunk {
  bytes: Buffer
  /** Where it begins in the object. */
  at: number
  /** It is the last one. */
  isLast: boolean
  onRetry?: (error: unknown) => void
}

/** Sends a chunk until Google has kept all of it: after a lost answer it is asked how far it came.
 * @returns the object once the last chunk is in, else null */
export async function sendChunk(session: Session, chunk: Chunk): Promise<Resource | null> {
  const { bucket, key, signal } = session
  const end = chunk.at + chunk.bytes.length
  const total = chunk.isLast ? String(end) : '*'
  let kept = chunk.at
  let unsure = false
  const calling = {
    what: `storing ${key}`,
    right,
    signal,
    onRetry(error: unknown) {
      unsure = true
      chunk.onRetry?.(error)
    },
  }
  try {
    return await bucket.tries(calling, async () => {
      if (unsure) {
        const state = await put(session, Buffer.alloc(0), `bytes */${total}`)
        if (state.object) return state.object
        kept = within(chunk, state.kept, key)
        unsure = false
      }
      for (;;) {
        if (kept === end && !chunk.isLast) return null
        const rest = chunk.bytes.subarray(kept - chunk.at)
        const span = rest.length === 0 ? '*' : `${kept}-${end - 1}`
        const state = await put(session, rest, `bytes ${span}/${total}`)
        if (state.object) return state.object
        if (state.kept <= kept && rest.length > 0) throw new AnswerError(nothingKept)
        kept = within(chunk, state.kept, key)
      }
    })
  } catch (error) {
    if (!answered(error, 404, 410, 499)) throw error
    throw new Fault('storage-unreachable', `storing ${key}: its upload was ended by somebody else`, {
      hint: `let nothing else write to ${bucket.settings.location}: give each installation its own base_path`,
      cause: error,
    })
  }
}

const nothingKept = { status: 503, headers: {}, body: Buffer.from('nothing of a chunk was kept') }

function within({ at, bytes }: Chunk, kept: number, key: string): number {
  if (kept >= at && kept <= at + bytes.length) return kept
  throw new Fault('storage-unreachable', `storing ${key}: what was kept of it before is gone`)
}

/** @returns the object, or how many bytes are kept so far */
async function put(
  session: Session,
  body: Buffer,
  contentRange: string,
): Promise<{ object: Resource | null; kept: number }> {
  const {
    status,
    headers,
    body: said,
  } = await session.bucket.ask(
    {
      method: 'PUT',
      url: addressOf(session),
      headers: { 'content-range': contentRange, 'content-length': String(body.length) },
      body,
      ok: [200, 201, 308],
    },
    session.signal,
  )
  if (status !== 308) return { object: resourceOf(said), kept: 0 }
  const last = /^bytes=0-(\d+)$/.exec(headers['range'] ?? '')?.[1]
  return { object: null, kept: last === undefined ? 0 : Number(last) + 1 }
}

/** Ends an upload; ending what is gone is fine. */
export async function endSession(
  { bucket, key, upload }: Pick<Session, 'bucket' | 'key' | 'upload'>,
  signal: AbortSignal,
): Promise<void> {
  await bucket.call(
    { what: `ending the upload of ${key}`, right, signal },
    // 499 is Google's way to say that it is cancelled
    { method: 'DELETE', url: addressOf({ bucket, key, upload }), ok: [200, 204, 404, 410, 499] },
  )
}
