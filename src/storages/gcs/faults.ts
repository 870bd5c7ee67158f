import { Fault, type FaultCode, type FaultOptions } from '../../core/faults.ts'
import type { HttpAnswer } from '../../sys/net/http.ts'
import { isCertificateCode, whyNoAnswer } from '../wrap/network.ts'
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

function wordsOf(body: Buffer): { reason: string; said: string } {
  const text = body.subarray(0, 4_000).toString('utf8')
  try {
    const { error } = JSON.parse(text) as {
      error?: string | { message?: string; errors?: { reason?: string }[] }
    }
    if (typeof error === 'string') return { reason: error, said: '' }
    return { reason: error?.errors?.[0]?.reason ?? '', said: error?.message ?? '' }
  } catch {
    return { reason: '', said: text.split('\n', 1)[0]!.slice(0, 200) }
  }
}

export interface Doing {
  /** In words: `storing shop/1/dump`. */
  what: string
  /** The right that it needs, as Google spells it. */
  right: string
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
  return (
    ['TimeoutError', 'SocketError'].includes(name) || /^(E[A-Z]{3,}|HPE_[A-Z_]+|UND_ERR_[A-Z_]+)$/.test(code)
  )
}

/** A failed call in our words: never a header, a token or a key.
 * @returns Fault, or the error itself when it is not about Google */
export function explain(error: unknown, doing: Doing, settings: Settings): unknown {
  if (error instanceof Fault) return error
  if (error instanceof AnswerError) return explainAnswer(error, doing, settings)
  const { code = '' } = error as { code?: string }
  const { endpoint } = settings
  if (isCertificateCode(code))
    return new Fault('storage-unreachable', `the certificate of ${endpoint} is not accepted (${code})`, {
      hint: 'check endpoint; for a certificate of your own set NODE_EXTRA_CA_CERTS',
      retry: false,
      cause: error,
    })
  if (!canPass(error)) return error
  return new Fault(
    'storage-unreachable',
    `${doing.what} failed: ${endpoint} did not answer (${whyNoAnswer(error, ownReasons)})`,
    { hint: 'check that the service can be reached from here', cause: error },
  )
}

function explainAnswer(error: AnswerError, { what, right }: Doing, settings: Settings): Fault {
  const { status, reason, said } = error
  const { bucket, endpoint, location } = settings
  const fault = (code: FaultCode, text: string, options: FaultOptions = {}): Fault =>
    new Fault(code, text, { ...options, cause: error })
  if (status === 404 && /bucket does not exist/i.test(said)) return noBucket(settings, error)
  if (status === 412) return fault('storage-exists', `${what}: an object of this name is already stored`)
  if (status === 404) return fault('object-missing', `${what}: there is no such object in ${location}`)
  if (status === 401)
    return fault('storage-denied', `${endpoint} does not accept the credentials`, {
      hint: 'check key_file; the clock of this machine must be right, too',
    })
  if (/quota/i.test(reason))
    return fault('disk-full', `${what}: a quota of bucket ${bucket} is used up`, {
      hint: 'raise the quota, or shorten the retention',
    })
  if (canPass(error))
    return fault(
      'storage-unreachable',
      `${what} failed: ${endpoint} answered ${status} (${reason || said})`,
      {
        hint: 'check that the service can be reached from here',
      },
    )
  if (status === 403)
    return fault('storage-denied', `bucket ${bucket} refused ${what} (${reason})`, {
      hint: `allow ${right} to the service account on bucket ${bucket}`,
    })
  return fault(
    'storage-denied',
    `bucket ${bucket} refused ${what}: ${said.slice(0, 300) || reason} (${status})`,
  )
}

export function noBucket({ bucket, endpoint }: Settings, cause: unknown): Fault {
  return new Fault('storage-missing', `there is no bucket ${bucket} at ${endpoint}`, {
    hint: 'make it, or correct bucket: it is never made here',
    cause,
  })
}

const ownReasons: Record<string, string> = {
  UND_ERR_SOCKET: 'the connection was lost',
  UND_ERR_CONNECT_TIMEOUT: 'nothing came in time',
  UND_ERR_HEADERS_TIMEOUT: 'nothing came in time',
  UND_ERR_BODY_TIMEOUT: 'nothing came in time',
}
