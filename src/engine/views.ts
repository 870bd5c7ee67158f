import type { Strategy } from '../core/config.ts'
import type { BackupView, KeptDump, RestoreResult, RunView, StrategyView } from '../core/model.ts'
import { oddWords } from '../core/odd-words.ts'
import { activePin, keptFor, retentionIn } from '../core/retention.ts'
import type { ScheduleSpec } from '../core/schedule.ts'
import type { DrillStanding } from '../core/drill-standing.ts'
import { listCopies, newestGood, totals, type Copy } from '../state/catalogue.ts'
import type { Read } from '../state/database.ts'
import { lastProof } from '../state/digest.ts'
import { drillsFailedInARow, drillsOf, lastDrill } from '../state/drill-standing.ts'
import { findBackupIds, type BackupFilter } from '../state/find.ts'
import { listDebts, type Debt } from '../state/owed.ts'
import { requestsIn } from '../state/requests.ts'
import { keepingRuns } from '../state/results.ts'
import { listRuns, openRun, type Run } from '../state/runs.ts'
import { listClones } from '../state/clones.ts'
import { failingSeries, failuresInARow } from '../state/series.ts'
import { findSwap, listSwaps, otherName } from '../state/swaps.ts'
import { driverOf, type EngineContext } from './context.ts'
import { standingOf } from './standing.ts'
import { drillSlots, nextDrillAt } from './drill-slots.ts'
import { encryptionView } from './decrypt-test.ts'
import { databasesOf, serverRun } from './databases.ts'
import { overdueSince } from './overdue.ts'
import { currentPause, nextRunAt } from './pauses.ts'
import { isOneOfMany, isWholeServer, scopeOf } from './series-scope.ts'

/** A run with what its reader needs beside it. Reads state only. */
export async function runView(
  context: EngineContext,
  run: Run,
  db: Read = context.database.read,
): Promise<RunView> {
  const strategy = context.config.strategies.find((candidate) => candidate.name === run.strategy) ?? null
  const lastGood = await newestGood(db, scopeOf(context, run), run.result?.backup?.id ?? null)
  const planned = await plannedFor(context, { run, strategy }, db)
  return {
    id: run.id,
    kind: run.kind,
    strategy: run.strategy,
    series: run.series,
    engine: run.engine ?? (strategy ? driverOf(context, strategy.source.kind).name : 'unknown'),
    state: run.state,
    stage: run.stage,
    trigger: run.trigger,
    actor: run.actor,
    queuedAt: run.queuedAt,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    attempt: run.attempt,
    maxAttempts: run.maxAttempts,
    schedule: planned.schedule,
    timezone: strategy?.timezone ?? 'UTC',
    nextAt: planned.nextAt,
    host: context.host,
    progress: run.progress,
    backup: run.result?.backup ?? null,
    restore: await restoredBy(db, run),
    undo: run.result?.undo ?? null,
    ...(run.params.undo !== undefined && { undoes: run.params.undo }),
    ...(run.params.way !== undefined && { way: run.params.way }),
    ...(run.params.safetyFor !== undefined && { safetyFor: run.params.safetyFor }),
    verify: run.result?.verify ?? null,
    drill: run.result?.drill ?? null,
    copy: run.result?.copy ?? null,
    prune: run.result?.prune ?? null,
    fault: run.fault,
    kept: run.result?.kept ?? null,
    lastGoodAt: lastGood?.createdAt ?? null,
    failuresInARow: await (run.kind === 'drill'
      ? drillsFailedInARow(db, run.strategy)
      : failuresInARow(db, scopeOf(context, run))),
    ...(await lostBy(context, db, run)),
    backupId: run.result?.backup?.id ?? run.params.backup ?? null,
    ...(strategy && isWholeServer(strategy) && run.series !== '' && { database: run.series }),
    ...(run.params.group !== undefined && { group: run.params.group }),
    ...(run.params.batch !== undefined && { batch: run.params.batch }),
    ...(run.params.incident !== undefined && { incident: run.params.incident }),
  }
}

