import type { Strategy } from '../core/config.ts'
import { Fault } from '../core/faults.ts'
import type { Level, RequestView, StrategyView } from '../core/model.ts'
import {
  instantIn,
  type Decision,
  type Listed,
  type Report,
  type ReportAsk,
  type ReportedStrategy,
  type ReportedVerifications,
  type ReportPeriod,
} from '../core/report.ts'
import { retentionIn } from '../core/retention.ts'
import { checkChain } from '../state/audit-chain.ts'
import { deletionsIn } from '../state/deletions.ts'
import {
  brokenIn,
  decisionsIn,
  drillsIn,
  oldestMemory,
  restoresIn,
  strategiesIn,
  verifiedIn,
} from '../state/report.ts'
import { strategyOf, type EngineContext } from './context.ts'
import { runsMs, slotsMs } from './forget.ts'
import { historyOf, merged } from './report-history.ts'
import { othersFirst, strategyViews } from './views.ts'

/** Acts of the audit log by what they are evidence of; restores have a list of their own. */
const downloads = ['download', 'get']
const refusals = ['access.refused']
const dayMs = 24 * 60 * 60_000
const everyday = ['restore.%', 'run', 'verify', 'cancel', 'drill', 'incident.%']

/** What happened in a period, and how things stand, for somebody who was not there. Reads state only; the same state gives the same report.
 * @param given  of this strategy alone, or of these; null = of all. @throws Fault not-found · usage */
export async function composeReport(
  context: EngineContext,
  asked: ReportAsk,
  given: string | readonly string[] | null,
): Promise<Report> {
  const only = given === null ? null : [given].flat()
  const { clock, config, database } = context
  const timezone = config.digest?.timezone ?? config.strategies[0]?.timezone ?? 'UTC'
  const period = periodOf(asked, timezone)
  const db = database.read
  const configured = only === null ? config.strategies : only.map((name) => strategyOf(context, name))
  const names = only ?? (await everyName(context, period))
  const scope = { period, strategies: names }
  const histories = []
  for (const name of names) {
    await othersFirst()
    const strategy = configured.find((one) => one.name === name) ?? null
    histories.push(await historyOf(db, name, { strategy, period, now: clock.now() }))
  }
  const views = await strategyViews(context, configured)
  const deletions = await deletionsIn(db, period, only === null ? null : names)
  const { rows, problems } = await checkChain(db, [])
  return {
    period,
    madeAt: clock.now(),
    timezone,
    installation: context.installation,
    version: context.version,
    only: only && only.join(', '),
    strategies: configured.map((strategy, index) => standingOf(strategy, views[index]!)),
    runs: histories.map(({ runs }) => runs),
    failures: {
      ...merged(histories.map(({ failures }) => failures)),
      open: histories.flatMap(({ failures }) => failures).filter(({ goodAt }) => goodAt === null).length,
    },
    late: merged(histories.map(({ late }) => late)),
    drills: await drillsIn(db, scope),
    verifications: verificationsOf(await verifiedIn(db, scope)),
    broken: await brokenIn(db, scope),
    unproven: views.filter(({ proven, backups }) => !proven && backups > 0).map(({ name }) => name),
    deletions: { rows: deletions, total: deletions.length },
    restores: restoresOf(context, await restoresIn(db, scope)),
    changes: said(context, await decisionsIn(db, scope, { not: [...downloads, ...refusals, ...everyday] })),
    downloads: said(context, await decisionsIn(db, scope, { like: downloads })),
    refusals: said(context, await decisionsIn(db, scope, { like: refusals })),
    chain: { rows, problems: problems.map(({ text }) => text) },
    gaps: await gapsOf(context, period),
  }
}

function periodOf(asked: ReportAsk, timezone: string): ReportPeriod {
  const [since, until] = [instantIn(asked.since, timezone), instantIn(asked.until, timezone)]
  if (since !== null && until !== null && since < until) return { since, until }
  throw new Fault('usage', 'the period ends before it begins, or has a day that is none', {
    hint: 'write --since 90d, or --since 2026-08-23 --until 2026-11-21',
  })
}

