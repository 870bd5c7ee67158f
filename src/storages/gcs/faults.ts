import { Fault, type FaultCode, type FaultOptions } from '../../core/faults.ts'
import type { HttpAnswer } from '../../sys/net/http.ts'
import { commonFault, isCertificateCode, isNetworkCode } from '../wrap/faults.ts'
import type { Doing } from '../wrap/retry.ts'
import type { Settings } from './options.ts'

/** An answer that is an error. */
export class AnswerError extends Error {
  readonly status: number
  /** As Google names it, such as `retentionPolicyNotMet`. */
  readonly reason: string
  readonly said: string
  constructor({ status, body }: HttpAnswer) {
    const { reason, said } = wordsOf(body)
    super(`${status} ${reason}`.trim())
    this.name = 'AnswerError'
    this.status = status
    this.reason = reason
    this.said = said
  }
}

const longestSaid = 300

function wordsOf(body: Buffer): { reason: string; said: string } {
  const text = body.subarray(0, 4_000).toString('utf8')
  try {
    const { error } = JSON.parse(text) as {
      error?: string | { message?: string; errors?: { reason?: string }[] }
    }
    if (typeof error === 'string') return { reason: error, said: '' }
    return { reason: error?.errors?.[0]?.reason ?? '', said: (error?.message ?? '').slice(0, longestSaid) }
  } catch {
    return { reason: '', said: text.split('\n', 1)[0]!.slice(0, longestSaid) }
  }
}

function answerOf(error: unknown): AnswerError | null {
  const raw = error instanceof Fault ? error.cause : error
  return raw instanceof AnswerError ? raw : null
}

/** Whether Google answered with one of these, by reason or status. */
export function answered(error: unknown, ...wanted: (string | number)[]): boolean {
  const answer = answerOf(error)
  return answer !== null && (wanted.includes(answer.reason) || wanted.includes(answer.status))
}

/** Google may have done what was asked although it did not say so. */
export function mayHaveWorked(error: unknown): boolean {
  const answer = answerOf(error)
  return answer === null || answer.status >= 500
}

/** Whether the same call may succeed a moment later. */
export function canPass(error: unknown): boolean {
  if (error instanceof Fault) return error.retry
  if (error instanceof AnswerError) {
    // 401: the token was forgotten, the next try brings a new one
    return (
      error.status >= 500 || [401, 408, 429].includes(error.status) || error.reason === 'rateLimitExceeded'
    )
  }
  const { name = '', code = '' } = error as { name?: string; code?: string }
  if (isCertificateCode(code)) return false
  return ['TimeoutError', 'SocketError'].includes(name) || isNetworkCode(code)
}

/** A failed call in our words: never a header, a token or a key.
 * @returns Fault, or the error itself when it is not about Google */
export function explain(error: unknown, { what, right }: Doing, settings: Settings): unknown {
  if (error instanceof Fault) return error
  const { status, reason, said } = error instanceof AnswerError ? error : noAnswer
  const { bucket, endpoint: server, location } = settings
  const fault = (code: FaultCode, text: string, options: FaultOptions = {}): Fault =>
    new Fault(code, text, { ...options, cause: error })
  if (status === 404 && /bucket does not exist/i.test(said)) return noBucket(settings, error)
  if (status === 401)
    return fault('storage-denied', `${server} does not accept the credentials`, {
      hint: 'check key_file; the clock of this machine must be right, too',
    })
  if (/quota/i.test(reason))
    return fault('disk-full', `${what}: a quota of bucket ${bucket} is used up`, {
      hint: 'raise the quota, or shorten the retention',
    })
  const { code, name: kind } = error as { code?: string; name?: string }
  const name = reason || said || (code ?? kind ?? '')
  const common = commonFault({ error, what, status, name, canPass: canPass(error), server, location })
  if (common) return common
  if (status === 403)
    return fault('storage-denied', `bucket ${bucket} refused ${what} (${reason})`, {
      hint: `allow ${right} to the service account on bucket ${bucket}`,
    })
  if (status === 0) return error
  return fault('storage-denied', `bucket ${bucket} refused ${what}: ${said || reason} (${status})`)
}

const noAnswer = { status: 0, reason: '', said: '' }

export function noBucket({ bucket, endpoint }: Settings, cause: unknown): Fault {
  return new Fault('storage-missing', `there is no bucket ${bucket} at ${endpoint}`, {
    hint: 'make it, or correct bucket: it is never made here',
    cause,
  })
}
