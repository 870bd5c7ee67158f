import { orAborted } from '../../core/or-aborted.ts'
import type { StorageContext } from '../storage.ts'
import { pauseMs } from '../wrap/retry.ts'
import { statusOf } from './faults.ts'
import type { Settings } from './options.ts'
import { openSession, type Limits, type Session } from './session.ts'

/** One server and the connection to it, which is opened when it is needed and closed when nobody needs it any more. */
export interface Pool extends StorageContext {
  settings: Settings
  limits: Limits
  /** A connection for as long as an operation takes, or a stream is read. */
  borrow(signal: AbortSignal): Promise<Borrowed>
  /** An operation that can be done again: after a lost connection it is, on a new one.
   * @throws Fault · what the server answered · the signal's reason */
  repeat<Answer>(signal: AbortSignal, operation: (session: Session) => Promise<Answer>): Promise<Answer>
  /** Before the next try of something. @param tried 1 for the first pause
   * @throws the error when trying again cannot help */
  pauseAfter(error: unknown, tried: number, signal: AbortSignal): Promise<void>
}

export interface Borrowed {
  session: Session
  giveBack(): void
}

export function createPool(settings: Settings, context: StorageContext, limits: Limits): Pool {
  const { clock, log } = context
  let current: Promise<Session> | null = null
  let users = 0
  let rest = 0

  /** All who come meanwhile wait for the same connection; that it is cancelled by one of them must not be felt by the others. */
  async function open(signal: AbortSignal): Promise<Session> {
    for (;;) {
      signal.throwIfAborted()
      const opening = (current ??= openSession(settings, limits, new AbortController().signal))
      try {
        const session = await orAborted(opening, signal)
        if (session.lost() === null) return session
      } catch (error) {
        if (current === opening && !signal.aborted) current = null
        throw error
      }
      if (current === opening) current = null
    }
  }

  /** A rest of nobody's need ends the connection; the process may end before that. */
  function restSoon(): void {
    const now = ++rest
    AbortSignal.timeout(limits.idleMs).addEventListener('abort', () => {
      if (users > 0 || now !== rest) return
      const resting = current
      current = null
      resting?.then((session) => session.close()).catch(() => {})
    })
  }

  function giveBackOnce(): () => void {
    let given = false
    return () => {
      if (given) return
      given = true
      if (--users === 0) restSoon()
    }
  }

  const pool: Pool = {
    ...context,
    settings,
    limits,
    async borrow(signal) {
      users++
      const giveBack = giveBackOnce()
      try {
        return { session: await open(signal), giveBack }
      } catch (error) {
        giveBack()
        throw error
      }
    },
    async repeat(signal, operation) {
      for (let tried = 1; ; tried++) {
        try {
          const { session, giveBack } = await pool.borrow(signal)
          return await orAborted(operation(session).finally(giveBack), signal)
        } catch (error) {
          await pool.pauseAfter(error, tried, signal)
        }
      }
    },
    async pauseAfter(error, tried, signal) {
      signal.throwIfAborted()
      if (tried >= limits.tries || !wasLost(error)) throw error
      log.debug('an operation of SFTP is tried again', { tried, error: String(error) })
      await clock.sleep(pauseMs(tried, clock.random()), signal)
    },
  }
  return pool
}

export function wasLost(error: unknown): boolean {
  return statusOf(error) === null && (error as { code?: unknown }).code === 'storage-unreachable'
}