/** When such runs happen by themselves: drills have a schedule of their own. */
async function plannedFor(
  context: EngineContext,
  { run, strategy }: { run: Run; strategy: Strategy | null },
  db: Read,
): Promise<Pick<RunView, 'schedule' | 'nextAt'>> {
  if (strategy === null) return { schedule: 'manual', nextAt: null }
  const paused = await currentPause(context, strategy.name, db)
  const now = context.clock.now()
  if (run.kind !== 'drill')
    return { schedule: spelled(strategy.schedule), nextAt: nextRunAt(strategy, paused, now) }
  const slots = drillSlots(context.config, strategy.name)
  return { schedule: spelled(slots?.schedule), nextAt: nextDrillAt(slots, paused, now) }
}

function spelled(schedule: ScheduleSpec | undefined): string {
  return schedule === undefined || schedule.type === 'manual' ? 'manual' : schedule.text
}

/** What is offered in the place of a backup that a drill found bad; of one that was only slow, say, it is offered still. */
async function lostBy(context: EngineContext, db: Read, run: Run): Promise<Pick<RunView, 'stillGood'>> {
  const { result } = run
  if (result?.drill?.verdict !== 'fail') return {}
  const { backup } = result.drill
  const copies = await listCopies(db, { id: backup })
  if (copies.some(({ corrupt }) => corrupt === null)) return {}
  const good = await newestGood(db, scopeOf(context, run), backup)
  return { stillGood: good && { id: good.id, createdAt: good.createdAt, level: good.level } }
}

/** What can be undone changes after the run's end. */
async function restoredBy(db: Read, { id, result }: Run): Promise<RestoreResult | null> {
  const restore = result?.restore
  if (!restore?.swap) return restore ?? null
  const now = await findSwap(db, id)
  if (!now) return restore
  const { inPlace, version } = now
  const until = now.state === 'open' ? now.until : null
  return { ...restore, swap: { ...restore.swap, kept: otherName(now), inPlace, version, until } }
}

/** The state answers without leaving the event loop: between many looks, what waits (a click of Slack) gets its turn (promise 19). */
export function othersFirst(): Promise<void> {
  return new Promise((next) => setImmediate(next))
}

/** One after the other, so that hundreds of them keep nobody waiting. */
export async function strategyViews(
  context: EngineContext,
  strategies: readonly Strategy[] = context.config.strategies,
): Promise<StrategyView[]> {
  const views: StrategyView[] = []
  for (const strategy of strategies) {
    views.push(await strategyView(context, strategy))
    await othersFirst()
  }
  return views
}

export async function strategyView(context: EngineContext, strategy: Strategy): Promise<StrategyView> {
  const db = context.database.read
  const [newest] = await listRuns(db, { strategy: strategy.name, kind: 'backup', limit: 1 })
  const last = newest && isWholeServer(strategy) ? await serverRun(db, newest) : newest
  const good = await newestGood(db, strategy.name, null)
  const facts = driverOf(context, strategy.source.kind).parseUrl(strategy.source.url)
  const paused = await currentPause(context, strategy.name)
  return {
    name: strategy.name,
    engine: last?.engine ?? driverOf(context, strategy.source.kind).name,
    endpoint: 'endpoint' in facts ? facts.endpoint : '',
    schedule: spelled(strategy.schedule),
    timezone: strategy.timezone,
    tags: strategy.tags,
    storages: strategy.storages,
    protected: strategy.protected,
    encryption: await encryptionView(context, strategy),
    lastRun: last
      ? {
          id: last.id,
          state: last.state,
          startedAt: last.startedAt,
          endedAt: last.endedAt,
          fault: last.fault,
        }
      : null,
    lastGood: good ? backupView(context, [good]) : null,
    proven: await lastProof(db, strategy.name),
    drills: await drillStanding(context, strategy, paused),
    ...(await standingOf(db, strategy.name)),
    nextAt: nextRunAt(strategy, paused, context.clock.now()),
    runningId: last && (last.state === 'running' || last.state === 'queued') ? last.id : null,
    kept: await keptOf(context, strategy.name),
    overdueSince: await overdueSince(context, strategy),
    paused,
    copies: await listClones(db, strategy.name),
    replaced: await listSwaps(db, strategy.name),
    asks: await asksOf(db, strategy.name),
    failuresInARow: isWholeServer(strategy)
      ? Math.max(0, ...(await failingSeries(db, strategy.name)).values())
      : await failuresInARow(db, strategy.name),
    ...(await databasesOf(context, strategy)),
    ...(await totals(db, strategy.name)),
  }
}

