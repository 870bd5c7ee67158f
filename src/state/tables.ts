import type { Generated } from 'kysely'

/** The columns of migrations.ts. JSON columns are text; each table's own file turns them into objects. */
export interface Tables {
  meta: { key: string; value: string }
  runs: RunsTable
  leases: { key: string; run: string; holder: string; taken_at: number }
  slots: {
    strategy: string
    slot_at: number
    run: string | null
    skipped: string | null
    /** Wall time at which it was settled. */
    recorded_at: number
  }
  backups: BackupsTable
  messages: MessagesTable
  deliveries: DeliveriesTable
  requests: RequestsTable
  pins: { backup: string; until: number | null; note: string | null; by: string; at: number }
  pauses: { strategy: string; until: number | null; by: string; at: number }
  uploads: UploadsTable
  owed: OwedTable
  seen: { key: string; at: number }
  audit: AuditTable
  swaps: SwapsTable
  clones: ClonesTable
  incidents: IncidentsTable
  series: SeriesTable
  /** What retention let go, and why. */
  deletions: { backup: string; storage: string; strategy: string; reason: string; at: number }
}

export interface RunsTable {
  seq: Generated<number>
  id: string
  kind: string
  strategy: string
  series: string
  state: string
  stage: string | null
  trigger: string
  actor: string
  slot_at: number | null
  lease: string | null
  params: string
  queued_at: number
  started_at: number | null
  ended_at: number | null
  attempt: number
  max_attempts: number
  engine: string | null
  progress: string | null
  result: string | null
  fault: string | null
  holder: string | null
  cancelled_by: string | null
}

/** Of a whole server: which databases it was last seen to have, and those it had. */
export interface SeriesTable {
  strategy: string
  name: string
  /** 0 or 1: roles and the like, and no database. */
  is_globals: number
  /** When it was first listed; again when it came back. */
  seen_at: number
  /** When it was first missing; null: the newest list has it. */
  gone_at: number | null
}

export interface BackupsTable {
  id: string
  storage: string
  strategy: string
  series: string
  created_at: number
  stored_bytes: number
  level: string
  corrupt: string | null
  is_foreign: number
  manifest: string
  /** What was not as usual when it was made. */
  odd: Generated<string | null>
  /** When all of it was read again and found whole; null: never since it was written. */
  read_at: Generated<number | null>
  /** When it was last tried to read it again, and since when that does not work; null: it worked. */
  tried_at: Generated<number | null>
  unread_since: Generated<number | null>
}

export interface MessagesTable {
  key: string
  /** Grows with every change of any message. */
  seq: Generated<number>
  strategy: string | null
  audience: string
  parent: string | null
  priority: number
  version: number
  body: string
  changed_at: number
}

export interface DeliveriesTable {
  key: string
  notifier: string
  sent_version: number
  receipt: string | null
  tries: number
  unknowns: number
  retry_at: number
  refused: string | null
}

/** Unfinished uploads: written before their first byte, removed when they ended (promise 7). */
export interface UploadsTable {
  storage: string
  key: string
  upload: string
  run: string
  begun_at: number
}

/** Copies of backups that a place did not take. */
export interface OwedTable {
  backup: string
  storage: string
  since: number
  tries: number
  retry_at: number
  why: string
}

export interface RequestsTable {
  id: string
  /** What is asked for: `restore`, `prune`, `unpin`, `retention`. */
  kind: string
  version: number
  state: string
  requester: string
  reason: string | null
  ask: string
  plan: string
  needs: string | null
  config_hash: string
  created_at: number
  expires_at: number
  decided_by: string | null
  decided_at: number | null
  decision: string | null
  /** Epoch ms until which its run has to have started. */
  start_by: number | null
  /** 0 or 1. */
  broke_glass: Generated<number>
  reviewed_by: string | null
  reviewed_at: number | null
  pings: Generated<number>
  run: string | null
  fault: string | null
}

export interface AuditTable {
  seq: number
  at: number
  actor: string
  act: string
  strategy: string | null
  subject: string | null
  plan_digest: string | null
  reason: string | null
  result: string
  detail: string | null
  link: string | null
  prev: string
  hash: string
}

export interface IncidentsTable {
  id: string
  /** What it is about; only one of a subject is open. */
  subject: string
  kind: string
  state: string
  /** Whose channel it is told in. */
  strategy: string
  opened_at: number
  closed_at: number | null
  /** Everything else. */
  facts: string
}

/** Restores in place whose replaced database is still there. */
export interface SwapsTable {
  run: string
  request: string | null
  strategy: string
  endpoint: string
  name: string
  beside: string
  kept: string
  old_id: string | null
  new_id: string | null
  state: string
  in_place: string
  version: number
  worked_on_by: string
  safety: string | null
  result: string | null
  by: string
  at: number
  until: number | null
  retry_at: number
}

/** Copies of backups in other databases, while they are made and as long as they are there. */
export interface ClonesTable {
  run: string
  strategy: string
  place: string
  endpoint: string
  server: string | null
  name: string
  beside: string
  kept: string
  old_id: string | null
  new_id: string | null
  state: string
  backup: string
  result: string | null
  by: string
  at: number
  drop_after_ms: number | null
  until: number | null
  retry_at: number
}