/** Those that are configured, and those that were. */
async function everyName({ config, database }: EngineContext, period: ReportPeriod): Promise<string[]> {
  const known = config.strategies.map(({ name }) => name)
  const gone = (await strategiesIn(database.read, period)).filter((name) => !known.includes(name))
  return [...known, ...gone]
}

function standingOf(strategy: Strategy, view: StrategyView): ReportedStrategy {
  const { proven } = view
  return {
    name: strategy.name,
    database: `${view.engine}, ${view.endpoint}`,
    schedule: `${view.schedule}, ${view.timezone}`,
    retention: strategy.storages.map((storage) => ({
      storage,
      keeps: retentionIn(strategy, storage)?.text ?? 'for ever',
    })),
    encryption: encryptionOf(strategy),
    secondPerson: strategy.protected,
    drills: strategy.drill && (view.drills?.schedule ?? null),
    backups: view.backups,
    lastGoodAt: view.lastGood?.createdAt ?? null,
    proven: proven ? { at: proven.at, backup: proven.backup, by: proven.by ?? 'restore' } : null,
  }
}

function encryptionOf({ encryption }: Strategy): string | null {
  if (encryption === null) return null
  const { type, recipients } = encryption
  const keys = recipients.length === 1 ? '1 recipient' : `${recipients.length} recipients`
  return `${type}, ${recipients.length === 0 ? 'passphrase' : keys}`
}

function verificationsOf(
  found: { strategy: string; level: Level; count: number }[],
): ReportedVerifications[] {
  const byStrategy = Object.groupBy(found, ({ strategy }) => strategy)
  return Object.entries(byStrategy).map(([strategy, rows]) => ({
    strategy,
    good: Object.fromEntries(rows!.map(({ level, count }) => [level, count])),
  }))
}

/** What people wrote is scrubbed like all that leaves. */
function restoresOf(
  { scrub }: EngineContext,
  { rows, ...counts }: Awaited<ReturnType<typeof restoresIn>>,
): Report['restores'] {
  const words = (text: string | null): string | null => text && scrub(text)
  return {
    ...counts,
    rows: rows.map((request) => ({
      request: request.id,
      run: request.run,
      at: request.createdAt,
      strategy: request.plan.backup.strategy,
      backup: request.plan.backup.id,
      target: scrub(targetOf(request)),
      askedBy: request.requester,
      reason: words(request.reason),
      state: request.state,
      decidedBy: request.decidedBy,
      decidedAt: request.decidedAt,
      decision: words(request.decision),
      brokeGlass: request.brokeGlass,
      reviewedBy: request.reviewedBy,
      reviewedAt: request.reviewedAt,
      fault: words(request.fault?.text ?? null),
    })),
  }
}

function targetOf({ plan }: RequestView): string {
  const { mode, name, endpoint, overwritten } = plan.target
  if (mode === 'in-place') return `in place of ${name} on ${endpoint}`
  return `${overwritten ? 'over' : 'into'} ${name} on ${endpoint}`
}

function said({ scrub }: EngineContext, { rows, total }: Listed<Decision>): Listed<Decision> {
  const words = (text: string | null): string | null => text && scrub(text)
  return {
    total,
    rows: rows.map((row) => ({ ...row, reason: words(row.reason), detail: words(row.detail) })),
  }
}

/** What was before this machine's memory, or is forgotten by now. */
async function gapsOf({ clock, database }: EngineContext, { since }: ReportPeriod): Promise<Report['gaps']> {
  const begun = await oldestMemory(database.read)
  const kept = [
    { what: 'runs, requests and deletions', ms: runsMs },
    { what: 'missed and paused backups', ms: slotsMs },
  ]
  return {
    begunAt: begun !== null && begun > since ? begun : null,
    forgotten: kept
      .filter(({ ms }) => since < clock.now() - ms)
      .map(({ what, ms }) => ({ what, days: ms / dayMs })),
  }
}
