import { Fault, type FaultCode, type FaultOptions } from '../../core/faults.ts'
import { commonFault, isCertificateCode, isNetworkCode } from '../wrap/faults.ts'
import type { Doing } from '../wrap/retry.ts'
import type { Settings } from './options.ts'

/** What a failed call of the SDK says. */
interface Answer {
  /** As S3 names it, such as `NoSuchKey`; of a lost connection its errno. */
  name: string
  /** 0 = there was no answer. */
  status: number
  message: string
  headers: Record<string, string>
  region: string | null
}

interface SdkError extends Error {
  Code?: string
  code?: string
  Region?: string
  $metadata?: { httpStatusCode?: number; clockSkewCorrected?: boolean }
  $response?: { statusCode?: number; headers?: Record<string, string> }
}

function answerOf(error: unknown): Answer {
  const raw = (error instanceof Fault ? error.cause : error) as SdkError | undefined
  const status = raw?.$metadata?.httpStatusCode ?? raw?.$response?.statusCode ?? 0
  return {
    name: raw?.Code ?? (raw?.name === 'Error' && raw.code !== undefined ? raw.code : (raw?.name ?? '')),
    status,
    message: raw?.message ?? '',
    headers: raw?.$response?.headers ?? {},
    region: raw?.Region ?? raw?.$response?.headers?.['x-amz-bucket-region'] ?? null,
  }
}

/** Whether S3 answered with one of these, by name or status. */
export function answered(error: unknown, ...wanted: (string | number)[]): boolean {
  const { name, status } = answerOf(error)
  return wanted.includes(name) || wanted.includes(status)
}

/** S3 may have done what was asked although it did not say so. */
export function mayHaveWorked(error: unknown): boolean {
  const { status, name } = answerOf(error)
  return status < 400 || status >= 500 || name === 'InternalError'
}

const again = new Set([
  'RequestTimeout', 'SlowDown', 'TooManyRequests', 'Throttling', 'ThrottlingException', 'RequestLimitExceeded',
  'InternalError', 'ServiceUnavailable', 'OperationAborted', 'ConditionalRequestConflict',
  'BadDigest', 'IncompleteBody', 'XAmzContentSHA256Mismatch', // altered or cut on the way
  'TimeoutError',
]) // prettier-ignore
const never = new Set([
  'NotImplemented',
  'CredentialsProviderError',
  'InsufficientStorage',
  'XMinioStorageFull',
])

/** Whether the same call may succeed a moment later. */
export function canPass(error: unknown): boolean {
  const raw = error as SdkError
  const { name, status } = answerOf(error)
  if (raw.$metadata?.clockSkewCorrected) return true // the SDK has taken over the server's time
  if (never.has(name) || isCertificateCode(raw.code ?? '') || status === 501 || status === 507) return false
  if (again.has(name) || status === 429 || status >= 500) return true
  if (status >= 400) return false
  return raw.$metadata !== undefined || raw.name === 'TimeoutError' || isNetworkCode(raw.code ?? '')
}

/** A failed call in our words: never a header, a URL with a signature or a key.
 * @returns Fault, or the error itself when it is not about S3 */
