import type { ScheduleSpec } from './schedule.ts'

/** How a strategy's backups are tried by a real restore; null in a strategy: only when somebody asks. */
export interface DrillConfig {
  schedule: ScheduleSpec
  /** A server of our own, started for the drill and thrown away; null: the one of `databaseUrl`. */
  scratch: boolean
  /** Holds secrets; never printed. */
  databaseUrl: string | null
  checks: readonly DrillCheck[]
  /** A drill that restores for longer fails its promise; null: no limit. */
  maxDurationMs: number | null
}

/** A question to the restored database; its answer's one value is judged. */
export interface DrillCheck {
  name: string
  sql: string
  /** `not_empty`, a value, or limits. */
  expect: string | number | boolean | { min?: number; max?: number }
}

/** pass: restored, equal, and every check true. fail: it is not. inconclusive: this machine could not tell. */
export type DrillVerdict = 'pass' | 'fail' | 'inconclusive'

/** What a drill found; the same facts are its evidence. */
export interface DrillResult {
  backup: string
  verdict: DrillVerdict
  /** What differed, or what was missing here; null when it passed. */
  why: string | null
  /** Where it was restored, in words: `a scratch PostgreSQL 15.9`. */
  server: string
  /** Of the restored database; null when it came to none. */
  tables: number | null
  rows: number | null
  /** Kinds of schema objects whose number was compared; null: the backup's manifest names none. */
  objects: number | null
  checks: readonly DrillCheckResult[]
  /** Fetch, verify and restore: how long a real one takes at least (RTO); null when it was not restored. */
  restoreMs: number | null
  /** Of the passed drill before; null: there is none. */
  previousMs: number | null
  /** Where the evidence lies; null: no place took it. */
  evidence: { storage: string; key: string } | null
  /** What a person should know beside: copies that were passed over, what was left behind. */
  notes?: readonly string[]
}

export interface DrillCheckResult {
  name: string
  ok: boolean
  /** As text, cut; null: it could not be asked. */
  found: string | null
  expected: string
}
