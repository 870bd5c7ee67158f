import schedule from 'node-schedule'
import type { Strategy } from '../core/config.ts'
import { asFault } from '../core/faults.ts'
import { serviceActor } from '../core/model.ts'
import { jitterFor, nextSlot } from '../core/schedule.ts'
import { openRun } from '../state/runs.ts'
import { settleSlot, takeSlot } from '../state/slots.ts'
import { admitBackup } from './admit.ts'
import type { EngineContext } from './context.ts'
import { settlePaused } from './pauses.ts'
import { isWholeServer } from './series-scope.ts'
import { dueSlots, missedReason, noteFirstSeen, skipSlots } from './slots.ts'

/** Turns instants into accepted runs. Each slot at most once, none silently lost (promise 8). */
export interface Scheduler {
  runUntil(signal: AbortSignal): Promise<void>
  /** One pass: what is due now runs or is recorded as skipped. */
  tick(): Promise<void>
  /** When the last pass finished; a stalled scheduler is unhealthy. */
  lastTickAt(): number | null
}

const tickMs = 15_000 // a suspended machine or a jumped clock is noticed within this, whatever was armed
const punctualMs = 5 * 60_000 // a slot that starts later than this was missed: the machine slept

/** @param onAccepted is told after a run was queued */
export function createScheduler(context: EngineContext, onAccepted: () => void): Scheduler {
  let lastTick: number | null = null
  let started = false
  let noted: readonly Strategy[] | null = null // a reload may bring strategies that have no past

  async function tick(): Promise<void> {
    const { strategies } = context.config
    if (noted !== strategies && !(await isNoted(context))) return
    noted = strategies
    let failed = 0
    for (const strategy of strategies) {
      try {
        await tickOne(context, strategy, { firstPass: !started, onAccepted })
      } catch (error) {
        failed += 1
        context.log.error('a schedule could not be followed; the next pass tries again', {
          strategy: strategy.name,
          error: asFault(error).message,
        })
      }
    }
    started = true
    lastTick = context.clock.now()
    // a pass that could follow no schedule at all is none: then the silence has to be heard
    if (failed === 0 || failed < strategies.length) context.bus.emit({ type: 'beat', at: lastTick })
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
  await settlePaused(context, strategy)
  const due = await dueSlots(context.database.read, strategy, now)
  const newest = due.at(-1)
  if (newest === undefined) return
  await skipMissed(context, strategy, due.slice(0, -1))
  const lateMs = now - newest - jitterFor(strategy.schedule, strategy.name, newest)
  const late = pass.firstPass || due.length > 1 || lateMs > punctualMs
  if (late && !strategy.schedule.catchUp)
    return skip(context, strategy, [newest], 'missed while the service was down; catch_up is off')
  await runSlot(context, strategy, newest, late ? 'catch-up' : 'schedule', pass.onAccepted)
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

async function skipMissed(context: EngineContext, strategy: Strategy, missed: number[]): Promise<void> {
  if (missed.length === 0) return
  await skip(context, strategy, missed, missedReason)
}

async function skip(
  context: EngineContext,
  strategy: Strategy,
  slots: number[],
  reason: string,
): Promise<void> {
  const now = context.clock.now()
  const skipped = await context.database.write((tx) => skipSlots(tx, strategy.name, { slots, reason, now }))
  if (skipped.length === 0) return
  context.log.warn('slots were skipped', {
    strategy: strategy.name,
    count: skipped.length,
    oldest: new Date(skipped[0]!).toISOString(),
    newest: new Date(skipped.at(-1)!).toISOString(),
    reason,
  })
  for (const slotAt of skipped)
    context.bus.emit({ type: 'slot.skipped', strategy: strategy.name, slotAt, reason })
}

async function runSlot(
  context: EngineContext,
  strategy: Strategy,
  slot: number,
  trigger: 'schedule' | 'catch-up',
  onAccepted: () => void,
): Promise<void> {
  const run = await context.database.write(async (tx) => {
    // of a server only its list must not overlap itself: each database has a run, and so a turn, of its own
    const open = await openRun(
      tx,
      'backup',
      isWholeServer(strategy) ? { strategy: strategy.name, series: '' } : strategy.name,
    )
    if (open) return null
    // the slot first: whoever loses its unique key queues nothing
    const taken = { strategy: strategy.name, at: slot, run: '', skipped: null }
    if (!(await takeSlot(tx, taken, context.clock.now()))) return ''
    const id = await admitBackup(context, tx, strategy, { trigger, actor: serviceActor, slotAt: slot })
    await settleSlot(tx, { strategy: strategy.name, at: slot, run: id })
    return id
  })
  if (run === null) return skip(context, strategy, [slot], 'the backup before it was still running')
  if (run === '') return
  context.bus.emit({ type: 'run.queued', run, kind: 'backup', strategy: strategy.name })
  onAccepted()
}
