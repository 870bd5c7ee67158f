import { Fault, type FaultCode, type FaultOptions } from '../../core/faults.ts'
import { commonFault, isCertificateCode, isNetworkCode } from '../wrap/faults.ts'
import type { Doing } from '../wrap/retry.ts'
import type { Settings } from './options.ts'

interface SdkError extends Error {
  code?: string
  statusCode?: number
  details?: { errorCode?: string }
}

/** What a failed call says: Azure's own name of it, or the errno of a lost connection; 0 = there was no answer. */
function answerOf(error: unknown): { name: string; status: number } {
  const raw = (error instanceof Fault ? error.cause : error) as SdkError | undefined
  return { name: raw?.details?.errorCode ?? raw?.code ?? raw?.name ?? '', status: raw?.statusCode ?? 0 }
}

/** Whether Azure answered with one of these, by name or status. */
export function answered(error: unknown, ...wanted: (string | number)[]): boolean {
  const { name, status } = answerOf(error)
  return wanted.includes(name) || wanted.includes(status)
}

/** Azure may have done what was asked although it did not say so. */
export function mayHaveWorked(error: unknown): boolean {
  const { status } = answerOf(error)
  return status < 400 || status >= 500
}

const altered = ['Md5Mismatch', 'Crc64Mismatch'] // on the way

/** Whether the same call may succeed a moment later. */
export function canPass(error: unknown): boolean {
  if (error instanceof Fault) return error.retry
  const { name, status } = answerOf(error)
  if (isCertificateCode(name)) return false
  if (status >= 500 || status === 429 || status === 408 || altered.includes(name)) return true
  if (status >= 400) return false
  const { name: kind, code = '' } = error as SdkError
  return kind === 'AbortError' || kind === 'TimeoutError' || isNetworkCode(code)
}

/** A failed call in our words: never a header, an address with a token or a key.
 * @returns Fault, or the error itself when it is not about Azure */
export function explain(error: unknown, doing: Doing, settings: Settings): unknown {
  if (error instanceof Fault) return error
  const { name, status } = answerOf(error)
  const { location, container, account } = settings
  const fault = (code: FaultCode, text: string, options: FaultOptions = {}): Fault =>
    new Fault(code, text, { ...options, cause: error })
  const known = knownAnswers[name]
  if (known)
    return fault(known.code, `${doing.what}: ${known.text(settings)}`, { hint: known.hint(settings) })
  const { what } = doing
  const failed = { error, what, name, server: settings.endpoint, location, canPass: canPass(error) }
  const common = commonFault({ ...failed, status: name === 'BlobAlreadyExists' ? 412 : status })
  if (common) return common
  if (status === 401 || status === 403)
    return fault('storage-denied', `container ${container} refused ${doing.what} (${name})`, {
      hint:
        settings.accountKey === null
          ? `allow “${doing.right}” in the token, or look into the firewall and the policies of account ${account}`
          : `check account_key, and look into the firewall and the policies of account ${account}`,
    })
  if (status >= 400)
    return fault('storage-denied', `container ${container} refused ${doing.what}: ${name} (${status})`)
  return error
}

interface Known {
  code: FaultCode
  text: (settings: Settings) => string
  hint: (settings: Settings) => string
}

const noContainer: Known = {
  code: 'storage-missing',
  text: ({ container, endpoint }) => `there is no container ${container} at ${endpoint}`,
  hint: () => 'make it, or correct container: it is never made here',
}

const knownAnswers: Record<string, Known> = {
  ContainerNotFound: noContainer,
  ContainerBeingDeleted: noContainer,
  AuthenticationFailed: {
    code: 'storage-denied',
    text: ({ endpoint, accountKey }) =>
      `${endpoint} does not accept the ${accountKey === null ? 'token' : 'key'}`,
    hint: ({ accountKey }) =>
      accountKey === null
        ? 'check sas_token and its end; the clock of this machine must be right, too'
        : 'check account and account_key; the clock of this machine must be right, too',
  },
  AccountIsDisabled: {
    code: 'storage-denied',
    text: ({ account }) => `the account ${account} is disabled`,
    hint: () => 'switch it on in the portal',
  },
  InvalidBlockList: {
    code: 'storage-unreachable',
    text: () => 'its upload was ended by somebody else',
    hint: ({ location }) =>
      `let nothing else end uploads in ${location}: give each installation its own base_path`,
  },
  SnapshotsPresent: {
    code: 'storage-denied',
    text: () => 'it has snapshots, which somebody else made',
    hint: () => 'delete the snapshots first, or let soft delete do what they are for',
  },
}
