import type { ClonePlan } from './clone.ts'
import type { FaultFacts } from './faults.ts'
import type { Rung } from './ladder.ts'
import type { Actor, Level } from './model.ts'
import type { RequestState } from './request-states.ts'

export type { RequestState } from './request-states.ts'

/** What a request asks for. `retention`: what a reload weakened may delete. */
export type RequestKind = 'restore' | 'prune' | 'unpin' | 'retention'

/** What a restore will do, as facts or "unknown" (null); the digest binds a confirmation to it. */
export interface RestorePlan {
  backup: {
    id: string
    strategy: string
    series: string
    createdAt: number
    level: Level
    /** As in the manifest. */
    provedAtDump?: true
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
    mode: 'new-database' | 'other-database' | 'other-server' | 'file' | 'in-place'
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
  /** In place only. */
  swap?: {
    /** Restored there first. */
    beside: string
    /** How the replaced one will be called while it is kept. */
    kept: string
    undoMs: number
    /** What `freshness_sql` answered; null = unknown. */
    newest: string | null
  }
  /** In place: other strategies that back it up, or may and could not be asked. What any of them needs is needed. */
  owners?: string[]
  /** A copy into a place of the configuration. */
  clone?: ClonePlan
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
  /** More than people expect of one pass. */
  isMass?: boolean
  /** SHA-256 over place and ids. */
  digest: string
}

/** A pin that is to end: then retention decides about the backup again. */
export interface UnpinPlan {
  strategy: string
  backup: string
  createdAt: number
  /** Who pinned it, and what for. */
  pin: { by: Actor; note: string | null; until: number | null; at: number }
  digest: string
}

/** A retention that may delete what the one before it kept. */
export interface RetentionPlan {
  strategy: string
  /** Places whose retention is weaker now, with what held and what is to hold. */
  places: { storage: string; was: string; is: string }[]
  /** Of the new retention. */
  digest: string
}

/** What has to be said, and by whom, before it is done. */
export interface Needs extends Rung {
  /** Slack ids of the people and groups who may be the second person; null = as without `access`: admins and owners. */
  whom: 'everyone' | readonly string[] | null
  /** The requester may be the second person too. */
  self: boolean
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
  /** Of its strategy, for instants that are shown; absent: nobody looked. */
  timezone?: string
  plan: Plan
  needs: Needs
  decidedBy: Actor | null
  decidedAt: number | null
  /** Why it was decided so. */
  decision: string | null
  /** Until when its run has to have started; null before it was approved. */
  startBy: number | null
  /** Decided on the host without the second person that it needs. */
  brokeGlass: boolean
  /** An admin has looked at what was done so. */
  reviewedBy: Actor | null
  reviewedAt: number | null
  run: string | null
  fault: FaultFacts | null
}

export interface RequestView extends Request<'restore', RestorePlan> {}

/** The requester is a person, or the service when a pass would delete much at once. Any admin may decide it. */
export interface PruneRequestView extends Request<'prune', PrunePlan> {}

export interface UnpinRequestView extends Request<'unpin', UnpinPlan> {}

/** The requester is whoever loaded the configuration. */
export interface RetentionRequestView extends Request<'retention', RetentionPlan> {}

export type AnyRequestView = RequestView | PruneRequestView | UnpinRequestView | RetentionRequestView

/** What is typed to overwrite: a database's own name; of a file the last part of its path. */
export function nameToType({ target }: RestorePlan): string {
  return target.name.slice(target.name.lastIndexOf('/') + 1)
}

/** The whole path counts as well. */
export function isNameTyped(plan: RestorePlan, typed: string): boolean {
  return typed === nameToType(plan) || typed === plan.target.name
}

/** Whose strategy it is about. */
export function strategyOfRequest(request: AnyRequestView): string {
  return request.kind === 'restore' ? request.plan.backup.strategy : request.plan.strategy
}
