import type { Selectable } from 'kysely'
import type { DrillResult } from '../core/drill.ts'
import type { FaultFacts } from '../core/faults.ts'
import type {
  Actor,
  BackupResult,
  CopyResult,
  KeptDump,
  Outcome,
  Progress,
  PruneResult,
  RestoreResult,
  RunKind,
  RunState,
  Stage,
  Trigger,
  UndoResult,
  VerifyResult,
} from '../core/model.ts'
import type { Identity } from '../sys/strays.ts'
import type { Read, Write } from './database.ts'
import type { SeriesRef } from './series.ts'
import type { RunsTable } from './tables.ts'

/** What a run works on beside its strategy. */
export interface RunParams {
  /** The backup a restore or verify run reads. */
  backup?: string
  level?: 'V1' | 'V2'
  /** Every backup of the strategy is verified. */
  all?: true
  /** A file on the host that holds the key of an encrypted backup. */
  keyFile?: string
  /** Pin the backup when it succeeds, with this note. */
  pin?: string
  request?: string
  way?: 'in-place' | 'clone'
  /** Who asked for the restore that this backup is made before. */
  safetyFor?: Actor
  /** The place that a copy run brings the backup to, or the only one that a verification reads. */
  storage?: string
  /** Decode it whole, whatever the strategy says. */
  prove?: true
  /** The restore in place that this run undoes, or does again. */
  undo?: string
  /** The run whose kept dump is sent instead of a new one. */
  kept?: string
  /** The run that asked for the list of a whole server's databases; all that came of it name it, and it names itself. */
  group?: string
  /** What belongs to the server and to no database. */
  globals?: true
  /** Key of the message that tells this run among many that were started together. */
  batch?: string
  /** The incident that counts its failure, or what it owes. */
  incident?: string
}

/** One accepted piece of work, from queued to its single end. */
export interface Run {
  id: string
  kind: RunKind
  strategy: string
  series: string
  state: RunState
  stage: Stage | null
  trigger: Trigger
  actor: Actor
  slotAt: number | null
  /** What must not be worked on twice at the same time; null = nothing. */
  lease: string | null
  params: RunParams
  queuedAt: number
  startedAt: number | null
  endedAt: number | null
  attempt: number
  maxAttempts: number
  engine: string | null
  progress: Progress | null
  result: RunResult | null
  fault: FaultFacts | null
  holder: Identity | null
  cancelledBy: Actor | null
}

export interface RunResult {
  backup?: BackupResult
  restore?: RestoreResult
  verify?: VerifyResult
  drill?: DrillResult
  copy?: CopyResult
  prune?: PruneResult
  undo?: UndoResult
  kept?: KeptDump
}

export type NewRun = Pick<
  Run,
  'id' | 'kind' | 'strategy' | 'series' | 'trigger' | 'actor' | 'slotAt' | 'lease' | 'params' | 'maxAttempts'
>

export async function insertRun(tx: Write, run: NewRun, now: number): Promise<void> {
  const { slotAt, maxAttempts, actor, params, ...same } = run
  const fresh = {
    state: 'queued',
    slot_at: slotAt,
    max_attempts: maxAttempts,
    actor: JSON.stringify(actor),
    params: JSON.stringify(params),
    queued_at: now,
    attempt: 0,
  }
  await tx
    .insertInto('runs')
    .values({ ...same, ...fresh })
    .execute()
}

export async function findRun(db: Read, id: string): Promise<Run | null> {
  const row = await db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst()
  return row ? runFrom(row) : null
}

/** Newest first. */
export async function listRuns(
  db: Read,
  filter: { strategy?: string; kind?: RunKind; state?: RunState; limit: number },
): Promise<Run[]> {
  let query = db.selectFrom('runs').selectAll().orderBy('seq', 'desc').limit(filter.limit)
  if (filter.strategy) query = query.where('strategy', '=', filter.strategy)
  if (filter.kind) query = query.where('kind', '=', filter.kind)
  if (filter.state) query = query.where('state', '=', filter.state)
  return (await query.execute()).map(runFrom)
}

/** Runs without an end, oldest first. */
export async function openRuns(db: Read): Promise<Run[]> {
  const open = db.selectFrom('runs').selectAll().where('state', 'in', ['queued', 'running'])
  return (await open.orderBy('seq').execute()).map(runFrom)
}

/** A queued or running one of a strategy; null: there is none.
 * @param of  of a whole server one series; '' = what has no list of databases yet, whichever it will be */
export async function openRun(
  db: Read,
  kind: 'backup' | 'drill',
  of: string | SeriesRef,
): Promise<string | null> {
  const open = db
    .selectFrom('runs')
    .select('id')
    .where('strategy', '=', typeof of === 'string' ? of : of.strategy)
    .where('kind', '=', kind)
    .where('state', 'in', ['queued', 'running'])
    .limit(1)
  const one = typeof of === 'string' ? open : open.where('series', 'in', [of.series, ''])
  return (await one.executeTakeFirst())?.id ?? null
}

