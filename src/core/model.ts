import type { DrillResult } from './drill.ts'
import type { EncryptionFacts } from './encryption.ts'
import type { FaultFacts } from './faults.ts'
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
  | 'dump'
  | 'upload'
  | 'proof'
  | 'manifest'
  | 'verify'
  | 'safety'
  | 'fetch'
  | 'restore'
  | 'check'
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
}

export type Compression = 'gzip' | 'zstd' | 'none'

export interface TableRows {
  /** Schema-qualified as the engine prints it, e.g. `public.orders`. */
  name: string
  rows: number
}

/** One stored object of a backup, beside its manifest. */
export interface Artifact {
  /** As the source named it, without filter extensions, e.g. `myapp.dump`. */
  name: string
  /** Storage key of the object. */
  key: string
  /** Before filters; null when nothing measured it (`prove: false`). */
  rawBytes: number | null
  storedBytes: number
  /** Lower-case hex SHA-256 of the object as stored. */
  sha256: string
  /** Filter kinds in the order they were applied, e.g. ['zstd']. */
  filters: string[]
}

/** `manifest.json` beside the dump is the commit of a backup: written once, last. */
export interface Manifest {
  schema: 1
  id: string
  strategy: string
  series: string
  engine: { kind: string; name: string; serverVersion: string; toolVersion: string | null }
  method: string
  format: string
  database: string
  /** Where the database answers, without credentials: `host:port` or a path. */
  endpoint: string
  /** Name of the machine that ran the backup. */
  host: string
  /** ISO 8601, UTC. */
  startedAt: string
  endedAt: string
  trigger: Trigger
  actor: Actor
  attempt: number
  rawBytes: number | null
  storedBytes: number
  compression: Compression
  encryption: EncryptionFacts | null
  level: Level
  /** Exact rows per table as counted by the proof; null when not proved, and when they are in `details`. */
  tables: TableRows[] | null
  /** How many schema objects of each kind the dump holds, e.g. `{ INDEX: 12 }`, as its engine names kinds; absent: not counted. */
  objects?: Record<string, number>
  artifacts: Artifact[]
  /** Only of an encrypted backup: what names tables and counts their rows, encrypted like the dump. */
  details?: Artifact
  /** hourly, daily, weekly, monthly: the buckets in which it is the first of its series. */
  kinds: string[]
  /** Commands of stock tools that restore it, to be pasted in the folder that holds the artifacts. */
  restoreCommands: string[]
  strategyConfig: unknown
  tool: { name: 'easy-backup'; version: string }
  installation: string
  /** SHA-256 over the canonical JSON of everything above. */
  digest: string
}

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
  engine: string
  createdAt: number
  storages: string[]
  rawBytes: number | null
  storedBytes: number
  level: Level
  tables: number | null
  rows: number | null
  tookMs: number
  /** Places that should hold it and do not yet; a copy run catches up. */
  owed: string[]
  pin: Pin | null
  /** A verification found it broken: shown, never offered for restore. */
  corrupt: string | null
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
  fault: FaultFacts | null
  /** Only of a backup that no place took. */
  kept?: KeptDump | null
  /** End of the newest good backup of the series, this run's own not counted. */
  lastGoodAt: number | null
  failuresInARow: number
  /** Backup a restore or verify run works on. */
  backupId: string | null
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
  lastRun: {
    id: string
    state: RunState
    startedAt: number | null
    endedAt: number | null
    fault: FaultFacts | null
  } | null
  lastGood: BackupView | null
  /** The last time a whole backup of it was restored and compared; null: never, its backups are unproven. */
  proven?: { at: number; backup: string } | null
  nextAt: number | null
  runningId: string | null
  /** A dump that no place took, and the run that made it. */
  kept?: (KeptDump & { run: string }) | null
  overdueSince: number | null
  /** Paused by a person: its slots are recorded as skipped. `until` null = until resumed. */
  paused: { until: number | null; by: Actor } | null
  /** Databases that a restore in place replaced and that are still there. */
  replaced?: SwapView[]
  /** Old backups that are deleted only when somebody confirms it. */
  asks?: { storage: string; series: string; count: number; total: number; request: string }[]
  failuresInARow: number
  backups: number
  storedBytes: number
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
