import { canonical } from '../core/canonical.ts'
import type { Strategy } from '../core/config.ts'
import { asFault } from '../core/faults.ts'
import { serviceActor } from '../core/model.ts'
import { jitterFor } from '../core/schedule.ts'
import { newestGood, type Copy } from '../state/catalogue.ts'
import type { Write } from '../state/database.ts'
import { recall, remember } from '../state/memory.ts'
import { openRun } from '../state/runs.ts'
import { listedSeries, storedSeries } from '../state/series.ts'
import { settleSlot, takeSlot } from '../state/slots.ts'
import { admitDrill } from './admit.ts'
import type { EngineContext } from './context.ts'
import { drillSlots } from './drill-slots.ts'
import { settlePaused } from './pauses.ts'
import { isOneOfMany, isWholeServer } from './series-scope.ts'
import { dueSlots, firstSeenKey, missedReason, noteNewSchedule, skipSlots, type Slotted } from './slots.ts'

const punctualMs = 5 * 60_000
const never = 'none'
const scheduleKey = (strategy: string): string => `drill/schedule/${strategy}`

/** Begins the drills that are due: each slot once, or recorded as skipped with its reason; after a time without the service at most
 * one for each strategy (promise 8).
 * @param onAccepted  is told after a run was queued */
export function createDrillSchedule(context: EngineContext, onAccepted: () => void): () => Promise<void> {
  let noted: readonly Strategy[] | null = null
  return async () => {
    const { strategies } = context.config
    if (noted !== strategies) await noteSchedules(context)
    noted = strategies
    for (const strategy of strategies) {
      const slots = drillSlots(context.config, strategy.name)
      if (slots === null) continue
      try {
        if (await drillIfDue(context, strategy, slots)) onAccepted()
      } catch (error) {
        context.log.error('a schedule of drills could not be followed; the next pass tries again', {
          strategy: strategy.name,
          error: asFault(error).message,
        })
      }
    }
  }
}

/** @returns whether a drill was queued */
async function drillIfDue(context: EngineContext, strategy: Strategy, slots: Slotted): Promise<boolean> {
  const now = context.clock.now()
  await settlePaused(context, strategy)
  const due = await dueSlots(context.database.read, slots, now)
  const newest = due.at(-1)
  if (newest === undefined || slots.schedule.type === 'manual') return false
  const lateMs = now - newest - jitterFor(slots.schedule, slots.name, newest)
  const late = due.length > 1 || lateMs > punctualMs
  const isWanted = !late || slots.schedule.catchUp
  await skip(context, slots, { missed: isWanted ? due.slice(0, -1) : due, reason: missedReason })
  return (
    isWanted && queue(context, strategy, { slots, slot: newest, trigger: late ? 'catch-up' : 'schedule' })
  )
}

interface Turn {
  slots: Slotted
  slot: number
  trigger: 'schedule' | 'catch-up'
}

async function queue(context: EngineContext, of: Strategy, { slots, slot, trigger }: Turn): Promise<boolean> {
  const { name: strategy } = of
  const queued = await context.database.write(async (tx) => {
    const backups = await triedNow(tx, of)
    if (backups.length === 0) return { skipped: 'there was no good backup to try' }
    if (await openRun(tx, 'drill', strategy)) return { skipped: 'the drill before it was still going on' }
    // the slot first: whoever loses its unique key queues nothing
    const taken = { strategy: slots.name, at: slot, run: '', skipped: null }
    if (!(await takeSlot(tx, taken, context.clock.now()))) return null
    const runs: string[] = []
    for (const { id, series } of backups) {
      const by = { trigger, actor: serviceActor, slotAt: runs.length === 0 ? slot : null }
      runs.push(await admitDrill(context, tx, { strategy, series, backup: id, ...by }))
    }
    await settleSlot(tx, { strategy: slots.name, at: slot, run: runs[0]! })
    return { run: runs[0]! }
  })
  if (queued?.skipped) await skip(context, slots, { missed: [slot], reason: queued.skipped })
  if (!queued?.run) return false
  context.bus.emit({ type: 'run.queued', run: queued.run, kind: 'drill', strategy })
  return true
}

/** The newest good backup, of a whole server that of each database that it still has. Of one database alone none that was made while
 * it was a whole server: that may be of another. */
async function triedNow(tx: Write, strategy: Strategy): Promise<Copy[]> {
  const { name } = strategy
  if (!isWholeServer(strategy)) {
    const good = await newestGood(tx, name, null)
    return good && !isOneOfMany(good.manifest) ? [good] : []
  }
  const found: Copy[] = []
  for (const series of await drilledSeries(tx, name)) {
    const good = await newestGood(tx, { strategy: name, series }, null)
    if (good && !good.manifest.globals) found.push(good)
  }
  return found
}

/** Before the first list those that there are backups of. */
async function drilledSeries(tx: Write, strategy: string): Promise<string[]> {
  const listed = await listedSeries(tx, strategy)
  if (listed.length === 0) return storedSeries(tx, strategy)
  return listed.filter(({ globals, goneAt }) => !globals && goneAt === null).map(({ name }) => name)
}

async function skip(
  { clock, database, log }: EngineContext,
  { name }: Slotted,
  { missed, reason }: { missed: readonly number[]; reason: string },
): Promise<void> {
  if (missed.length === 0) return
  const skipped = await database.write((tx) =>
    skipSlots(tx, name, { slots: missed, reason, now: clock.now() }),
  )
  if (skipped.length > 0) log.warn('drills were skipped', { schedule: name, count: skipped.length, reason })
}

/** A first start has no past, and a schedule that was changed or taken away counts from when it is there again. */
async function noteSchedules({ clock, config, database }: EngineContext): Promise<void> {
  await database.write(async (tx) => {
    for (const { name, drill } of config.strategies) {
      const slots = drillSlots(config, name)
      const before = await recall(tx, scheduleKey(name))
      const spelled = slots === null ? never : canonical([drill?.schedule, slots.timezone])
      if (before === spelled || (before === null && slots === null)) continue
      await remember(tx, scheduleKey(name), spelled)
      if (slots === null) continue
      const seen = firstSeenKey(slots.name)
      if ((await recall(tx, seen)) === null) await remember(tx, seen, String(clock.now()))
      await noteNewSchedule(tx, slots.name, clock.now())
    }
  })
}
