import { asFault } from '../core/faults.ts'
import type { Delivery, Notifier } from '../notifiers/notifier.ts'
import { recall, remember } from '../state/memory.ts'
import {
  changedAfter,
  countAsTold,
  dueMessages,
  newestChange,
  settle,
  unsettledKeys,
  type Due,
  type Settlement,
} from '../state/messages.ts'
import type { EngineContext } from './context.ts'

const pollMs = 400 // how soon a new message is noticed; a person does not see less
const backoffMs = [2_000, 5_000, 15_000, 30_000, 60_000] // between tries while a notifier does not answer
const unknownDelayMs = 30_000 // until a post whose outcome is unknown is sent again
const longestUnknownMs = 60 * 60_000 // a place that swallows answers gets one more post of a message an hour at most

/** Makes each notifier show what it should: one loop per notifier, most urgent first, until the signal. */
export async function deliverUntil(context: EngineContext, signal: AbortSignal): Promise<void> {
  const notifiers = await context.notifiers()
  await Promise.all(notifiers.map((notifier) => deliverLoop(context, notifier, signal)))
}

async function deliverLoop(context: EngineContext, notifier: Notifier, signal: AbortSignal): Promise<void> {
  const memory = newMemory()
  await begin(context, notifier).catch((error: unknown) =>
    context.log.error('delivery stumbled', { notifier: notifier.kind, error: asFault(error).message }),
  )
  while (!signal.aborted) {
    const did = await deliverOnce(context, notifier, signal, memory).catch((error: unknown) => {
      context.log.error('delivery stumbled', { notifier: notifier.kind, error: asFault(error).message })
      return 0
    })
    if (did === 0) await context.clock.sleep(pollMs, signal).catch(() => undefined)
  }
}

const recentMs = 60 * 60_000

/** Whoever sets up Slack after months of backups wants to see the next one, and not all of them at once. */
async function begin({ clock, database }: EngineContext, { kind }: Notifier): Promise<void> {
  const key = `told-since/${kind}`
  await database.write(async (tx) => {
    if ((await recall(tx, key)) !== null) return
    await remember(tx, key, String(clock.now()))
    await countAsTold(tx, kind, clock.now() - recentMs)
  })
}

/** What one loop keeps in mind between its passes. */
interface DeliveryMemory {
  /** What was answered and could not be written yet: forgetting it would post the same again (promise 3). */
  unsettled: Map<string, Settlement>
  /** Versions whose turn has not come, by key. Writing that down would cost a transaction for each message of a queue, each second. */
  waiting: Map<string, { version: number; until: number }>
  /** What may be due: found by what changed since, because there may be months of messages that are settled. */
  open: Set<string>
  /** Up to which change that holds; null = nobody looked yet. */
  upTo: number | null
}

function newMemory(): DeliveryMemory {
  return { unsettled: new Map(), waiting: new Map(), open: new Set(), upTo: null }
}

const lookedAt = 100 // posts, and as many edits, of one pass: what is more waits behind what is more urgent

/** One pass over what is due. @returns how many messages were handled */
export async function deliverOnce(
  context: EngineContext,
  notifier: Notifier,
  signal: AbortSignal,
  memory: DeliveryMemory = newMemory(),
): Promise<number> {
  await settleAll(context, notifier, memory)
  await look(context, notifier, memory)
  const when = { now: context.clock.now(), limit: lookedAt }
  const due = await dueMessages(context.database.read, notifier.kind, { ...when, among: [...memory.open] })
  let handled = 0
  for (const one of due) {
    if (signal.aborted) return 0
    if (waits(context, memory, one)) continue
    const settlement = await deliverMessage(context, notifier, { due: one, memory }, signal)
    if (!settlement) continue
    handled += 1
    memory.unsettled.set(one.message.key, settlement)
    await settleAll(context, notifier, memory)
    if (settlement.sentVersion === one.message.version) memory.open.delete(one.message.key)
  }
  return handled
}

