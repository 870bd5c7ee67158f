import { asFault } from '../core/faults.ts'
import { forgetDeletions } from '../state/deletions.ts'
import { forgetMessages, forgetRuns, forgetSlots } from '../state/forget.ts'
import { forgetIncidents } from '../state/incidents.ts'
import type { EngineContext } from './context.ts'

const dayMs = 24 * 60 * 60_000
const messagesMs = 7 * dayMs // longer than any place is away; each pass of delivery looks through all that are kept
export const slotsMs = 90 * dayMs
export const runsMs = 400 * dayMs // history and logs of a bit more than a year
const everyMs = 10 * 60_000

/** Lets go of what nobody asks for any more, so that neither the state nor a look into it grows for ever (promise 19). */
export async function forgetUntil(context: EngineContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await forgetOld(context)
    await context.clock.sleep(everyMs, signal).catch(() => undefined)
  }
}

/** One pass: a part of what is old. Nothing depends on it, so it never throws. */
export async function forgetOld(context: EngineContext): Promise<void> {
  await forgetPart(context).catch((error: unknown) =>
    context.log.error('forgetting old history stumbled', { error: asFault(error).message }),
  )
}

async function forgetPart(context: EngineContext): Promise<void> {
  const now = context.clock.now()
  await context.database.write((tx) => forgetMessages(tx, now - messagesMs))
  await context.database.write((tx) => forgetSlots(tx, now - slotsMs))
  await context.database.write((tx) => forgetIncidents(tx, now - runsMs))
  await context.database.write((tx) => forgetDeletions(tx, now - runsMs))
  const runs = await context.database.write((tx) => forgetRuns(tx, now - runsMs))
  for (const run of runs) context.logs.remove(run)
}
