import { createHttp, type HttpAnswer, type HttpAsked } from '../../sys/net/http.ts'
import type { StorageContext } from '../storage.ts'
import { tryCall, type Calling } from '../wrap/retry.ts'
import { createCredentials, type Credentials } from './auth.ts'
import { AnswerError, canPass, explain } from './faults.ts'
import type { Settings } from './options.ts'

/** Deadlines and numbers. */
export interface Limits {
  connectMs: number
  /** No answer, or nothing more of it, for so long: the connection is given up. */
  stallMs: number
  /** Of one call; with a chunk of 8 MiB that is a line of at least 0.5 Mbit/s. */
  callMs: number
  /** Tries of one call. */
  tries: number
  /** Longest time to clean up after an upload whose run was cancelled. */
  endMs: number
  /** A multiple of 256 KiB. */
  chunkBytes: number
  pageKeys: number
}

export const usualLimits: Limits = {
  connectMs: 10_000,
  stallMs: 60_000,
  callMs: 120_000,
  tries: 7, // with the pauses about 16 s in all: longer outages are the run's retries
  endMs: 10_000, // a stopping service has so long
  chunkBytes: 8 * 1024 * 1024,
  pageKeys: 1_000,
}

export interface Asked extends Omit<HttpAsked, 'signal'> {
  /** Below the endpoint, or a whole address. */
  url: string
  /** Statuses that are answers; any other is an AnswerError. */
  ok: number[]
}

/** One bucket and how to talk to it. */
export interface Bucket extends StorageContext {
  settings: Settings
  limits: Limits
  credentials: Credentials
  /** Several requests that are one call: tried again together where that can help. @throws Fault · the signal's reason */
  tries<Answer>(calling: Calling, send: () => Promise<Answer>): Promise<Answer>
  /** One request, once. @throws AnswerError and what the network throws */
  ask(asked: Asked, signal: AbortSignal): Promise<HttpAnswer>
  /** Both. */
  call(calling: Calling, asked: Asked): Promise<HttpAnswer>
}

export function createBucket(settings: Settings, context: StorageContext, limits: Limits): Bucket {
  const http = createHttp(limits)
  const credentials = createCredentials(settings, context, http)
  const bucket: Bucket = {
    ...context,
    settings,
    limits,
    credentials,
    tries: (calling, send) => tryCall({ ...context, settings, limits, canPass, explain }, calling, send),
    async ask({ url, ok, headers, ...asked }, signal) {
      const authorization = `Bearer ${await credentials.token(signal)}`
      const address = url.startsWith('/') ? settings.endpoint + url : url
      const answer = await http(address, { ...asked, headers: { ...headers, authorization }, signal })
      if (ok.includes(answer.status)) return answer
      if (answer.status === 401) credentials.forget()
      throw new AnswerError(answer)
    },
    call: (calling, asked) => bucket.tries(calling, () => bucket.ask(asked, calling.signal)),
  }
  return bucket
}

/** Address of an object's resource, or of the bucket's objects. */
export function urlOf(
  { bucket, prefix }: Settings,
  key: string | null,
  query: Record<string, string> = {},
): string {
  const object = key === null ? '' : `/${encodeURIComponent(prefix + key)}`
  const asked = new URLSearchParams(query).toString()
  return `/storage/v1/b/${encodeURIComponent(bucket)}/o${object}${asked === '' ? '' : `?${asked}`}`
}

export function uploadUrlOf(
  { bucket, prefix }: Settings,
  key: string,
  query: Record<string, string>,
): string {
  const asked = new URLSearchParams({ ...query, name: prefix + key })
  return `/upload/storage/v1/b/${encodeURIComponent(bucket)}/o?${asked.toString()}`
}
