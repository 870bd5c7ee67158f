import type { S3 } from '@aws-sdk/client-s3'
import type { StorageContext } from '../storage.ts'
import { canPass, explain, type Doing } from './faults.ts'
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
  tries: 7, // with the pauses below about 16 s in all: longer outages are the run's retries
  endMs: 10_000, // a stopping service has so long
  maxParts: 10_000, // S3's own
}

const firstPauseMs = 250
const longestPauseMs = 10_000

export interface Calling extends Doing {
  signal: AbortSignal
  /** Told before each further try. */
  onRetry?: (error: unknown) => void
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
  const { clock } = context
  let client: Promise<S3> | null = null
  return {
    ...context,
    settings,
    limits,
    async call(calling, send) {
      const { signal } = calling
      for (let tried = 1; ; tried++) {
        signal.throwIfAborted()
        try {
          client ??= connect(settings, limits)
          return await send(await client, { abortSignal: signal })
        } catch (error) {
          signal.throwIfAborted()
          if (tried >= limits.tries || !canPass(error)) throw explain(error, calling, settings)
          calling.onRetry?.(error)
          context.log.debug('a call to S3 is tried again', {
            doing: calling.what,
            tried,
            error: String(error),
          })
          await clock.sleep(pause(tried, clock.random()), signal)
        }
      }
    },
  }
}

/** Grows by doubling; half of it is chance, so that many callers do not come back at once. */
function pause(tried: number, chance: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** (tried - 1)) * (0.5 + chance / 2)
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
