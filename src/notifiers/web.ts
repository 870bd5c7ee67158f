import { Type } from 'typebox'
import { passed, type Check } from '../core/checks.ts'
import { asFault } from '../core/faults.ts'
import type { NotificationConfig, OptionMistake } from '../core/notifications.ts'
import { judgeUrl } from '../sys/net/addresses.ts'
import type { GuardedAnswer } from '../sys/net/guarded.ts'
import type { NotifierContext } from './notifier.ts'
import type { Answer } from './once.ts'
import { readAnswer, readFailure } from './web-answers.ts'

/** The option of every notifier that calls an address. */
export const allowPrivate = Type.Optional(
  Type.Boolean({
    description: 'Hosts of the own network may be called, and http may be written',
    default: false,
    examples: [true],
  }),
)

/** What is wrong with an address, or null. */
export function judgeAddress(url: string, options: { allow_private?: boolean }): OptionMistake | null {
  try {
    judgeUrl(url, options.allow_private ?? false)
    return null
  } catch (error) {
    const { message, hint } = asFault(error)
    return { mistake: message, hint: hint ?? 'write another address', at: 'url' }
  }
}

/** How a driver calls its address. */
export interface Web {
  /** Never throws. */
  call(url: string, asked: Call, signal: AbortSignal): Promise<Answer>
  /** For doctor: judges the address without a request. Never throws. @param text  what is said of its host when it is right */
  inspect(url: string, text: (host: string) => string, signal: AbortSignal): Promise<Check[]>
}

export interface Call {
  /** JSON that is posted; null = a GET. */
  body: string | null
  headers?: Record<string, string>
  /** Where the service has a language of its own. */
  read?: (answer: GuardedAnswer, now: number) => Answer
  failed?: (error: unknown) => Answer
}

export function webOf({ name, options }: NotificationConfig, context: NotifierContext): Web {
  const { clock, version, resolve, ca } = context
  const mayBePrivate = options.allow_private === true
  const guarded = async () => (await import('../sys/net/guarded.ts')).createGuarded({ resolve, ca }) // only who calls loads it

  return {
    async call(url, { body, headers: own, read = readAnswer, failed = readFailure }, signal) {
      const now = clock.now()
      const type = body !== null && { 'content-type': 'application/json' }
      const headers = { ...own, ...type, 'user-agent': `easy-backup/${version}` }
      try {
        const { ask } = await guarded()
        const method = body === null ? 'GET' : 'POST'
        return read(await ask(url, { method, headers, body, allowPrivate: mayBePrivate, signal }), now)
      } catch (error) {
        return failed(error)
      }
    },
    async inspect(url, text, signal) {
      try {
        return [passed(name, text(await (await guarded()).judge(url, mayBePrivate, signal)))]
      } catch (error) {
        const { message, hint } = asFault(error)
        return [{ name, state: 'failed', text: message, hint }]
      }
    },
  }
}
