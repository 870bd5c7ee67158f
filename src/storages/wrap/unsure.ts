import { Fault } from '../../core/faults.ts'
import type { PutOptions, StorageContext } from '../storage.ts'

/** An object on its way to a place where an answer can be lost, and whose credentials may be allowed to do nothing but write. */
export interface Uncertain extends Pick<StorageContext, 'log'> {
  key: string
  options: PutOptions
  /** Longest time to look, or to clean up, after a failure. */
  endMs: number
  /** null when there is no object. */
  look(signal: AbortSignal): Promise<unknown>
  /** Whether the object there is, byte by byte, the one that was sent. */
  isOurs(signal: AbortSignal): Promise<boolean>
  remove(signal: AbortSignal): Promise<void>
  /** Whether it is a refusal for want of a right. */
  isDenied(error: unknown): boolean
  /** Whether the place may have done what was asked although it did not say so. */
  mayHaveWorked(error: unknown): boolean
}

/** A taken name is better known before the bytes are sent, and some servers overlook the condition of a put. Who may not look is told
 * by the condition alone.
 * @throws Fault storage-exists */
export async function refuseTaken(put: Uncertain): Promise<void> {
  if (!put.options.ifAbsent) return
  try {
    if (!(await put.look(put.options.signal))) return
  } catch (error) {
    if (put.isDenied(error)) return
    throw error
  }
  throw new Fault('storage-exists', `${put.key} is already stored`)
}

/** The request that makes an object visible. One whose answer was lost may have worked, and then our own second try finds the name
 * taken: only looking tells.
 * @param giveUp ends what a failure leaves open, so that nothing can become visible after the look
 * @returns what the place stated; null when it did not, but the object was found whole
 * @throws the failure, or a Fault that can be retried when nobody can tell · the signal's reason */
export async function commitOnce<Stated>(
  put: Uncertain,
  send: (onRetry: (error: unknown) => void) => Promise<Stated>,
  giveUp?: () => Promise<void>,
): Promise<Stated | null> {
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
  const signal = AbortSignal.timeout(put.endMs)
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
  const why = put.isDenied(error) ? 'these credentials may not read' : 'looking for it failed'
  return new Fault(
    'storage-unreachable',
    `whether ${put.key} was stored cannot be told: an answer was lost, and ${why}`,
    { hint: 'what was stored of it may stay behind there; the next attempt uses a new name', cause: error },
  )
}

/** The failure that came first is the one to tell; what stays open is ended by recovery, the sweep or the place itself. */
export async function endOrSay(
  { log, key, options, endMs }: Pick<Uncertain, 'log' | 'key' | 'options' | 'endMs'>,
  end: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  try {
    await end(AbortSignal.timeout(endMs))
    await options.onUpload?.(null)
  } catch (error) {
    log.warn('an unfinished upload could not be ended', { key, error: String(error) })
  }
}