async function drillStanding(
  context: EngineContext,
  { name }: Strategy,
  paused: StrategyView['paused'],
): Promise<DrillStanding> {
  const db = context.database.read
  const slots = drillSlots(context.config, name)
  return {
    schedule: slots && spelled(slots.schedule),
    nextAt: nextDrillAt(slots, paused, context.clock.now()),
    last: await lastDrill(db, name),
    openId: await openRun(db, 'drill', name),
  }
}

async function asksOf(db: Read, strategy: string): Promise<NonNullable<StrategyView['asks']>> {
  return (await requestsIn(db, 'waiting')).flatMap(({ view }) => {
    if (view.kind !== 'prune' || view.plan.strategy !== strategy) return []
    const { storage, series, count, total } = view.plan
    return [{ storage, series, count, total, request: view.id }]
  })
}

/** A dump that no place took and that Retry sends. */
async function keptOf(
  context: EngineContext,
  strategy: string,
): Promise<(KeptDump & { run: string }) | null> {
  const [run] = await keepingRuns(context.database.read, strategy)
  return run?.result?.kept ? { ...run.result.kept, run: run.id } : null
}

/** All copies of one backup as one line. @param copies at least one, all of the same id */
export function backupView(
  context: EngineContext,
  copies: readonly Copy[],
  owed: readonly string[] = [],
): BackupView {
  const [first] = copies as [Copy, ...Copy[]]
  const { manifest } = first
  const good = copies.find((copy) => copy.corrupt === null)
  const strategy = context.config.strategies.find((candidate) => candidate.name === first.strategy)
  const policies = copies.map(({ storage }) => (strategy ? retentionIn(strategy, storage) : null))
  const kept = keptFor(first.foreign ? [] : policies, first.createdAt)
  return {
    id: first.id,
    strategy: first.strategy,
    series: first.series,
    ...(isOneOfMany(manifest) && { database: first.series }),
    engine: `${manifest.engine.name} ${manifest.engine.serverVersion.split('.')[0]}`,
    createdAt: first.createdAt,
    storages: copies.map((copy) => copy.storage),
    rawBytes: manifest.rawBytes,
    storedBytes: manifest.storedBytes,
    level: (good ?? first).level,
    ...(manifest.provedAtDump && { provedAtDump: true }),
    tables: manifest.tables?.length ?? null,
    rows: manifest.tables?.reduce((sum, table) => sum + table.rows, 0) ?? null,
    tookMs: Date.parse(manifest.endedAt) - Date.parse(manifest.startedAt),
    corrupt: good ? null : first.corrupt,
    ...(first.odd?.length && { odd: oddWords(first.odd) }),
    owed: owed.filter((storage) => copies.every((copy) => copy.storage !== storage)),
    pin: activePin(first.pin, context.clock.now()),
    keepsUntil: kept.until,
    ...(kept.by !== null && { keepsBy: kept.by }),
    foreign: first.foreign,
  }
}

/** Places that owe a backup; none when nothing is owed. */
function storagesOf(debts: readonly Debt[] = []): string[] {
  return debts.map(({ storage }) => storage)
}

/** Newest first, one line per backup. */
export async function listBackups(context: EngineContext, filter: BackupFilter): Promise<BackupView[]> {
  const db = context.database.read
  const ids = await findBackupIds(db, filter, context.clock.now())
  const copies = Map.groupBy(await listCopies(db, { ids }), ({ id }) => id)
  const owed = Map.groupBy(await listDebts(db, { backups: ids }), ({ backup }) => backup)
  const strategies = [...new Set([...copies.values()].flat().map(({ strategy }) => strategy))]
  const drilled = await drillsOf(db, { backups: ids, strategies })
  return ids.flatMap((id) => {
    const group = copies.get(id)
    if (!group) return []
    return [{ ...backupView(context, group, storagesOf(owed.get(id))), drilled: drilled.get(id) ?? null }]
  })
}
