import type { Strategy } from '../core/config.ts'
import { formatDuration } from '../core/duration.ts'
import { parseBackupId } from '../core/keys.ts'
import { newestGood } from '../state/catalogue.ts'
import type { Read } from '../state/database.ts'
import { openBackupIncidents, openIncidents, type Incident } from '../state/incidents.ts'
import { listDebts } from '../state/owed.ts'
import { openRun } from '../state/runs.ts'
import type { EngineContext } from './context.ts'
import { hasSlept } from './incidents/calls.ts'
import { memberOf, noteInTime, noteOverdue } from './incidents/note.ts'
import { join, keep, release } from './incidents/tell.ts'
import { currentPause, nextRunAt } from './pauses.ts'
import { isWholeServer, scopeOf } from './series-scope.ts'
import { overdueSeries } from './overdue.ts'

/** Silence is an alarm: counts the series that should have a new backup and have none, and those that have one again.
 * Computed from state at each pass, so that no lost event hides it (promise 17). */
export async function watchOverdue(context: EngineContext): Promise<void> {
  const open = await openBackupIncidents(context.database.read)
  for (const strategy of context.config.strategies) {
    if (await currentPause(context, strategy.name)) continue // neither late, nor recovered by being paused
    const late = await overdueSeries(context, strategy)
    const isKnown = (memberOf(open, strategy.name)?.overdueSince ?? null) !== null
    const first = isKnown ? null : await firstMissing(context, strategy, late)
    if (first) await beginOverdue(context, strategy, first)
    if (late.size === 0 && isKnown) await endOverdue(context, strategy)
  }
}

interface Missing {
  /** As in `overdueSeries`. */
  late: string
  since: number
}

/** A backup that is under way may be the missing one of its series, and says nothing of another; if it fails, the next pass alarms. */
async function firstMissing(
  { database }: EngineContext,
  strategy: Strategy,
  late: ReadonlyMap<string, number>,
): Promise<Missing | null> {
  for (const [series, since] of [...late].toSorted(([, a], [, b]) => a - b)) {
    const of = isWholeServer(strategy) ? { strategy: strategy.name, series } : strategy.name
    if ((await openRun(database.read, 'backup', of)) === null) return { late: series, since }
  }
  return null
}

async function beginOverdue(
  context: EngineContext,
  strategy: Strategy,
  { late, since }: Missing,
): Promise<void> {
  const { name, timezone } = strategy
  const now = context.clock.now()
  const good = await newestGood(
    context.database.read,
    late === name ? name : scopeOf(context, { strategy: name, series: late }),
    null,
    now,
  )
  const isNews = await context.database.write((tx) =>
    noteOverdue(context, tx, {
      strategy: name,
      since,
      lastGoodAt: good?.createdAt ?? null,
      expected: expectation(strategy),
      nextAt: nextRunAt(strategy, null, now),
      timezone,
    }),
  )
  if (isNews) context.bus.emit({ type: 'series.overdue', strategy: name, series: good?.series ?? name })
}

async function endOverdue(context: EngineContext, { name }: Strategy): Promise<void> {
  const good = await newestGood(context.database.read, name, null)
  const wasLate = await context.database.write((tx) => noteInTime(context, tx, name))
  if (wasLate) context.bus.emit({ type: 'series.recovered', strategy: name, series: good?.series ?? name })
}

function expectation({ expect, schedule }: Strategy): string {
  if (expect.maxAgeMs !== null) return `at least every ${formatDuration(expect.maxAgeMs)}`
  return schedule.type === 'manual' ? 'manual' : schedule.text
}

/** What changes an incident without a run of its own: a snooze ends, a place caught up, a strategy is gone from the configuration. */
export async function tendIncidents(context: EngineContext): Promise<void> {
  for (const { id } of await openIncidents(context.database.read))
    await context.database.write(async (tx) => {
      const incident = (await openIncidents(tx)).find((one) => one.id === id)
      if (!incident) return
      const gone = goneOf(context, incident)
      if (gone.length === incident.members.length) return join(context, tx, { incident, into: null })
      const over = [...gone, ...(await caughtUp(tx, incident))]
      if (over.length > 0) return release(context, tx, { incident, strategies: over })
      const now = context.clock.now()
      if (hasSlept(incident, now))
        await keep(context, tx, { incident: { ...incident, snoozed: null }, turn: { now, woke: true } })
    })
}

/** No longer configured. */
function goneOf({ config }: EngineContext, { members }: Incident): string[] {
  const known = new Set(config.strategies.map(({ name }) => name))
  return members.map(({ strategy }) => strategy).filter((strategy) => !known.has(strategy))
}

/** Their place has everything now. */
async function caughtUp(db: Read, { kind, where, members }: Incident): Promise<string[]> {
  const debts = kind === 'place' ? await listDebts(db, { storage: where }) : []
  const owing = new Set(debts.map(({ backup }) => parseBackupId(backup)?.strategy))
  const owed = members.filter(({ state }) => state === 'owed')
  return owed.map(({ strategy }) => strategy).filter((strategy) => !owing.has(strategy))
}