export function explain(error: unknown, doing: Doing, settings: Settings): unknown {
  if (error instanceof Fault) return error
  const answer = answerOf(error)
  const { bucket, endpoint } = settings
  const fault = (code: FaultCode, text: string, options: FaultOptions = {}): Fault =>
    new Fault(code, text, { ...options, cause: error })
  if (answer.name === 'NoSuchBucket') return noBucket(settings, error)
  const known = knownAnswers[answer.name]
  if (known) return fault(known.code, known.text(settings, doing), { hint: known.hint(settings) })
  if (
    answer.status === 301 ||
    answer.name === 'AuthorizationHeaderMalformed' ||
    answer.name === 'IllegalLocationConstraintException'
  )
    return wrongRegion(answer, settings, error)
  if (answer.status === 507 || /quota|storage ?full/i.test(answer.name))
    return fault('disk-full', `${doing.what}: the quota of bucket ${bucket} is used up`, {
      hint: 'raise the quota, or shorten the retention',
    })
  const server = endpoint ?? 'S3'
  const failed = { error, what: doing.what, server, location: settings.location, canPass: canPass(error) }
  const common = commonFault({ ...failed, ...answer })
  if (common) return common
  if (answer.status === 401 || answer.status === 403)
    return fault('storage-denied', `bucket ${bucket} refused ${doing.what}`, {
      hint: `allow ${doing.right} on ${resourceOf(doing.right, settings)}; if it is allowed, look into the bucket’s own policy and its keys`,
    })
  if (/region is missing/i.test(answer.message))
    return fault('storage-missing', `the region of bucket ${bucket} is not known`, {
      hint: 'write region: under s3',
    })
  if (answer.status >= 400)
    return fault(
      'storage-denied',
      `bucket ${bucket} refused ${doing.what}: ${answer.message.slice(0, 300) || answer.name} (${answer.status})`,
    )
  return error
}

export function noBucket({ bucket, endpoint }: Settings, cause: unknown): Fault {
  return new Fault(
    'storage-missing',
    `there is no bucket ${bucket}${endpoint === null ? '' : ` at ${endpoint}`}`,
    {
      hint: 'make it, or correct bucket: it is never made here',
      cause,
    },
  )
}

function wrongRegion({ region }: Answer, { bucket, region: own }: Settings, cause: unknown): Fault {
  return new Fault(
    'storage-missing',
    `bucket ${bucket} is in ${region ?? 'another region'}, not in ${own ?? 'the default region'}`,
    {
      hint: region === null ? 'write its region: under s3' : `write region: ${region} under s3`,
      cause,
    },
  )
}

function resourceOf(right: string, { bucket, prefix }: Settings): string {
  const ofBucket = ['s3:ListBucket', 's3:ListBucketMultipartUploads'].includes(right)
  return ofBucket ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${prefix}*`
}

interface Known {
  code: FaultCode
  text: (settings: Settings, doing: Doing) => string
  hint: (settings: Settings) => string
}

const newKeys = (what: string): Known => ({
  code: 'storage-denied',
  text: ({ bucket }) => `the credentials for bucket ${bucket} have expired`,
  hint: () => what,
})
const expired = newKeys(
  'get new ones: write a fresh session_token with its keys, or let the default chain renew them',
)

const knownAnswers: Record<string, Known> = {
  NoSuchUpload: {
    code: 'storage-unreachable',
    text: (_settings, { what }) => `${what}: its upload was ended by somebody else`,
    hint: ({ location }) =>
      `let nothing else end uploads in ${location}: give each installation its own base_path`,
  },
  InvalidAccessKeyId: {
    code: 'storage-denied',
    text: ({ endpoint }) => `${endpoint ?? 'S3'} does not know the access key`,
    hint: () => 'check access_key; it may have been deleted',
  },
  SignatureDoesNotMatch: {
    code: 'storage-denied',
    text: ({ endpoint }) => `${endpoint ?? 'S3'} does not accept the secret key`,
    hint: () => 'check secret_key; a missing character or a line break at its end is enough',
  },
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  TokenRefreshRequired: expired,
  InvalidToken: {
    code: 'storage-denied',
    text: ({ endpoint }) => `${endpoint ?? 'S3'} does not accept the session token`,
    hint: () => 'write the session_token that belongs to these keys; permanent keys have none',
  },
  RequestTimeTooSkewed: {
    code: 'storage-denied',
    text: ({ endpoint }) =>
      `the clock of this machine and that of ${endpoint ?? 'S3'} are more than 15 minutes apart`,
    hint: () => 'set the clock: switch on NTP (timedatectl set-ntp true)',
  },
  CredentialsProviderError: {
    code: 'storage-denied',
    text: ({ bucket }) => `no credentials for bucket ${bucket} were found`,
    hint: () =>
      'write credentials: under s3, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role',
  },
}
