import { Readable } from 'node:stream'
import { Fault } from '../../core/faults.ts'
import { passedThrough } from '../../sys/memory.ts'
import { readerOf } from '../wrap/reader.ts'
import { pauseMs } from '../wrap/retry.ts'
import type { Bucket } from './client.ts'
import { answered, canPass, explain } from './faults.ts'

export interface Wanted {
  range?: { start: number; end: number } | undefined
  signal: AbortSignal
}

/** An object's bytes. A connection that breaks is taken up again where it broke, as long as the object is the same one.
 * @throws Fault object-missing */
export async function getObject(bucket: Bucket, key: string, { range, signal }: Wanted): Promise<Readable> {
  const closing = new AbortController()
  const reading = { bucket, key, signal: AbortSignal.any([signal, closing.signal]) }
  const first = await open(reading, { start: range?.start ?? 0, end: range?.end ?? null, etag: null })
  const bytes = follow(reading, first)
  return readerOf(bytes, (why) => closing.abort(why))
}

interface Reading {
  bucket: Bucket
  key: string
  signal: AbortSignal
}

/** An answer that is being read. */
interface Opened {
  body: Readable
  start: number
  /** Last byte it has to bring; before `start` when there is none. */
  last: number
  etag: string | null
}

async function* follow(reading: Reading, first: Opened): AsyncGenerator<Buffer> {
  const { bucket, signal } = reading
  let opened = first
  let at = first.start
  for (let failures = 0; ;) {
    try {
      for await (const chunk of opened.body as AsyncIterable<Buffer>) {
        at += chunk.length
        failures = 0
        passedThrough(chunk.length)
        yield chunk
      }
      if (at > opened.last) return
      throw Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' })
    } catch (error) {
      signal.throwIfAborted()
      if (++failures >= bucket.limits.tries || !canPass(error))
        throw explain(error, doingOf(reading.key), bucket.settings)
      opened.body.destroy()
      await bucket.clock.sleep(pauseMs(failures, bucket.clock.random()), signal)
      opened = await open(reading, { start: at, end: first.last, etag: first.etag })
    }
  }
}

const doingOf = (key: string) => ({ what: `reading ${key}`, right: 's3:GetObject' })

async function open(
  { bucket, key, signal }: Reading,
  { start, end, etag }: { start: number; end: number | null; etag: string | null },
): Promise<Opened> {
  const { settings } = bucket
  const partly = start > 0 || end !== null
  const input = {
    Bucket: settings.bucket,
    Key: settings.prefix + key,
    ...(partly && { Range: `bytes=${start}-${end ?? ''}` }),
    ...(etag !== null && { IfMatch: etag }),
  }
  try {
    const answer = await bucket.call({ ...doingOf(key), signal }, (s3, http) => s3.getObject(input, http))
    const body = answer.Body as unknown as Readable
    if (partly && Number(/^bytes (\d+)-/.exec(answer.ContentRange ?? '')?.[1]) !== start) {
      body.destroy()
      throw new Fault('storage-unreachable', `reading ${key}: another part was sent than was asked for`)
    }
    return { body, start, last: start + (answer.ContentLength ?? 0) - 1, etag: answer.ETag ?? null }
  } catch (error) {
    if (answered(error, 416)) return { body: Readable.from([]), start, last: start - 1, etag }
    if (etag !== null && answered(error, 412, 404))
      throw new Fault('object-corrupt', `${key} was replaced or removed while it was read`, { cause: error })
    throw error
  }
}
