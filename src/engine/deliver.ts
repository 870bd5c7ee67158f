import { asFault } from '../core/faults.ts'
import type { Delivery, Notifier } from '../notifiers/notifier.ts'
import { dueMessages, settle, type Due, type Settlement } from '../state/messages.ts'
import type { EngineContext } from './context.ts'

const pollMs = 400 // how soon a new message is noticed; a person does not see less
const backoffMs = [2_000, 5_000, 15_000, 30_000, 60_000] // between tries while a notifier does not answer
const unknownDelayMs = 30_000 // a post whose outcome is unknown is sent again at most once, after this

/** Makes each notifier show what it should: one loop per notifier, most urgent first, until the signal. */
export async function deliverUntil(context: EngineContext, signal: AbortSignal): Promise<void> {
  const notifiers = await context.notifiers()
  await Promise.all(notifiers.map((notifier) => deliverLoop(context, notifier, signal)))
}

async function deliverLoop(context: EngineContext, notifier: Notifier, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const did = await deliverOnce(context, notifier, signal).catch((error: unknown) => {
      context.log.error('delivery stumbled', { notifier: notifier.kind, error: asFault(error).message })
      return 0
    })
    if (did === 0) await context.clock.sleep(pollMs, signal).catch(() => undefined)
  }
}

/** One pass over what is due. @returns how many messages were handled */
export async function deliverOnce(
  context: EngineContext,
  notifier: Notifier,
  signal: AbortSignal,
): Promise<number> {
  const due = await dueMessages(context.database.read, notifier.kind, context.clock.now(), 20)
  for (const one of due) {
    if (signal.aborted) return 0
    await deliverMessage(context, notifier, one, signal)
  }
  return due.length
}

async function deliverMessage(
  context: EngineContext,
  notifier: Notifier,
  due: Due,
  signal: AbortSignal,
): Promise<void> {
  const { message, delivery } = due
  const wanted = notifier.wants(message)
  const answer: Delivery = wanted
    ? await notifier.deliver(message, delivery.receipt, due.parent?.receipt ?? null, signal)
    : { outcome: 'sent', receipt: null, retryAfterMs: null, detail: null }
  if (signal.aborted && answer.outcome === 'later') return
  const settlement = settlementOf(due, answer, context.clock.now())
  await context.database.write((tx) => settle(tx, message.key, notifier.kind, settlement))
  if (answer.outcome !== 'sent')
    // waiting its turn is no trouble: Slack's own limits make every busy hour full of it
    context.log[answer.outcome === 'later' ? 'debug' : 'warn']('a message was not delivered', {
      notifier: notifier.kind,
      message: message.key,
      outcome: answer.outcome,
      detail: answer.detail,
    })
}

/** What a delivery's outcome means for the next try. */
export function settlementOf(due: Due, answer: Delivery, now: number): Settlement {
  const { message, delivery } = due
  const same = {
    sentVersion: delivery.sentVersion,
    receipt: delivery.receipt,
    tries: delivery.tries + 1,
    unknowns: delivery.unknowns,
    refused: null,
  }
  const later = now + (answer.retryAfterMs ?? backoffMs[Math.min(delivery.tries, backoffMs.length - 1)]!)
  switch (answer.outcome) {
    case 'sent':
      return {
        sentVersion: message.version,
        receipt: answer.receipt,
        tries: 0,
        unknowns: 0,
        retryAt: 0,
        refused: null,
      }
    case 'later':
      return { ...same, retryAt: later }
    case 'gone': // deleted by somebody: posted again, as a new message
      return { ...same, receipt: null, retryAt: now }
    case 'unknown': // it may be there: once more at most, then this version counts as told
      return delivery.unknowns === 0
        ? { ...same, unknowns: 1, retryAt: now + (answer.retryAfterMs ?? unknownDelayMs) }
        : {
            ...same,
            sentVersion: message.version,
            unknowns: 0,
            tries: 0,
            retryAt: 0,
            refused: 'its outcome stayed unknown twice',
          }
    case 'refused':
      return {
        ...same,
        sentVersion: message.version,
        tries: 0,
        retryAt: 0,
        refused: answer.detail ?? 'refused',
      }
  }
}
