import { formatDuration } from '../core/duration.ts'
import { newestGood } from '../state/catalogue.ts'
import { messagesUnder } from '../state/messages.ts'
import { openBackup } from './admit.ts'
import type { EngineContext } from './context.ts'
import { currentPause } from './pauses.ts'
import { tellOverdue } from './tell.ts'
import { overdueSince } from './views.ts'

/** Silence is an alarm: says which series should have a new backup and have none, and when they have one again.
 * Computed from state at each pass, so that no lost event hides it (promise 17). */
export async function watchOverdue(context: EngineContext): Promise<void> {
  for (const strategy of context.config.strategies) {
    if (await currentPause(context, strategy.name)) continue // neither late, nor recovered by being paused
    const good = await newestGood(context.database.read, strategy.name, null, context.clock.now())
    const since = await overdueSince(context, strategy)
    const prefix = `overdue/${strategy.name}/`
    const open = (await messagesUnder(context.database.read, prefix)).filter(
      ({ body }) => body.type === 'overdue' && !body.over,
    )
    const lastGoodAt = good?.createdAt ?? null
    const series = good?.series ?? strategy.name
    const expected =
      strategy.expect.maxAgeMs === null
        ? strategy.schedule.type === 'manual'
          ? 'manual'
          : strategy.schedule.text
        : `at least every ${formatDuration(strategy.expect.maxAgeMs)}`
    // a backup that is under way may be the missing one; if it fails, the next pass alarms
    if (since !== null && open.length === 0 && !(await hasOpenBackup(context, strategy.name))) {
      await context.database.write((tx) =>
        tellOverdue(context, tx, {
          key: `${prefix}${since}`,
          strategy: strategy.name,
          series,
          sinceAt: since,
          lastGoodAt,
          expected,
          over: false,
        }),
      )
      context.bus.emit({ type: 'series.overdue', strategy: strategy.name, series })
    }
    if (since === null)
      for (const message of open)
        await close(context, message.key, { strategy: strategy.name, series, lastGoodAt, expected })
  }
}

async function close(
  context: EngineContext,
  key: string,
  facts: { strategy: string; series: string; lastGoodAt: number | null; expected: string },
): Promise<void> {
  const sinceAt = Number(key.split('/').at(-1))
  await context.database.write((tx) => tellOverdue(context, tx, { key, ...facts, sinceAt, over: true }))
  context.bus.emit({ type: 'series.recovered', strategy: facts.strategy, series: facts.series })
}

async function hasOpenBackup(context: EngineContext, strategy: string): Promise<boolean> {
  return (await openBackup(context.database.read, strategy)) !== null
}