/** The oldest queued run that may start now takes its lease and becomes this holder's.
 * @param may  judges each candidate, e.g. against the parallel limit and what else is queued */
export async function claimRun(
  tx: Write,
  holder: Identity,
  now: number,
  may: (run: Run, queued: readonly Run[]) => boolean,
): Promise<Run | null> {
  const rows = await tx.selectFrom('runs').selectAll().where('state', '=', 'queued').orderBy('seq').execute()
  const queued = rows.map(runFrom)
  for (const run of queued) {
    if (!may(run, queued)) continue
    if (run.lease && !(await takeLease(tx, run, holder, now))) continue
    const startedAt = run.startedAt ?? now // one that goes on after a crash began before
    const attempt = Math.max(1, run.attempt)
    await tx
      .updateTable('runs')
      .set({
        state: 'running',
        stage: 'starting',
        started_at: startedAt,
        attempt,
        holder: JSON.stringify(holder),
      })
      .where('id', '=', run.id)
      .execute()
    return { ...run, state: 'running', stage: 'starting', startedAt, attempt, holder }
  }
  return null
}

async function takeLease(tx: Write, run: Run, holder: Identity, now: number): Promise<boolean> {
  const lease = { key: run.lease!, run: run.id, holder: JSON.stringify(holder), taken_at: now }
  const result = await tx
    .insertInto('leases')
    .values(lease)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** A running run takes more than its own lease: all of these or none. They end with it.
 * @returns false when another run has one */
export async function takeAlso(
  tx: Write,
  { run, keys, holder, now }: { run: string; keys: readonly string[]; holder: Identity; now: number },
): Promise<boolean> {
  const held = await tx.selectFrom('leases').select('run').where('key', 'in', keys).execute()
  if (held.some((lease) => lease.run !== run)) return false
  if (held.length === keys.length) return true
  const leases = keys.map((key) => ({ key, run, holder: JSON.stringify(holder), taken_at: now }))
  await tx
    .insertInto('leases')
    .values(leases)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return true
}

export interface RunChange {
  stage?: Stage
  attempt?: number
  engine?: string
  progress?: Progress | null
  series?: string
}

/** Changes a run that is still running; a run that has ended never changes again (promise 3). */
export async function changeRun(tx: Write, id: string, change: RunChange): Promise<boolean> {
  const { progress, ...plain } = change
  const columns =
    progress === undefined ? plain : { ...plain, progress: progress && JSON.stringify(progress) }
  const result = await tx
    .updateTable('runs')
    .set(columns)
    .where('id', '=', id)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** The one end of a run, and the release of its lease. @returns false when it had ended before */
export async function endRun(
  tx: Write,
  id: string,
  end: { outcome: Outcome; at: number; result: Run['result']; fault: FaultFacts | null },
): Promise<boolean> {
  const columns = {
    state: end.outcome,
    stage: null,
    ended_at: end.at,
    result: end.result && JSON.stringify(end.result),
    fault: end.fault && JSON.stringify(end.fault),
    progress: null,
  }
  const result = await tx
    .updateTable('runs')
    .set(columns)
    .where('id', '=', id)
    .where('state', 'in', ['queued', 'running'])
    .executeTakeFirst()
  await tx.deleteFrom('leases').where('run', '=', id).execute()
  return result.numUpdatedRows > 0n
}

/** Notes who asked first; a run that has ended is left alone. */
export async function requestCancel(tx: Write, id: string, actor: Actor): Promise<void> {
  const open = tx
    .updateTable('runs')
    .set({ cancelled_by: JSON.stringify(actor) })
    .where('id', '=', id)
  await open.where('state', 'in', ['queued', 'running']).where('cancelled_by', 'is', null).execute()
}

/** A row as it is kept. */
export function runFrom(row: Selectable<RunsTable>): Run {
  const parse = <T>(json: string | null): T | null => (json === null ? null : (JSON.parse(json) as T))
  return {
    id: row.id,
    kind: row.kind as RunKind,
    strategy: row.strategy,
    series: row.series,
    state: row.state as RunState,
    stage: row.stage as Stage | null,
    trigger: row.trigger as Trigger,
    actor: JSON.parse(row.actor) as Actor,
    slotAt: row.slot_at,
    lease: row.lease,
    params: JSON.parse(row.params) as RunParams,
    queuedAt: row.queued_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    engine: row.engine,
    progress: parse(row.progress),
    result: parse(row.result),
    fault: parse(row.fault),
    holder: parse(row.holder),
    cancelledBy: parse(row.cancelled_by),
  }
}
