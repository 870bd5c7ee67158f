import type { FaultFacts } from './faults.ts'
import type { Actor, Level } from './model.ts'

/** What a request asks for. */
export type RequestKind = 'restore' | 'prune'

/** What a restore will do, as facts or "unknown" (null); the digest binds a confirmation to it. */
export interface RestorePlan {
  backup: {
    id: string
    strategy: string
    series: string
    createdAt: number
    level: Level
    storedBytes: number
    rawBytes: number | null
    tables: number | null
    rows: number | null
    /** Empty for a file without a manifest: unknown. */
    sha256: string[]
    /** Where the file lies, when it was named with `--from`. */
    from?: string | null
  }
  target: {
    mode: 'new-database' | 'other-database' | 'other-server' | 'file'
    name: string
    endpoint: string
    /** Identity of the server and database, so that a swapped target voids the plan. */
    fingerprint: string
    exists: boolean
    /** It exists and holds something. */
    occupied?: boolean
    /** What is there will be gone: only with `--clean`, only by an admin. */
    overwritten?: boolean
    sizeBytes: number | null
    sessions: number | null
    serverVersion: string | null
  }
  noOwner: boolean
  /** Only these tables; absent: everything. */
  tables?: string[]
  missingRoles: string[]
  expectedMs: number | null
  /** Free space for the fetched and decoded backup on this host. */
  freeBytes: number | null
  neededBytes: number | null
  steps: string[]
  warnings: string[]
  /** Why it cannot be done; a plan with blockers is shown, never offered for confirmation. */
  blockers: string[]
  digest: string
}

export type RequestState = 'waiting' | 'executing' | 'done' | 'cancelled' | 'expired' | 'failed'

/** Which backups of one series in one place retention would delete; a confirmation is bound to exactly these. */
export interface PrunePlan {
  strategy: string
  series: string
  storage: string
  /** Backups of ours in that place. */
  total: number
  /** How many of them would go. */
  count: number
  storedBytes: number
  /** Oldest first; a card carries only the first ones. */
  deletions: { id: string; createdAt: number; reason: string }[]
  /** What the reasons come to, e.g. `12 older than 30d`. */
  summary: string[]
  /** SHA-256 over place and ids. */
  digest: string
}

/** One request that somebody decides; the card in Slack is only a view of it. */
interface Request<Kind extends RequestKind, Plan> {
  id: string
  kind: Kind
  version: number
  state: RequestState
  requester: Actor
  reason: string | null
  createdAt: number
  expiresAt: number
  plan: Plan
  decidedBy: Actor | null
  decidedAt: number | null
  run: string | null
  fault: FaultFacts | null
}

export interface RequestView extends Request<'restore', RestorePlan> {}

/** The requester is a person, or the service when a pass would delete much at once. Any admin may decide it. */
export interface PruneRequestView extends Request<'prune', PrunePlan> {}

export type AnyRequestView = RequestView | PruneRequestView
