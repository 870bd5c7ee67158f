import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
} from '@slack/web-api'
import type { Delivery } from '../notifiers/notifier.ts'

/** What a failed call of Slack means for the message it carried. */
export interface Failure {
  outcome: Exclude<Delivery['outcome'], 'sent'>
  retryAfterMs: number | null
  detail: string
  /** Slack does not like the blocks; the same words without them may pass. */
  aboutContent: boolean
  /** Nobody answered, or not with an answer of Slack: it may be away. */
  maybeAway: boolean
}

/** Somebody has to mend it (token, scope, channel): seldom asked again, so that nothing is lost until then. */
const mendableRetryMs = 5 * 60_000

/** Never true of the same content later. */
const contentErrors = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'invalid_arguments',
  'invalid_attachments',
  'msg_blocks_too_long',
  'msg_too_long',
  'no_text',
  'markdown_text_conflict',
])

/** The message cannot be edited any more: it was deleted, or never ours. */
const goneErrors = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed'])

/** Slack's own trouble: it may have done it before it failed. */
const brokenErrors = new Set(['internal_error', 'fatal_error', 'request_timeout'])

/** Slack's own trouble: nothing was done. */
const awayErrors = new Set(['service_unavailable', 'team_added_to_org'])

/** @param isEdit edits may be repeated: of them nothing is unknown */
export function failureOf(error: unknown, isEdit: boolean): Failure {
  if (error instanceof WebAPIRateLimitedError)
    return later(`rate limited for ${error.retryAfter} s`, error.retryAfter * 1000)
  if (error instanceof WebAPIPlatformError) return platform(error.data.error, isEdit)
  if (error instanceof WebAPIHTTPError) {
    const detail = `HTTP status ${error.statusCode}`
    return error.statusCode >= 500 ? unanswered(maybeDone(detail, isEdit)) : later(detail, null)
  }
  if (error instanceof WebAPIRequestError) return unanswered(request(error, isEdit))
  const words = error instanceof Error ? error.message : String(error)
  return words.startsWith('Retry header') ? later('rate limited', null) : unanswered(maybeDone(words, isEdit)) // an answer that is none
}

/** @param code  whatever stood in the answer */
function platform(code: unknown, isEdit: boolean): Failure {
  // The client puts an answer that is not JSON where the code should be.
  if (typeof code !== 'string' || !/^[a-z_]{1,80}$/.test(code))
    return unanswered(maybeDone('an answer nobody can read', isEdit))
  if (contentErrors.has(code))
    return { outcome: 'refused', retryAfterMs: null, detail: code, aboutContent: true, maybeAway: false }
  if (isEdit && goneErrors.has(code))
    return { outcome: 'gone', retryAfterMs: null, detail: code, aboutContent: false, maybeAway: false }
  if (brokenErrors.has(code)) return unanswered(maybeDone(code, isEdit))
  if (awayErrors.has(code)) return unanswered(later(code, null))
  return later(code, mendableRetryMs)
}

/** The request never left when there was nobody to take it. */
function request(error: WebAPIRequestError, isEdit: boolean): Failure {
  const cause: unknown = error.original.cause
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''
  const detail = code === '' ? error.original.message : code
  return neverLeft.has(code) ? later(detail, null) : maybeDone(detail, isEdit)
}

const neverLeft = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

function unanswered(failure: Failure): Failure {
  return { ...failure, maybeAway: true }
}

function later(detail: string, retryAfterMs: number | null): Failure {
  return { outcome: 'later', retryAfterMs, detail, aboutContent: false, maybeAway: false }
}

function maybeDone(detail: string, isEdit: boolean): Failure {
  return {
    outcome: isEdit ? 'later' : 'unknown',
    retryAfterMs: null,
    detail,
    aboutContent: false,
    maybeAway: false,
  }
}
