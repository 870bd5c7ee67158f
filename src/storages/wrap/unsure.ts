import { Fault } from '../../core/faults.ts'
import type { Log } from '../../core/log.ts'
import type { Spool } from '../../sys/spool.ts'
import type { PutOptions } from '../storage.ts'
import { taken } from './faults.ts'

/** An object on its way to a place where an answer can be lost, and whose credentials may be allowed to do nothing but write. */
export interface Uncertain {
  place: {
    log: Log
    settings: { location: string }
    /** Longest time to look, or to clean up, after a failure. */
    limits: { endMs: number }
  }
  key: string
  options: PutOptions
  /** null when there is no object. */
  look(signal: AbortSignal): Promise<unknown>
  /** Whether the object there is, byte by byte, the one that was sent. */
  isOurs(signal: AbortSignal): Promise<boolean>
  remove(signal: AbortSignal): Promise<void>
  /** Whether the place answered with this status. */
  answered(error: unknown, status: number): boolean
  /** Whether the place may have done what was asked although it did not say so. */
  mayHaveWorked(error: unknown): boolean
}

/** The first bytes of an object whose name is free. @throws Fault storage-exists */
export async function beginPut(
  put: Uncertain,
  spool: Spool,
  partBytes: number,
): Promise<{ first: Buffer; isWhole: boolean }> {
  const { signal } = put.options
  signal.throwIfAborted()
  await refuseTaken(put)
  const first = await spool.read(0, partBytes, signal)
  return {
    first,
    isWhole: first.length < partBytes || (spool.ended() && (await spool.size()) === first.length),
  }
}

/** A taken name is better known before the bytes are sent, and some servers overlook the condition of a put. Who may not look is told
 * by the condition alone.
 * @throws Fault storage-exists */
export async function refuseTaken(put: Uncertain): Promise<void> {
  if (!put.options.ifAbsent) return
  try {
    if (!(await put.look(put.options.signal))) return
  } catch (error) {
    if (put.answered(error, 403)) return
    throw error
  }
  throw taken(put.key)
}

export interface Commit<Stated> {
  /** The request that makes the object visible. @returns what the place states of it */
  send(onRetry: (error: unknown) => void): Promise<Stated>
  /** Whether it states what was sent; looking and reading back count, too. */
  confirms(stated: Stated): Promise<boolean>
  /** Ends what a failure leaves open, so that nothing can become visible after the look. */
  giveUp?: () => Promise<void>
}

/** Makes an object visible, and returns only when the place holds what was sent (promise 2).
 * @throws the failure, or a Fault that can be retried when nobody can tell · object-corrupt · the signal's reason */
export async function commitOnce<Stated>(put: Uncertain, commit: Commit<Stated>): Promise<void> {
  const stated = await sendOnce(put, commit)
  if (stated === null || (await commit.confirms(stated))) return
  await put.remove(put.options.signal)
  const { location } = put.place.settings
  throw new Fault('object-corrupt', `${location} holds other bytes at ${put.key} than were sent`, {
    retry: true,
  })
}

/** A request whose answer was lost may have worked, and then our own second try finds the name taken: only looking tells.
 * @returns what the place stated; null when it did not, but the object was found whole */
async function sendOnce<Stated>(put: Uncertain, { send, giveUp }: Commit<Stated>): Promise<Stated | null> {
  let unsure = false
  try {
    return await send((error) => (unsure ||= put.mayHaveWorked(error)))
  } catch (error) {
    await giveUp?.()
    if (!unsure && !put.options.signal.aborted && !put.mayHaveWorked(error)) throw error
    if (!(await wasStored(put, error))) throw error
    return null
  }
}

/** It counts, unless somebody cancelled: then it is taken back. */
async function wasStored(put: Uncertain, failure: unknown): Promise<boolean> {
  const { options } = put
  const signal = AbortSignal.timeout(put.place.limits.endMs)
  try {
    if (!(await put.isOurs(signal))) return false
    if (options.signal.aborted && options.ifAbsent) await put.remove(signal)
    return !options.signal.aborted
  } catch (error) {
    if (options.signal.aborted || !(failure instanceof Fault) || failure.retry) return false // the first failure is the one to tell
    throw cannotTell(put, error)
  }
}

/** A further attempt stores under a new name, where nothing of this one is in the way. */
function cannotTell(put: Uncertain, error: unknown): Fault {
  const why = put.answered(error, 403) ? 'these credentials may not read' : 'looking for it failed'
  return new Fault(
    'storage-unreachable',
    `whether ${put.key} was stored cannot be told: an answer was lost, and ${why}`,
    { hint: 'what was stored of it may stay behind there; the next attempt uses a new name', cause: error },
  )
}

/** The failure that came first is the one to tell; what stays open is ended by recovery, the sweep or the place itself. */
export async function endOrSay(
  { place: { log, limits }, key, options }: Uncertain,
  end: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  try {
    await end(AbortSignal.timeout(limits.endMs))
    await options.onUpload?.(null)
  } catch (error) {
    log.warn('an unfinished upload could not be ended', { key, error: String(error) })
  }
}
