import { asFault } from '../core/faults.ts'
import type { GuardedAnswer } from '../sys/net/guarded.ts'
import type { Answer } from './once.ts'

const longestRestMs = 60 * 60_000
const shownCharacters = 200

/** What an HTTP answer means for who told something. */
export function readAnswer({ status, retryAfter, text }: GuardedAnswer, now: number): Answer {
  const said = `answered ${status}${detailOf(text)}`
  if (status >= 200 && status < 300) return { outcome: 'sent', text: `answered ${status}` }
  if (status === 408 || status === 425 || status === 429 || status >= 500)
    return { outcome: 'later', text: said, retryAfterMs: restOf(retryAfter, now) }
  if (status >= 300 && status < 400)
    return {
      outcome: 'refused',
      text: `answered ${status}, a redirect`,
      hint: 'redirects are not followed: write the address it leads to',
    }
  const refused: Answer = { outcome: 'refused', text: said }
  if (status === 410)
    return { ...refused, final: true, hint: 'this address is gone for good: write the new one' }
  if ([401, 403, 404, 405, 407].includes(status)) return { ...refused, hint: hints[status] ?? null }
  return { ...refused, alone: true }
}

const hints: Record<number, string> = {
  401: 'write what it wants to see under headers, such as Authorization',
  403: 'write what it wants to see under headers, such as Authorization',
  404: 'look at the path of the address',
}

/** What came instead of an answer. Hearing the same event twice does no harm: it has the same id. */
export function readFailure(error: unknown): Answer {
  const { code, message, hint } = asFault(error)
  return { outcome: code === 'notifier-refused' ? 'refused' : 'later', text: message, hint }
}

function detailOf(text: string): string {
  const line = text.replaceAll(/[\p{C}\s]+/gu, ' ').trim()
  return line === '' || line.startsWith('<') ? '' : `: ${line.slice(0, shownCharacters)}`
}

/** RFC 9110, 10.2.3: seconds, or a date. */
function restOf(written: string | null, now: number): number | null {
  if (written === null) return null
  const ms = /^\d+$/.test(written.trim()) ? Number(written) * 1000 : Date.parse(written) - now
  return Number.isFinite(ms) ? Math.min(longestRestMs, Math.max(1_000, ms)) : null
}
