import type { Strategy } from '../core/config.ts'
import { expectedMaxAge } from '../core/schedule.ts'
import { newestGood } from '../state/catalogue.ts'
import type { Read } from '../state/database.ts'
import { recall } from '../state/memory.ts'
import { listedSeries, type SeriesRef } from '../state/series.ts'
import type { EngineContext } from './context.ts'
import { currentPause, resumedAt } from './pauses.ts'
import { isWholeServer } from './series-scope.ts'
import { firstSeenKey } from './slots.ts'

/** The instant from which a new backup was missing, of a whole server the first one of a database that it still has; null while all is
 * well or paused; after a pause the time counts anew. Computed from state, not from events (promise 17).
 * Without `expect.max_age`: schedule × 1.5 plus the usual duration. */
export async function overdueSince(
  context: EngineContext,
  strategy: Strategy,
  db: Read = context.database.read,
): Promise<number | null> {
  const late = await overdueSeries(context, strategy, db)
  return late.size === 0 ? null : Math.min(...late.values())
}

/** Since when, by series; of a strategy of one database, and of a server that was never listed, by the strategy's name. */
export async function overdueSeries(
  context: EngineContext,
  strategy: Strategy,
  db: Read = context.database.read,
): Promise<Map<string, number>> {
  const late = new Map<string, number>()
  if (await currentPause(context, strategy.name, db)) return late
  const { name } = strategy
  const listed = isWholeServer(strategy) ? await listedSeries(db, name) : []
  const there = listed.filter(({ goneAt }) => goneAt === null)
  if (there.length === 0) {
    const first = Number(await recall(db, firstSeenKey(name))) || null
    const since = await lateSince(context, db, { strategy, of: name, first })
    if (since !== null) late.set(name, since)
  }
  for (const one of there) {
    const of = { strategy: name, series: one.name }
    const since = await lateSince(context, db, { strategy, of, first: one.seenAt })
    if (since !== null) late.set(one.name, since)
  }
  return late
}

/** @param asked.first  from when on a first backup is waited for */
async function lateSince(
  { clock }: EngineContext,
  db: Read,
  { strategy, of, first }: { strategy: Strategy; of: string | SeriesRef; first: number | null },
): Promise<number | null> {
  const now = clock.now()
  const good = await newestGood(db, of, null, now)
  const lastGoodAt = good?.createdAt ?? null
  const interval = expectedMaxAge(strategy.schedule, strategy.timezone, now)
  const usualMs = lastGoodAt === null ? 0 : await usualDuration(db, of)
  const allowedMs = strategy.expect.maxAgeMs ?? (interval === null ? null : interval * 1.5 + usualMs)
  if (allowedMs === null) return null
  const begun = lastGoodAt ?? first
  if (begun === null) return null
  const since = Math.max(begun, (await resumedAt(db, strategy.name)) ?? begun)
  return now - since > allowedMs ? since + allowedMs : null
}

async function usualDuration(db: Read, of: string | SeriesRef): Promise<number> {
  const all = db
    .selectFrom('runs')
    .select(['started_at', 'ended_at'])
    .where('strategy', '=', typeof of === 'string' ? of : of.strategy)
    .where('kind', '=', 'backup')
    .where('state', '=', 'succeeded')
    .orderBy('seq', 'desc')
    .limit(1)
  const good = await (typeof of === 'string' ? all : all.where('series', '=', of.series)).executeTakeFirst()
  return good ? (good.ended_at ?? 0) - (good.started_at ?? 0) : 0
}
