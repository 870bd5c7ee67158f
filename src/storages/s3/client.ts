import type { S3 } from '@aws-sdk/client-s3'
import type { StorageContext } from '../storage.ts'
import { tryCall, type Calling } from '../wrap/retry.ts'
import { canPass, explain } from './faults.ts'
import type { Settings } from './options.ts'

/** Deadlines and numbers of tries. */
export interface Limits {
  connectMs: number
  /** Nothing moves on a connection for so long: it is given up. */
  stallMs: number
  /** Tries of one call. */
  tries: number
  /** Longest time to end an upload whose run was cancelled. */
  endMs: number
  maxParts: number
}

export const usualLimits: Limits = {
  connectMs: 10_000,
  stallMs: 60_000,
  tries: 7, // with the pauses about 16 s in all: longer outages are the run's retries
  endMs: 10_000, // a stopping service has so long
  maxParts: 10_000, // S3's own
}

type Http = { abortSignal: AbortSignal }

/** One bucket and how to talk to it. */
export interface Bucket extends StorageContext {
  settings: Settings
  limits: Limits
  /** Each call with its deadlines, tried again with growing pauses where that can help.
   * @throws Fault · the signal's reason */
  call<Answer>(calling: Calling, send: (s3: S3, http: Http) => Promise<Answer>): Promise<Answer>
}

/** Costs nothing until the first call: the SDK is loaded then (promise of a start in under 2 s). */
export function createBucket(settings: Settings, context: StorageContext, limits: Limits): Bucket {
  const bucket = { ...context, settings, limits }
  let client: Promise<S3> | null = null
  return {
    ...bucket,
    call: (calling, send) =>
      tryCall({ ...bucket, canPass, explain }, calling, async () => {
        client ??= connect(settings, limits)
        return send(await client, { abortSignal: calling.signal })
      }),
  }
}

async function connect(settings: Settings, { connectMs, stallMs }: Limits): Promise<S3> {
  const { S3 } = await import('@aws-sdk/client-s3')
  const { region, endpoint, credentials } = settings
  return new S3({
    ...(region !== null && { region }),
    ...(endpoint !== null && { endpoint }),
    ...(credentials && { credentials }),
    forcePathStyle: settings.pathStyle,
    maxAttempts: 1, // ours are counted by our clock
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: connectMs, socketTimeout: stallMs },
    logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
  })
}
