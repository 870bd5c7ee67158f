import { sql } from 'kysely'
import type { DrillResult, DrillVerdict } from '../core/drill.ts'
import type { FaultFacts } from '../core/faults.ts'
import type { Actor, AnyRequestView, Level, RequestView, RunState } from '../core/model.ts'
import type { BrokenBackup, Decision, Listed, Report, ReportedDrill, ReportPeriod } from '../core/report.ts'
import { fromTable } from './audit.ts'
import type { Read } from './database.ts'
import { fromRow } from './requests.ts'

/** What a report asks: by period, in the order of time, at most so many rows; a period counts from `since` up to, not including, `until`. */

const pageRows = 500
const mostRows = 1_000

/** How a backup run ended. */
export interface Ending {
  state: RunState
  startedAt: number
  endedAt: number
  why: string | null
}

/** Ends of a strategy's backups in a period, oldest first. Memory does not grow with them. */
export async function* endings(db: Read, strategy: string, period: ReportPeriod): AsyncGenerator<Ending> {
  for (let after = 0; ;) {
    const rows = await db
      .selectFrom('runs')
      .select(['seq', 'state', 'queued_at', 'started_at', 'ended_at', 'fault'])
      .where('strategy', '=', strategy)
      .where('kind', '=', 'backup')
      .where('seq', '>', after)
      .where('ended_at', '>=', period.since)
      .where('ended_at', '<', period.until)
      .orderBy('seq')
      .limit(pageRows)
      .execute()
    for (const { state, queued_at, started_at, ended_at, fault } of rows)
      yield {
        state: state as RunState,
        startedAt: started_at ?? queued_at,
        endedAt: ended_at!,
        why: textOf(fault),
      }
    if (rows.length < pageRows) return
    after = rows.at(-1)!.seq
  }
}

const goodStates = ['succeeded', 'degraded']

/** The newest good backup that was there before, and the first one since. */
export async function goodAround(
  db: Read,
  strategy: string,
  { before, from }: { before?: number; from?: number },
): Promise<{ startedAt: number; endedAt: number } | null> {
  let query = db
    .selectFrom('runs')
    .select(['queued_at', 'started_at', 'ended_at'])
    .where('strategy', '=', strategy)
    .where('kind', '=', 'backup')
    .where('state', 'in', goodStates)
    .limit(1)
  if (before !== undefined) query = query.where('ended_at', '<', before).orderBy('seq', 'desc')
  if (from !== undefined) query = query.where('ended_at', '>=', from).orderBy('seq')
  const row = await query.executeTakeFirst()
  return row ? { startedAt: row.started_at ?? row.queued_at, endedAt: row.ended_at! } : null
}

/** When its first backup that is remembered was asked for. */
export async function firstRunAt(db: Read, strategy: string): Promise<number | null> {
  const row = await db
    .selectFrom('runs')
    .select((e) => e.fn.min<number | null>('queued_at').as('at'))
    .where('strategy', '=', strategy)
    .where('kind', '=', 'backup')
    .executeTakeFirst()
  return row?.at ?? null
}

/** Every strategy that has a backup run in the period, also those that are configured no more. */
export async function strategiesIn(db: Read, { since, until }: ReportPeriod): Promise<string[]> {
  const rows = await db
    .selectFrom('runs')
    .select('strategy')
    .distinct()
    .where('ended_at', '>=', since)
    .where('ended_at', '<', until)
    .orderBy('strategy')
    .execute()
  return rows.map(({ strategy }) => strategy)
}

/** Slots that passed without a run. */
export async function slotsWithout(
  db: Read,
  strategy: string,
  { since, until }: ReportPeriod,
): Promise<{ missed: number; paused: number }> {
  const isPaused = sql<boolean>`skipped LIKE 'paused %'`
  const row = await db
    .selectFrom('slots')
    .select((e) => [
      e.fn.countAll<number>().as('all'),
      e.fn.countAll<number>().filterWhere(isPaused).as('paused'),
    ])
    .where('strategy', '=', strategy)
    .where('slot_at', '>=', since)
    .where('slot_at', '<', until)
    .where('skipped', 'is not', null)
    .executeTakeFirstOrThrow()
  return { missed: row.all - row.paused, paused: row.paused }
}

type Scope = { period: ReportPeriod; strategies: readonly string[] }

function runsIn(db: Read, kind: 'drill' | 'verify', { period, strategies }: Scope) {
  return db
    .selectFrom('runs')
    .where('kind', '=', kind)
    .where('strategy', 'in', strategies)
    .where('ended_at', '>=', period.since)
    .where('ended_at', '<', period.until)
}

export async function drillsIn(db: Read, scope: Scope): Promise<Report['drills']> {
  const all = runsIn(db, 'drill', scope)
  const rows = await all
    .select(['id', 'strategy', 'ended_at', 'actor', 'fault', 'params'])
    .select(sql<string | null>`json_extract(result, '$.drill')`.as('drill'))
    .orderBy('seq')
    .limit(mostRows)
    .execute()
  const ended = await all
    .select(sql<DrillVerdict | null>`json_extract(result, '$.drill.verdict')`.as('verdict'))
    .select((e) => e.fn.countAll<number>().as('count'))
    .groupBy('verdict')
    .execute()
  const verdicts = { pass: 0, fail: 0, inconclusive: 0, none: 0 }
  for (const { verdict, count } of ended) verdicts[verdict ?? 'none'] += count
  const total = ended.reduce((sum, { count }) => sum + count, 0)
  return { rows: rows.map((row) => drillOf(row)), total, verdicts }
}

