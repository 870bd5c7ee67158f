import type { CloneView } from './clone.ts'
import type { DrillResult } from './drill.ts'
import type { Drilled, DrillStanding } from './drill-standing.ts'
import type { FaultFacts } from './faults.ts'
import type { RereadStanding } from './reread.ts'
import type {
  BackupResult,
  CopyResult,
  KeptDump,
  PruneResult,
  RestoreResult,
  SwapView,
  UndoResult,
  VerifyResult,
} from './results.ts'

/** How far a backup was verified: V0 exists, V1 digest re-read, V2 decoded whole by the engine's own parser, V3 restored and compared. */
export type Level = 'V0' | 'V1' | 'V2' | 'V3'

export type RunKind = 'backup' | 'restore' | 'verify' | 'drill' | 'copy' | 'prune'
export type Outcome = 'succeeded' | 'degraded' | 'failed' | 'cancelled' | 'interrupted' | 'skipped'
export type RunState = 'queued' | 'running' | Outcome
export const outcomes: readonly Outcome[] = [
  'succeeded',
  'degraded',
  'failed',
  'cancelled',
  'interrupted',
  'skipped',
]

/** Why a run exists. */
export type Trigger = 'schedule' | 'catch-up' | 'person' | 'retry'

/** The station a running run is at; a face shows it in words. */
export type Stage =
  | 'starting'
  | 'hooks'
  | 'dump'
  | 'upload'
  | 'proof'
  | 'manifest'
  | 'verify'
  | 'safety'
  | 'fetch'
  | 'restore'
  | 'check'
  | 'sanitize'
  | 'swap'
  | 'prune'
  | 'waiting'

/** Who asked. Ids only: names change, and are looked up when shown. */
export interface Actor {
  via: 'slack' | 'cli' | 'http' | 'service'
  /** Slack user id, operating-system user, or 'easy-backup' for the service itself. */
  id: string
  /** Slack's id of the workspace; for the audit log. */
  team?: string
}

export const serviceActor: Actor = { via: 'service', id: 'easy-backup' }

/** What retention, leases, overdue and history are about: one database of one strategy. */
export interface Series {
  strategy: string
  /** The database's name in the source; unique within the strategy. */
  name: string
  /** True when the strategy has just this one: then object keys carry no series folder. */
  sole: boolean
  /** What belongs to the server and to no database: roles and the like. */
  globals?: true
}

export type Compression = 'gzip' | 'zstd' | 'none'

/** Keeps a backup from retention. Stored beside the backup as a write-once sidecar, and in our state. */
export interface Pin {
  /** Epoch ms; null = until it is unpinned. */
  until: number | null
  note: string | null
  by: Actor
  at: number
}

/** A backup as the catalogue knows it, one per storage that holds it. */
export interface BackupView {
  id: string
  strategy: string
  series: string
  /** Of a strategy with many databases: which this is of; absent: of the only one. */
  database?: string
  engine: string
  createdAt: number
  storages: string[]
  rawBytes: number | null
  storedBytes: number
  level: Level
  /** As in the manifest. */
  provedAtDump?: true
  tables: number | null
  rows: number | null
  tookMs: number
  /** Places that should hold it and do not yet; a copy run catches up. */
  owed: string[]
  pin: Pin | null
  /** A verification or a drill found it broken: shown, never offered for restore. */
  corrupt: string | null
  /** What was not as usual when it was made, in words; absent: all was, or nobody could tell. */
  odd?: string
  /** What its newest drill found; null: none came to a verdict. Absent: nobody looked. */
  drilled?: Drilled | null
  /** When retention lets it go; null when nothing deletes it, or when calendar rules decide. */
  keepsUntil: number | null
  /** The calendar rules that decide when it goes, e.g. `7 daily, 4 weekly`; absent where an age or nothing does. */
  keepsBy?: string
  /** Written by another installation: listed, never pruned. */
  foreign: boolean
}

export interface Progress {
  stage: Stage
  bytes: number
  /** From the last good run; null when there was none. */
  expectedBytes: number | null
  bytesPerSecond: number | null
  remainingMs: number | null
}

