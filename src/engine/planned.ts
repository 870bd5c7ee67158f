import type { Strategy } from '../core/config.ts'
import { nextSlot } from '../core/schedule.ts'
import type { EngineContext } from './context.ts'
import { drillSlots, nextDrillAt } from './drill-slots.ts'
import type { Planned } from './facade.ts'
import { currentPause, nextRunAt } from './pauses.ts'

/** A schedule whose soonest run is known. */
interface Series {
  soonest: Planned
  /** After an instant; null: no more. */
  next: (after: number) => number | null
}

/** Only the soonest run of each schedule is computed, and one more whenever it was taken: hundreds of strategies stay quick. */
export async function plannedRuns(
  context: EngineContext,
  limit: number,
  among?: readonly string[],
): Promise<Planned[]> {
  const upcoming: Series[] = []
  for (const strategy of context.config.strategies)
    if (among?.includes(strategy.name) !== false) upcoming.push(...(await seriesOf(context, strategy)))
  const planned: Planned[] = []
  while (planned.length < limit && upcoming.length > 0) {
    const series = upcoming.reduce((first, one) => (one.soonest.at < first.soonest.at ? one : first))
    planned.push(series.soonest)
    const at = series.next(series.soonest.at)
    if (at === null) upcoming.splice(upcoming.indexOf(series), 1)
    else series.soonest = { ...series.soonest, at }
  }
  return planned
}

/** Its backups, and its drills. */
async function seriesOf(context: EngineContext, { name: strategy, ...of }: Strategy): Promise<Series[]> {
  const { schedule, timezone } = of
  const paused = await currentPause(context, strategy)
  const now = context.clock.now()
  const slots = drillSlots(context.config, strategy)
  const drillAt = nextDrillAt(slots, paused, now)
  const found: Series[] = []
  const runAt = nextRunAt({ schedule, timezone }, paused, now)
  if (runAt !== null && schedule.type !== 'manual')
    found.push({
      soonest: { kind: 'backup', strategy, at: runAt, schedule: schedule.text, timezone },
      next: (after) => nextSlot(schedule, timezone, after),
    })
  if (drillAt !== null && slots !== null && slots.schedule.type !== 'manual')
    found.push({
      soonest: { kind: 'drill', strategy, at: drillAt, schedule: slots.schedule.text, timezone },
      next: (after) => nextDrillAt(slots, paused, after),
    })
  return found
}
