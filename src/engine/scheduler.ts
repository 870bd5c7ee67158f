import schedule from 'node-schedule'
import type { Strategy } from '../core/config.ts'
import { asFault } from '../core/faults.ts'
import { serviceActor } from '../core/model.ts'
import { jitterFor, nextSlot, previousSlot, slotsBetween } from '../core/schedule.ts'
import { recall, remember } from '../state/memory.ts'
import { lastSlot, takeSlot } from '../state/slots.ts'
import { admitBackup, openBackup } from './admit.ts'
import type { EngineContext } from './context.ts'
import { firstSeenKey } from './views.ts'

/** Turns instants into accepted runs. Each slot at most once, none silently lost (promise 8). */
export interface Scheduler {
  runUntil(signal: AbortSignal): Promise<void>
  /** One pass: what is due now runs or is recorded as skipped. */
  tick(): Promise<void>
  /** When the last pass finished; a stalled scheduler is unhealthy. */
  lastTickAt(): number | null
}

const tickMs = 15_000 // a suspended machine or a jumped clock is noticed within this, whatever was armed
const listedSkips = 1_000 // beyond this many missed slots one line stands for the oldest
const punctualMs = 5 * 60_000 // a slot that starts later than this was missed: the machine slept

/** @param onAccepted is told after a run was queued */
export function createScheduler(context: EngineContext, onAccepted: () => void): Scheduler {
  let lastTick: number | null = null
  let started = false

  async function tick(): Promise<void> {
    if (!started && !(await isNoted(context))) return
    for (const strategy of context.config.strategies) {
      try {
        await tickOne(context, strategy, { firstPass: !started, onAccepted })
      } catch (error) {
        context.log.error('a schedule could not be followed; the next pass tries again', {
          strategy: strategy.name,
          error: asFault(error).message,
        })
      }
    }
    started = true
    lastTick = context.clock.now()
  }

  async function runUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const since = context.clock.now()
      await tick()
      const armed = armNext(context, since)
      await Promise.race([armed.rang, context.clock.sleep(tickMs, signal).catch(() => undefined)])
      armed.disarm()
    }
  }

  return { runUntil, tick, lastTickAt: () => lastTick }
}

/** node-schedule rings at the soonest due instant, so that a slot starts on its second and not at the next tick.
 * @param since when the last pass began: what became due while it went on is due at once */
function armNext(context: EngineContext, since: number): { rang: Promise<void>; disarm: () => void } {
  const soonest = Math.min(
    ...context.config.strategies.map((strategy) => dueAfter(strategy, since) ?? Infinity),
  )
  if (soonest === Infinity) return { rang: new Promise(() => undefined), disarm: () => undefined }
  if (soonest <= context.clock.now()) return { rang: Promise.resolve(), disarm: () => undefined }
  let job: schedule.Job | null = null
  const rang = new Promise<void>(
    (resolve) => (job = schedule.scheduleJob(new Date(soonest), () => resolve())),
  )
  return { rang, disarm: () => void (job as schedule.Job | null)?.cancel() }
}

function dueAfter(strategy: Strategy, since: number): number | null {
  const { schedule: spec, timezone, name } = strategy
  let slot = nextSlot(spec, timezone, since - maxJitter(strategy))
  while (slot !== null && slot + jitterFor(spec, name, slot) <= since) slot = nextSlot(spec, timezone, slot)
  return slot === null ? null : slot + jitterFor(spec, name, slot)
}

const maxJitter = (strategy: Strategy): number =>
  strategy.schedule.type === 'manual' ? 0 : strategy.schedule.jitterMs

interface Pass {
  /** The first pass after a start: what is due now was missed while the service was down. */
  firstPass: boolean
  onAccepted: () => void
}

async function tickOne(context: EngineContext, strategy: Strategy, pass: Pass): Promise<void> {
  if (strategy.schedule.type === 'manual') return
  const now = context.clock.now()
  const due = dueSlots(strategy, await knownUntil(context, strategy, now), now)
  const newest = due.at(-1)
  if (newest === undefined) return
  await skipMissed(context, strategy, due.slice(0, -1))
  const lateMs = now - newest - jitterFor(strategy.schedule, strategy.name, newest)
  const late = pass.firstPass || due.length > 1 || lateMs > punctualMs
  if (late && !strategy.schedule.catchUp)
    return skip(context, strategy, newest, 'missed while the service was down; catch_up is off')
  await runSlot(context, strategy, newest, late ? 'catch-up' : 'schedule', pass.onAccepted)
}

