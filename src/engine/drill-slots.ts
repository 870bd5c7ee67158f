import type { Config, Strategy } from '../core/config.ts'
import type { StrategyView } from '../core/model.ts'
import { jitterFor, nextSlot, type ScheduleSpec } from '../core/schedule.ts'
import { shortestGap } from '../core/schedule/cron.ts'
import type { Slotted } from './slots.ts'

type Spec = Exclude<ScheduleSpec, { type: 'manual' }>

/** What drills are counted under, with the strategy's name; no strategy can be called so. */
const prefix = '@drill/'

/** Of many strategies whose drills are due together, each begins within a stretch that grows with their number: each of them
 * restores a whole database. */
const apartMs = 2 * 60_000

const known = new WeakMap<Config['strategies'], Map<string, Slotted>>()

/** The slots of a strategy's drills; null: none by itself. Slots stay where they are, however many strategies there are: only how
 * long after them a drill begins changes. `jitter` in the schedule says it otherwise. */
export function drillSlots({ strategies }: Config, name: string): Slotted | null {
  let all = known.get(strategies)
  if (!all) known.set(strategies, (all = slotsOf(strategies)))
  return all.get(name) ?? null
}

function slotsOf(strategies: readonly Strategy[]): Map<string, Slotted> {
  const drilled = strategies.flatMap(({ name, drill, timezone }) =>
    drill && drill.schedule.type !== 'manual' ? [{ name, schedule: drill.schedule, timezone }] : [],
  )
  const stretchMs = (drilled.length - 1) * apartMs
  return new Map(
    drilled.map(({ name, schedule, timezone }) => [
      name,
      { name: `${prefix}${name}`, schedule: spread(schedule, stretchMs), timezone },
    ]),
  )
}

function spread(schedule: Spec, stretchMs: number): Spec {
  if (schedule.jitterMs > 0) return schedule
  const gapMs = schedule.type === 'every' ? schedule.everyMs : shortestGap(schedule.expression)
  return { ...schedule, jitterMs: Math.floor(Math.min(gapMs / 4, stretchMs)) }
}

/** When the next drill begins, its jitter counted; null: not by itself, or while a pause has no end. */
export function nextDrillAt(
  slots: Slotted | null,
  paused: StrategyView['paused'],
  now: number,
): number | null {
  if (slots === null || slots.schedule.type === 'manual' || paused?.until === null) return null
  const { name, schedule, timezone } = slots
  const resumed = paused?.until ?? 0
  const startOf = (slot: number): number => slot + jitterFor(schedule, name, slot)
  let slot = nextSlot(schedule, timezone, Math.max(now - schedule.jitterMs, resumed) - 1)
  while (slot !== null && startOf(slot) <= now) slot = nextSlot(schedule, timezone, slot)
  return slot === null ? null : startOf(slot)
}
