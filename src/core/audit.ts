import type { Actor } from './model.ts'

/** One decision or act that the audit log keeps; written before what it allows is done (promise 18). */
export interface AuditEntry {
  actor: Actor
  /** What, as `<thing>.<act>`: `restore.request`, `restore.approve`, `prune.confirm`, `unpin`, `reload`, `access.refused`. */
  act: string
  strategy: string | null
  /** Id of the request, run or backup it is about. */
  subject: string | null
  planDigest: string | null
  /** As the person gave it. */
  reason: string | null
  result: 'allowed' | 'refused' | 'done' | 'failed' | 'expired'
  /** Why, or what came of it: one line, scrubbed. */
  detail: string | null
  /** Permalink of the message that shows it, when it is known. */
  link: string | null
}

/** A row of the log. Its hash covers everything else in it and the hash of the row before. */
export interface AuditRow extends AuditEntry {
  /** Grows by one; a hole is a removed row. */
  seq: number
  /** Epoch ms. */
  at: number
  /** Hash of the row before; 64 zeros for the first. */
  prev: string
  /** Lower-case hex SHA-256. */
  hash: string
}

/** Which rows; what is absent does not matter. */
export interface AuditAsk {
  strategy?: string
  /** Epoch ms, included. */
  since?: number
  limit: number
}

/** What `audit --verify` found. */
export interface AuditReport {
  rows: number
  /** Heads that were read, in all places. */
  heads: number
  /** `yyyy-mm-dd` of the newest head; null: none was stored yet. */
  newestHead: string | null
  /** What is wrong with it, oldest row first; `seq` is the row, null where no row is meant. */
  problems: { seq: number | null; text: string }[]
  /** What could not be compared, and why. */
  notes: string[]
}
