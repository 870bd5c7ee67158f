import { canonical } from '../core/canonical.ts'
import { jitterFor, previousSlot } from '../core/schedule.ts'
import { lastDigest } from '../state/digest.ts'
import { recall, remember } from '../state/memory.ts'
import { owe } from '../state/messages.ts'
import { takeSlot } from '../state/slots.ts'
import type { EngineContext } from './context.ts'
import { composeDigest, type Period } from './digest.ts'
import { dueSlots, firstSeenKey, missedReason, noteNewSchedule, skipSlots, type Slotted } from './slots.ts'

/** What the slots of digests are counted under; no strategy can be called so. */
const digestName = '@digest'
const scheduleKey = 'digest/schedule'
const punctualMs = 5 * 60_000
const priority = 2 // as the ends of runs

/** Tells the digest that is due: each slot once, whatever happens in between, and after a time without the service one for all
 * that were missed (promise 8). */
export async function tellDueDigest(context: EngineContext): Promise<void> {
  const { config, database, clock } = context
  if (config.digest === null) return
  const slots: Slotted = { name: digestName, ...config.digest }
  await noteSchedule(context, slots)
  const now = clock.now()
  const due = await dueSlots(database.read, slots, now)
  const newest = due.at(-1)
  if (newest === undefined) return
  const { schedule } = slots
  const isLate = now - newest - jitterFor(schedule, digestName, newest) > punctualMs
  const isWanted = !isLate || schedule.type === 'manual' || schedule.catchUp
  const skipped = isWanted ? due.slice(0, -1) : due
  await database.write((tx) => skipSlots(tx, digestName, { slots: skipped, reason: missedReason, now }))
  if (isWanted) await tell(context, newest, await periodOf(context, slots, newest))
}

/** Since the digest before, so that no run is told twice or never. */
async function periodOf(
  { database }: EngineContext,
  { name, schedule, timezone }: Slotted,
  until: number,
): Promise<Period> {
  const told = await lastDigest(database.read, name, until)
  return { since: told ?? previousSlot(schedule, timezone, until - 1) ?? until - 1, until }
}

async function tell(context: EngineContext, slot: number, period: Period): Promise<void> {
  const digest = await composeDigest(context, period)
  const now = context.clock.now()
  const key = `digest/${slot}`
  await context.database.write(async (tx) => {
    // whoever loses the slot's unique key says nothing
    if (!(await takeSlot(tx, { strategy: digestName, at: slot, run: key, skipped: null }, now))) return
    const message = { key, strategy: null, audience: 'digest', parent: null, priority } as const
    await owe(tx, { ...message, body: { type: 'digest', digest } }, now)
  })
}

/** A first start has no past, and a schedule that was changed counts from now. */
async function noteSchedule({ database, clock }: EngineContext, slots: Slotted): Promise<void> {
  const spelled = canonical([slots.schedule, slots.timezone])
  if ((await recall(database.read, scheduleKey)) === spelled) return
  await database.write(async (tx) => {
    const seen = firstSeenKey(digestName)
    if ((await recall(tx, seen)) === null) await remember(tx, seen, String(clock.now()))
    await noteNewSchedule(tx, digestName, clock.now())
    await remember(tx, scheduleKey, spelled)
  })
}