/** Unsettled slots whose time has come, oldest first; of very many the oldest stands for all that are not listed. */
function dueSlots(strategy: Strategy, since: number, now: number): number[] {
  const { schedule: spec, timezone, name } = strategy
  const isDue = (slot: number): boolean => slot + jitterFor(spec, name, slot) <= now
  const first = slotsBetween(spec, timezone, since, now, listedSkips)
  if (first.length < listedSkips) return first.filter(isDue)
  const newest: number[] = []
  for (let slot = previousSlot(spec, timezone, now); slot !== null && slot > since;) {
    if (isDue(slot)) newest.unshift(slot)
    if (newest.length === listedSkips) break
    slot = previousSlot(spec, timezone, slot - 1)
  }
  return [...new Set([first[0]!, ...newest])]
}

/** The very first pass needs the state's disk; while it is full or locked, the next pass tries again. */
async function isNoted(context: EngineContext): Promise<boolean> {
  try {
    await noteFirstSeen(context)
    return true
  } catch (error) {
    context.log.error('the schedules could not be noted; the next pass tries again', {
      error: asFault(error).message,
    })
    return false
  }
}

/** From here on slots count: a first start has no past. One transaction for all, however many strategies there are. */
async function noteFirstSeen(context: EngineContext): Promise<void> {
  const { clock, config, database } = context
  await database.write(async (tx) => {
    for (const { name } of config.strategies)
      if ((await recall(tx, firstSeenKey(name))) === null)
        await remember(tx, firstSeenKey(name), String(clock.now()))
  })
}

/** Slots up to here are settled. */
async function knownUntil(context: EngineContext, strategy: Strategy, now: number): Promise<number> {
  const last = await lastSlot(context.database.read, strategy.name, now)
  const first = Number(await recall(context.database.read, firstSeenKey(strategy.name)))
  return Math.max(last ?? -Infinity, Math.min(first, now))
}

async function skipMissed(context: EngineContext, strategy: Strategy, missed: number[]): Promise<void> {
  if (missed.length === 0) return
  const reason = 'missed while the service was down or the clock jumped; the newest one runs'
  const now = context.clock.now()
  await context.database.write(async (tx) => {
    for (const at of missed)
      await takeSlot(tx, { strategy: strategy.name, at, run: null, skipped: reason }, now)
  })
  context.log.warn('slots were missed', {
    strategy: strategy.name,
    count: missed.length,
    oldest: new Date(missed[0]!).toISOString(),
    newest: new Date(missed.at(-1)!).toISOString(),
  })
  for (const slotAt of missed)
    context.bus.emit({ type: 'slot.skipped', strategy: strategy.name, slotAt, reason })
}

async function skip(context: EngineContext, strategy: Strategy, slot: number, reason: string): Promise<void> {
  const taken = await context.database.write((tx) =>
    takeSlot(tx, { strategy: strategy.name, at: slot, run: null, skipped: reason }, context.clock.now()),
  )
  if (!taken) return
  context.log.warn('a slot was skipped', {
    strategy: strategy.name,
    slot: new Date(slot).toISOString(),
    reason,
  })
  context.bus.emit({ type: 'slot.skipped', strategy: strategy.name, slotAt: slot, reason })
}

async function runSlot(
  context: EngineContext,
  strategy: Strategy,
  slot: number,
  trigger: 'schedule' | 'catch-up',
  onAccepted: () => void,
): Promise<void> {
  const run = await context.database.write(async (tx) => {
    const open = await openBackup(tx, strategy.name)
    if (open) return null
    // the slot first: whoever loses its unique key queues nothing
    const taken = { strategy: strategy.name, at: slot, run: '', skipped: null }
    if (!(await takeSlot(tx, taken, context.clock.now()))) return ''
    const id = await admitBackup(context, tx, strategy, { trigger, actor: serviceActor, slotAt: slot })
    await tx
      .updateTable('slots')
      .set({ run: id })
      .where('strategy', '=', strategy.name)
      .where('slot_at', '=', slot)
      .execute()
    return id
  })
  if (run === null) return skip(context, strategy, slot, 'the backup before it was still running')
  if (run === '') return
  context.bus.emit({ type: 'run.queued', run, kind: 'backup', strategy: strategy.name })
  onAccepted()
}