/** Any process may owe something: what changed is read from the state. */
async function look({ database }: EngineContext, { kind }: Notifier, memory: DeliveryMemory): Promise<void> {
  const newest = await newestChange(database.read)
  if (newest === memory.upTo) return
  const isFirst = memory.upTo === null || newest < memory.upTo // all of them were forgotten
  const found = isFirst
    ? await unsettledKeys(database.read, kind)
    : await changedAfter(database.read, memory.upTo!)
  for (const key of found) memory.open.add(key)
  memory.upTo = newest
}

/** A newer version is asked about at once: it may be an end. */
function waits({ clock }: EngineContext, { waiting }: DeliveryMemory, { message }: Due): boolean {
  const known = waiting.get(message.key)
  if (known?.version === message.version && known.until > clock.monotonic()) return true
  waiting.delete(message.key)
  return false
}

async function settleAll(
  context: EngineContext,
  notifier: Notifier,
  { unsettled }: DeliveryMemory,
): Promise<void> {
  for (const [key, settlement] of unsettled) {
    await context.database.write((tx) => settle(tx, key, notifier.kind, settlement))
    unsettled.delete(key)
  }
}

/** @returns null when nothing happened: its turn has not come, or the service stops */
async function deliverMessage(
  context: EngineContext,
  notifier: Notifier,
  { due, memory }: { due: Due; memory: DeliveryMemory },
  signal: AbortSignal,
): Promise<Settlement | null> {
  const { message, delivery } = due
  const now = (): number => context.clock.now()
  // what is not for this notifier counts as told, and keeps nothing below it waiting
  if (!notifier.wants(message, delivery.receipt)) return settlementOf(due, unwanted, now())
  const answer = await notifier
    .deliver(message, delivery.receipt, due.parent?.receipt ?? null, signal)
    .catch((error: unknown) => defect(error))
  if (signal.aborted && answer.outcome === 'later') return null
  if (answer.waits) {
    const until = context.clock.monotonic() + (answer.retryAfterMs ?? pollMs)
    memory.waiting.set(message.key, { version: message.version, until })
    return null
  }
  if (!['sent', 'later'].includes(answer.outcome))
    context.log.warn('a message was not delivered', {
      notifier: notifier.kind,
      message: message.key,
      outcome: answer.outcome,
      detail: answer.detail,
    })
  return settlementOf(due, answer, now())
}

const unwanted: Delivery = { outcome: 'refused', receipt: null, retryAfterMs: null, detail: 'not wanted' }

/** A notifier never throws; when one does all the same, it may have posted before. */
function defect(error: unknown): Delivery {
  return { outcome: 'unknown', receipt: null, retryAfterMs: null, detail: asFault(error).message }
}

/** What a delivery's outcome means for the next try. */
function settlementOf(due: Due, answer: Delivery, now: number): Settlement {
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
    case 'unknown':
      return unknownSettlement(due, answer, now)
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

/** An edit is simply made again. A post may be there: it is made once more, and then this version counts as told;
 * later versions are posted further and further apart, until one of them is confirmed. */
function unknownSettlement({ message, delivery }: Due, answer: Delivery, now: number): Settlement {
  const { sentVersion, receipt, tries, unknowns } = delivery
  const same = { sentVersion, receipt, tries: tries + 1, unknowns: unknowns + 1, refused: null }
  if (receipt !== null)
    return {
      ...same,
      retryAt: now + (answer.retryAfterMs ?? backoffMs[Math.min(tries, backoffMs.length - 1)]!),
    }
  const waitMs = Math.min(longestUnknownMs, unknownDelayMs * 2 ** unknowns)
  const retryAt = now + (answer.retryAfterMs ?? waitMs)
  if (unknowns === 0) return { ...same, retryAt }
  return { ...same, sentVersion: message.version, retryAt, refused: 'its outcome stayed unknown' }
}
