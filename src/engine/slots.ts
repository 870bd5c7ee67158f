import type { Strategy } from '../core/config.ts'
import { jitterFor, previousSlot, slotsBetween } from '../core/schedule.ts'
import type { Read, Write } from '../state/database.ts'
import { recall, remember } from '../state/memory.ts'
import { lastSlot, takeSlot } from '../state/slots.ts'
import type { EngineContext } from './context.ts'

const listedSkips = 1_000 // beyond this many missed slots one line stands for the oldest

export const missedReason = 'missed while the service was down or the clock jumped; the newest one runs'

export const firstSeenKey = (strategy: string): string => `first-seen/${strategy}`

/** Slots of another schedule, before it was taken over, are nobody's. */
const slotsFromKey = (strategy: string): string => `slots-from/${strategy}`

/** What has slots: a strategy, or something else with a schedule. */
export type Slotted = Pick<Strategy, 'name' | 'schedule' | 'timezone'>

/** Unsettled slots whose time has come, oldest first; of very many the oldest stands for all that are not listed. */
export async function dueSlots(db: Read, strategy: Slotted, now: number): Promise<number[]> {
  const { schedule: spec, timezone, name } = strategy
  const since = await knownUntil(db, strategy, now)
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

/** Slots up to here are settled. */
async function knownUntil(db: Read, { name }: Slotted, now: number): Promise<number> {
  const last = await lastSlot(db, name, now)
  const first = Number((await recall(db, firstSeenKey(name))) ?? now)
  const from = Number((await recall(db, slotsFromKey(name))) ?? 0)
  return Math.max(last ?? -Infinity, Math.min(first, now), Math.min(from, now))
}

/** From here on slots count: a first start has no past. One transaction for all, however many strategies there are. */
export async function noteFirstSeen({ clock, config, database }: EngineContext): Promise<void> {
  await database.write(async (tx) => {
    for (const { name } of config.strategies)
      if ((await recall(tx, firstSeenKey(name))) === null)
        await remember(tx, firstSeenKey(name), String(clock.now()))
  })
}

/** A schedule that was changed while running counts from now: what it would have done earlier is not made up for. */
export async function noteNewSchedule(tx: Write, strategy: string, now: number): Promise<void> {
  await remember(tx, slotsFromKey(strategy), String(now))
}

/** Records slots as skipped. @returns those that were not settled before */
export async function skipSlots(
  tx: Write,
  strategy: string,
  { slots, reason, now }: { slots: readonly number[]; reason: string; now: number },
): Promise<number[]> {
  const skipped: number[] = []
  for (const at of slots)
    if (await takeSlot(tx, { strategy, at, run: null, skipped: reason }, now)) skipped.push(at)
  return skipped
}