function drillOf(row: {
  id: string
  strategy: string
  ended_at: number | null
  actor: string
  fault: string | null
  params: string
  drill: string | null
}): ReportedDrill {
  const found = row.drill === null ? null : (JSON.parse(row.drill) as DrillResult)
  const { backup = null } = JSON.parse(row.params) as { backup?: string }
  return {
    run: row.id,
    strategy: row.strategy,
    at: row.ended_at!,
    by: JSON.parse(row.actor) as Actor,
    backup: found?.backup ?? backup,
    verdict: found?.verdict ?? null,
    why: found ? found.why : textOf(row.fault),
    server: found?.server ?? null,
    restoreMs: found?.restoreMs ?? null,
    tables: found?.tables ?? null,
    rows: found?.rows ?? null,
    checks: found?.checks ?? [],
    evidence: found?.evidence ?? null,
  }
}

/** How many were found good, by how far they were looked at. */
export async function verifiedIn(
  db: Read,
  scope: Scope,
): Promise<{ strategy: string; level: Level; count: number }[]> {
  return runsIn(db, 'verify', scope)
    .where('state', '=', 'succeeded')
    .select((e) => [
      'strategy',
      sql<Level>`json_extract(result, '$.verify.level')`.as('level'),
      e.fn.countAll<number>().as('count'),
    ])
    .groupBy(['strategy', 'level'])
    .orderBy('strategy')
    .execute()
}

const foundOthers = sql<boolean>`json_array_length(result, '$.verify.warnings') > 0
  OR json_array_length(result, '$.verify.all.broken') > 0 OR json_array_length(result, '$.verify.all.unread') > 0`

/** Verifications that did not end well, or that found a copy that is not good beside one that is. */
export async function brokenIn(db: Read, scope: Scope): Promise<Listed<BrokenBackup>> {
  const all = runsIn(db, 'verify', scope).where((e) =>
    e.or([e('state', 'in', ['failed', 'interrupted']), foundOthers]),
  )
  const rows = await all
    .select(['strategy', 'ended_at', 'state', 'fault'])
    .select(sql<string | null>`json_extract(params, '$.backup')`.as('backup'))
    .select(sql<string | null>`json_extract(result, '$.verify.warnings')`.as('warnings'))
    .orderBy('seq')
    .limit(mostRows)
    .execute()
  const { total } = await all.select((e) => e.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  return {
    total,
    rows: rows.map(({ strategy, ended_at: at, state, fault, backup, warnings }) => ({
      strategy,
      at: at!,
      backup,
      state: state as RunState,
      why: textOf(fault) ?? ((JSON.parse(warnings ?? '[]') as string[]).join('; ') || state),
    })),
  }
}

/** Requests to restore that were filed in the period. */
export async function restoresIn(
  db: Read,
  { period, strategies }: Scope,
): Promise<Listed<RequestView> & Pick<Report['restores'], 'brokeGlass' | 'reviewed'>> {
  const strategy = sql<string>`json_extract(plan, '$.backup.strategy')`
  const all = db
    .selectFrom('requests')
    .where('kind', '=', 'restore')
    .where(strategy, 'in', strategies)
    .where('created_at', '>=', period.since)
    .where('created_at', '<', period.until)
  const rows = await all.selectAll().orderBy('created_at').orderBy('id').limit(mostRows).execute()
  const counts = await all
    .select((e) => [
      e.fn.countAll<number>().as('total'),
      e.fn.countAll<number>().filterWhere('broke_glass', '=', 1).as('brokeGlass'),
      e.fn
        .countAll<number>()
        .filterWhere('broke_glass', '=', 1)
        .filterWhere('reviewed_at', 'is not', null)
        .as('reviewed'),
    ])
    .executeTakeFirstOrThrow()
  const views = rows.map((row): AnyRequestView => fromRow(row).view)
  return { rows: views.filter((view) => view.kind === 'restore'), ...counts }
}

/** Rows of the audit log about these acts; those about no strategy always count. @param acts  patterns of LIKE */
export async function decisionsIn(
  db: Read,
  { period, strategies }: Scope,
  acts: { like: readonly string[] } | { not: readonly string[] },
): Promise<Listed<Decision>> {
  const isNot = 'not' in acts
  const patterns = isNot ? acts.not : acts.like
  const all = db
    .selectFrom('audit')
    .where('at', '>=', period.since)
    .where('at', '<', period.until)
    .where((e) => e.or([e('strategy', 'is', null), e('strategy', 'in', strategies)]))
    .where((e) => {
      const any = e.or(patterns.map((pattern) => e('act', 'like', pattern)))
      return isNot ? e.not(any) : any
    })
  const rows = await all.selectAll().orderBy('seq').limit(mostRows).execute()
  const { total } = await all.select((e) => e.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  return {
    total,
    rows: rows.map(fromTable).map((row) => ({
      seq: row.seq,
      at: row.at,
      by: row.actor,
      act: row.act,
      strategy: row.strategy,
      subject: row.subject,
      result: row.result,
      reason: row.reason,
      detail: row.detail,
    })),
  }
}

/** When the oldest run and the oldest row of the audit log are from; null: nothing is remembered. */
export async function oldestMemory(db: Read): Promise<number | null> {
  const run = await db
    .selectFrom('runs')
    .select((e) => e.fn.min('queued_at').as('at'))
    .executeTakeFirst()
  const row = await db.selectFrom('audit').select('at').orderBy('seq').limit(1).executeTakeFirst()
  const known = [run?.at, row?.at].filter((at) => typeof at === 'number')
  return known.length === 0 ? null : Math.min(...known)
}

const textOf = (fault: string | null): string | null =>
  fault === null ? null : (JSON.parse(fault) as FaultFacts).text