/** A run as every face shows it: the row, plus what the reader needs beside it. Instants are epoch ms. */
export interface RunView {
  id: string
  kind: RunKind
  strategy: string
  series: string
  /** e.g. `PostgreSQL 16`; the driver's name until the server was asked. */
  engine: string
  state: RunState
  stage: Stage | null
  trigger: Trigger
  actor: Actor
  queuedAt: number
  startedAt: number | null
  endedAt: number | null
  attempt: number
  maxAttempts: number
  /** As people say it: `every 6h`. */
  schedule: string
  timezone: string
  nextAt: number | null
  host: string
  progress: Progress | null
  backup: BackupResult | null
  restore: RestoreResult | null
  verify: VerifyResult | null
  drill?: DrillResult | null
  copy?: CopyResult | null
  prune?: PruneResult | null
  undo?: UndoResult | null
  /** The restore in place that it undoes. */
  undoes?: string
  /** What a restore does around its steps; absent: nothing. */
  way?: 'in-place' | 'clone'
  /** Of a safety backup: who asked for the restore after it. */
  safetyFor?: Actor
  fault: FaultFacts | null
  /** Only of a backup that no place took. */
  kept?: KeptDump | null
  /** End of the newest good backup of the series, this run's own not counted. */
  lastGoodAt: number | null
  failuresInARow: number
  /** Of a drill that found its backup bad: the newest that is still offered; null = none is. */
  stillGood?: { id: string; createdAt: number; level: Level } | null
  /** Backup a restore, verify or drill run works on. */
  backupId: string | null
  /** Of a strategy with many databases: which this is about; absent: of no one, or the only one. */
  database?: string
  /** The run that asked for the list of the server's databases: everything that came of it names it, and it names itself. */
  group?: string
  /** Key of the message that tells this run among many that were started together. */
  batch?: string
  /** The incident that counts its failure, or what it owes. */
  incident?: string
}

/** One line of `status`. */
export interface StrategyView {
  name: string
  engine: string
  endpoint: string
  schedule: string
  timezone: string
  tags: string[]
  storages: string[]
  /** Overwriting it needs a second person. */
  protected?: boolean
  /** Its dumps are encrypted; `untested`: none is made before somebody shows that they can be decrypted. */
  encryption?: { type: 'age' | 'gpg'; untested: boolean } | null
  lastRun: {
    id: string
    state: RunState
    startedAt: number | null
    endedAt: number | null
    fault: FaultFacts | null
  } | null
  lastGood: BackupView | null
  /** The last time a whole backup of it was restored and compared; null: never, its backups are unproven.
   * `restoreMs`: fetch, verify and restore. */
  proven?: { at: number; backup: string; by?: 'restore' | 'drill'; restoreMs?: number | null } | null
  /** Absent: nobody looked. */
  drills?: DrillStanding
  /** Its newest backup is good and not as usual, and nobody has found it right yet; `why` as people read it. Absent: nobody looked. */
  odd?: { backup: string; why: string; since: number; incident: string } | null
  /** How its stored copies stand; null: there are none. Absent: nobody looked. */
  reread?: RereadStanding | null
  nextAt: number | null
  runningId: string | null
  /** A dump that no place took, and the run that made it. */
  kept?: (KeptDump & { run: string }) | null
  overdueSince: number | null
  /** Paused by a person: its slots are recorded as skipped. `until` null = until resumed. */
  paused: { until: number | null; by: Actor } | null
  /** Copies of its backups in other databases. */
  copies?: CloneView[]
  /** Databases that a restore in place replaced and that are still there. */
  replaced?: SwapView[]
  /** Old backups that are deleted only when somebody confirms it. */
  asks?: { storage: string; series: string; count: number; total: number; request: string }[]
  failuresInARow: number
  backups: number
  storedBytes: number
  /** Only of a whole server: each database it has or had, by name; what is not healthy first. */
  databases?: DatabaseView[]
}

/** One database of a whole server. */
export interface DatabaseView {
  name: string
  /** Roles and the like, and no database. */
  globals: boolean
  state: RunState | 'never'
  lastGood: { id: string; createdAt: number; storedBytes: number; level: Level } | null
  failuresInARow: number
  overdueSince: number | null
  /** When the server was first seen without it; null: it is there. */
  goneAt: number | null
}

/** GET /health, the shape of the product page. */
export interface Health {
  status: 'healthy' | 'degraded' | 'unhealthy'
  timestamp: string
  version: string
  strategies: {
    total: number
    last_backup_status: Record<
      string,
      { status: string; last_run: string | null; next_run: string | null; paused?: true; error?: string }
    >
  }
  s3_connectivity: 'ok' | 'error' | 'not_configured'
  slack_connectivity: 'ok' | 'error' | 'not_configured'
}

export type { Artifact, Manifest, TableRows } from './manifest.ts'
export type {
  AnyRequestView,
  Needs,
  PrunePlan,
  PruneRequestView,
  RequestKind,
  RequestState,
  RequestView,
  RestorePlan,
  RetentionPlan,
  RetentionRequestView,
  UnpinPlan,
  UnpinRequestView,
} from './requests.ts'
export type {
  BackupResult,
  CopyResult,
  KeptDump,
  PruneResult,
  RestoreResult,
  Settled,
  SwapResult,
  SwapView,
  UndoResult,
  VerifyResult,
} from './results.ts'
export { isNameTyped, nameToType, strategyOfRequest } from './requests.ts'
