import type { FaultFacts } from './faults.ts'
import type { Actor, Level } from './model.ts'

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
    sha256: string[]
  }
  target: {
    mode: 'new-database' | 'other-database' | 'other-server' | 'file'
    name: string
    endpoint: string
    /** Identity of the server and database, so that a swapped target voids the plan. */
    fingerprint: string
    exists: boolean
    sizeBytes: number | null
    sessions: number | null
    serverVersion: string | null
  }
  noOwner: boolean
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

/** One request for a restore; the card in Slack is only a view of it. */
export interface RequestView {
  id: string
  version: number
  state: RequestState
  requester: Actor
  reason: string | null
  createdAt: number
  expiresAt: number
  plan: RestorePlan
  decidedBy: Actor | null
  decidedAt: number | null
  run: string | null
  fault: FaultFacts | null
}
