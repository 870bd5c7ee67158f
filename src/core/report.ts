import { DateTime } from 'luxon'
import type { DrillCheckResult, DrillVerdict } from './drill.ts'
import type { Actor, Level, Outcome, RequestState, RunState } from './model.ts'

/** What somebody who was not there wants to know of a period, from what this machine remembers. Instants are epoch ms. */
export interface Report {
  period: ReportPeriod
  madeAt: number
  /** Whose zone instants are shown in. */
  timezone: string
  installation: string
  version: string
  /** Of this strategy alone; null = of all. */
  only: string | null
  strategies: ReportedStrategy[]
  runs: ReportedRuns[]
  /** open: not followed by a good backup yet. */
  failures: Listed<FailureSpell> & { open: number }
  late: Listed<LateSpell>
  /** verdicts: of them all; none: it did not end. */
  drills: Listed<ReportedDrill> & { verdicts: Record<DrillVerdict | 'none', number> }
  verifications: ReportedVerifications[]
  broken: Listed<BrokenBackup>
  /** Strategies with backups that nobody ever restored. */
  unproven: string[]
  deletions: Listed<ReportedDeletions>
  /** brokeGlass: without the second person they needed; reviewed: of those, since. Of them all. */
  restores: Listed<ReportedRestore> & { brokeGlass: number; reviewed: number }
  changes: Listed<Decision>
  downloads: Listed<Decision>
  refusals: Listed<Decision>
  /** Of the whole audit log, walked now. */
  chain: { rows: number; problems: string[] }
  /** What this report cannot know. */
  gaps: {
    /** Where this installation's memory begins, when that is within the period; null: it begins before. */
    begunAt: number | null
    /** What is kept for so many days only, and the period begins before. */
    forgotten: { what: string; days: number }[]
  }
}

/** A day as `2026-11-20` is its midnight in the report's zone. */
export interface ReportAsk {
  since: number | string
  until: number | string
}

export interface ReportPeriod {
  since: number
  /** Not included. */
  until: number
}

/** The oldest rows of a list, and how many there are: what one machine can hold in memory, however long the period. */
export interface Listed<Row> {
  rows: Row[]
  total: number
}

/** As it is configured and stands when the report is made. */
export interface ReportedStrategy {
  name: string
  database: string
  schedule: string
  /** Per place: `30d`, or `for ever`. */
  retention: { storage: string; keeps: string }[]
  /** `age, 2 recipients`; null: stored as anybody can read it. */
  encryption: string | null
  secondPerson: boolean
  drills: string | null
  /** Those that are there now, good or not. */
  backups: number
  lastGoodAt: number | null
  proven: { at: number; backup: string; by: 'restore' | 'drill' } | null
}

/** Backup runs that ended in the period, and slots that passed without one. */
export interface ReportedRuns extends Record<Outcome, number> {
  strategy: string
  missed: number
  paused: number
}

/** Runs that failed one after the other, until a good backup was there. */
export interface FailureSpell {
  strategy: string
  from: number
  runs: number
  /** Of the newest failure. */
  why: string
  /** null: there is none yet. */
  goodAt: number | null
}

/** A time in which the newest good backup was older than is promised now. */
export interface LateSpell {
  strategy: string
  from: number
  /** null: it still was at the end of the period. */
  to: number | null
  /** Within the period. */
  tookMs: number
  /** What is promised, ms. */
  promisedMs: number
  /** Slots in it that passed because somebody had paused it. */
  paused: number
}

export interface ReportedDrill {
  run: string
  strategy: string
  at: number
  by: Actor
  backup: string | null
  /** null: it came to none. */
  verdict: DrillVerdict | null
  why: string | null
  server: string | null
  restoreMs: number | null
  tables: number | null
  rows: number | null
  checks: readonly DrillCheckResult[]
  evidence: { storage: string; key: string } | null
}

export interface ReportedVerifications {
  strategy: string
  /** Found good, by how far they were looked at. */
  good: Partial<Record<Level, number>>
}

/** A verification that failed, or found a good copy and another that is not or could not be read. */
export interface BrokenBackup {
  strategy: string
  at: number
  backup: string | null
  state: RunState
  why: string
}

/** What retention let go in one place for one reason. */
export interface ReportedDeletions {
  strategy: string
  storage: string
  reason: string
  backups: number
  firstAt: number
  lastAt: number
}

export interface ReportedRestore {
  request: string
  run: string | null
  at: number
  strategy: string
  backup: string
  /** `in place of myapp on db-1`. */
  target: string
  askedBy: Actor
  reason: string | null
  state: RequestState
  decidedBy: Actor | null
  decidedAt: number | null
  decision: string | null
  brokeGlass: boolean
  reviewedBy: Actor | null
  reviewedAt: number | null
  fault: string | null
}

/** One row of the audit log. */
export interface Decision {
  seq: number
  at: number
  by: Actor
  act: string
  strategy: string | null
  subject: string | null
  result: string
  reason: string | null
  detail: string | null
}

/** @returns null when it is no day */
export function instantIn(at: number | string, zone: string): number | null {
  if (typeof at === 'number') return at
  const day = DateTime.fromISO(at, { zone })
  return day.isValid ? day.toMillis() : null
}
