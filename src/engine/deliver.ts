import type { Config } from '../core/config.ts'
import { asFault } from '../core/faults.ts'
import { nameOf, type Delivery, type Notifier } from '../notifiers/notifier.ts'
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
import { isOff, noteOn, tellOff } from './notifiers.ts'
import { settlementOf } from './settlements.ts'

const pollMs = 400 // how soon a new message is noticed; a person does not see less

/** Makes each notifier show what it should: one loop per notifier, most urgent first, until the signal. A reload may bring others;
 * what was begun for one that is gone is ended first, so that nothing is said twice. */
export async function deliverUntil(context: EngineContext, signal: AbortSignal): Promise<void> {
  const loops = new Map<Notifier, Loop>()
  const unwatch = context.bus.watch((event) => {
    if (event.type === 'beat') for (const notifier of loops.keys()) notifier.beat?.(event.at, signal)
  })
  for (let of: Config | null = null; !signal.aborted;) {
    if (context.config !== of) {
      of = context.config
      await adopt(context, loops, { notifiers: await context.notifiers(), signal })
    }
    await context.clock.sleep(pollMs, signal).catch(() => undefined)
  }
  await Promise.all([...loops.values()].map(({ ended }) => ended))
  unwatch()
}

/** One notifier being told. */
interface Loop {
  memory: DeliveryMemory
  ended: Promise<void>
}

async function adopt(
  context: EngineContext,
  loops: Map<Notifier, Loop>,
  { notifiers, signal }: { notifiers: readonly Notifier[]; signal: AbortSignal },
): Promise<void> {
  for (const [notifier, { memory, ended }] of loops) {
    if (notifiers.includes(notifier)) continue
    memory.isOver = true
    await ended
    loops.delete(notifier)
  }
  for (const notifier of notifiers) {
    if (loops.has(notifier)) continue
    const memory = newMemory()
    loops.set(notifier, { memory, ended: deliverLoop(context, notifier, { memory, signal }) })
  }
}

async function deliverLoop(
  context: EngineContext,
  notifier: Notifier,
  { memory, signal }: { memory: DeliveryMemory; signal: AbortSignal },
): Promise<void> {
  const stumbled = (error: unknown): number => {
    context.log.error('delivery stumbled', { notifier: nameOf(notifier), error: asFault(error).message })
    return 0
  }
  await begin(context, notifier).catch(stumbled)
  while (!signal.aborted && !memory.isOver) {
    const did = await (
      isOff(notifier) ? sayOff(context, notifier, memory) : deliverOnce(context, notifier, signal, memory)
    ).catch(stumbled)
    if (did === 0) await context.clock.sleep(pollMs, signal).catch(() => undefined)
  }
}

const recentMs = 60 * 60_000
const justNowMs = 60_000 // a command that is alone tells what it did itself a moment ago

/** Whoever sets up Slack after months of backups wants to see the next one, and not all of them at once; a mail about the past is
 * never wanted. */
async function begin({ clock, database }: EngineContext, notifier: Notifier): Promise<void> {
  const name = nameOf(notifier)
  const key = `told-since/${name}`
  await database.write(async (tx) => {
    await noteOn(tx, name)
    if ((await recall(tx, key)) !== null) return
    await remember(tx, key, String(clock.now()))
    await countAsTold(tx, name, clock.now() - (notifier.once ? justNowMs : recentMs))
  })
}

/** @returns 0: there is nothing more to do for it */
async function sayOff(context: EngineContext, notifier: Notifier, memory: DeliveryMemory): Promise<number> {
  if (memory.saidOff) return 0
  await settleAll(context, notifier, memory)
  await tellOff(context, notifier)
  memory.saidOff = true
  return 0
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
  /** Its notifier is gone from the configuration. */
  isOver: boolean
  /** That it was switched off is known. */
  saidOff: boolean
}

function newMemory(): DeliveryMemory {
  return {
    unsettled: new Map(),
    waiting: new Map(),
    open: new Set(),
    upTo: null,
    isOver: false,
    saidOff: false,
  }
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
  const all = await dueMessages(context.database.read, nameOf(notifier), { ...when, among: [...memory.open] })
  const due = await withoutUnwanted(context, notifier, { all, memory })
  let handled = all.length - due.length
  for (const one of due) {
    if (signal.aborted || memory.isOver || isOff(notifier)) return 0
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

/** What is not for this notifier counts as told, all of it in one transaction, and keeps nothing below it waiting. */
async function withoutUnwanted(
  context: EngineContext,
  notifier: Notifier,
  { all, memory }: { all: readonly Due[]; memory: DeliveryMemory },
): Promise<Due[]> {
  const [wanted, others] = partition(all, ({ message, delivery }) =>
    notifier.wants(message, delivery.receipt),
  )
  for (const due of others) {
    memory.unsettled.set(due.message.key, settlementOf(due, unwanted, context.clock.now()))
    memory.open.delete(due.message.key)
  }
  await settleAll(context, notifier, memory)
  return wanted
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const yes = items.filter(test)
  return [yes, items.filter((item) => !yes.includes(item))]
}

/** Any process may owe something: what changed is read from the state. */
async function look({ database }: EngineContext, notifier: Notifier, memory: DeliveryMemory): Promise<void> {
  const newest = await newestChange(database.read)
  if (newest === memory.upTo) return
  const isFirst = memory.upTo === null || newest < memory.upTo // all of them were forgotten
  const found = isFirst
    ? await unsettledKeys(database.read, nameOf(notifier))
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
  if (unsettled.size === 0) return
  const settlements = [...unsettled]
  await context.database.write(async (tx) => {
    for (const [key, settlement] of settlements) await settle(tx, key, nameOf(notifier), settlement)
  })
  for (const [key] of settlements) unsettled.delete(key)
}

/** @returns null when nothing happened: its turn has not come, or the service stops */
async function deliverMessage(
  context: EngineContext,
  notifier: Notifier,
  { due, memory }: { due: Due; memory: DeliveryMemory },
  signal: AbortSignal,
): Promise<Settlement | null> {
  const { message, delivery } = due
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
      notifier: nameOf(notifier),
      message: message.key,
      outcome: answer.outcome,
      detail: answer.detail,
    })
  return settlementOf(due, answer, context.clock.now())
}

const unwanted: Delivery = { outcome: 'refused', receipt: null, retryAfterMs: null, detail: 'not wanted' }

/** A notifier never throws; when one does all the same, it may have posted before. */
function defect(error: unknown): Delivery {
  return { outcome: 'unknown', receipt: null, retryAfterMs: null, detail: asFault(error).message }
}
