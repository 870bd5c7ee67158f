import type { CloneResult } from './clone.ts'
import type { Level } from './model.ts'
import type { Oddity } from './usual.ts'

/** What runs leave behind, by kind. */

export interface BackupResult {
  id: string
  storedBytes: number
  rawBytes: number | null
  level: Level
  /** As in the manifest. */
  provedAtDump?: true
  tables: number | null
  rows: number | null
  storages: string[]
  /** Places that did not take it, each with why; the run is then `degraded` and a copy run catches up. */
  owed: { storage: string; why: string }[]
  /** What became of places that owed it. */
  settled?: Settled[]
  dumpMs: number
  uploadMs: number
  keepsUntil: number | null
  /** As in BackupView. */
  keepsBy?: string
  /** Stored size against the previous good backup of the series, e.g. 0.02 = +2 %. */
  sizeChange: number | null
  warnings: string[]
  /** From the first byte dumped to the last one stored. */
  tookMs?: number
  /** It is compared with later ones that were made in the same way. */
  basis?: Basis
  /** What of it is not as usual; empty: all is. Absent: nobody can tell yet. */
  odd?: Oddity[]
  /** Somebody looked at that and found it right. */
  accepted?: true
}

/** How a backup was made, as far as its size, rows and duration depend on it. */
export interface Basis {
  compression: string
  encryption: string
  /** Of the source, as a digest. */
  options: string
  prove: string
  /** Engine and method of the dump. */
  method: string
}

/** A place that owed a backup and does no more. */
export interface Settled {
  storage: string
  at: number
  /** Why it was let go without a copy; null = the place has it now. */
  why: string | null
}

/** The dump of a run that no place took: sent without dumping again by Retry. */
export interface KeptDump {
  backup: string
  bytes: number
  /** It may go earlier when temp_dir is short of space. */
  until: number
}

export interface CopyResult {
  backup: string
  /** Where from; null when nothing was copied. */
  from: string | null
  to: string
  bytes: number
  /** Why the place does not get the backup after all; null = it has it now. */
  dropped: string | null
}

/** What became of a confirmed deletion. */
export interface PruneResult {
  storage: string
  asked: number
  deleted: number
  /** Why fewer were deleted; null = all were. */
  why: string | null
}

export interface RestoreResult {
  request: string | null
  backup: string
  target: string
  endpoint: string
  tables: number
  rows: number
  fetchMs: number
  restoreMs: number
  warnings: string[]
  /** Stock command that opens the restored database. */
  open: string | null
  /** In place only. */
  swap?: SwapResult
  /** Of a copy into a place. */
  clone?: CloneResult
}

/** What a swap did, and what has become of it since. */
export interface SwapResult {
  /** The backup that was made right before. */
  safety: string | null
  /** The replaced database's name while it is kept. */
  kept: string
  /** Until when it can be undone; null: it cannot any more. */
  until: number | null
  /** Which of the two is in place: the restored one, or the one before it. */
  inPlace: 'new' | 'old'
  /** Named by who undoes it. */
  version: number
  /** Live sessions that were ended; null = unknown. */
  sessions: number | null
  /** How long nobody could connect; null = unknown. */
  downMs: number | null
}

/** What an undo did. */
export interface UndoResult {
  /** The run of the restore that was undone, or done again. */
  of: string
  name: string
  endpoint: string
  inPlace: 'new' | 'old'
  /** The other one, and until when it is kept. */
  kept: string
  until: number
  /** As in SwapResult. */
  sessions: number | null
  downMs: number | null
}

/** A database that was replaced and is still there. */
export interface SwapView {
  /** The restore's run, by which it is undone. */
  run: string
  strategy: string
  endpoint: string
  name: string
  inPlace: 'new' | 'old'
  kept: string
  /** null while it is being worked on. */
  until: number | null
  version: number
  safety: string | null
}

export interface VerifyResult {
  backup: string
  level: Level
  tables: number | null
  rows: number | null
  /** The place whose copy was found good. */
  storage?: string
  /** Why it was not decoded although that was asked for: a key is missing. */
  undecoded?: string
  /** What a person should know: copies in other places that are broken or could not be read. */
  warnings?: string[]
  /** Every backup of the strategy was verified; then `backup` is ''. */
  all?: VerifyAllResult
}

/** What a look at every good copy of a strategy's own backups found. */
export interface VerifyAllResult {
  backups: number
  copies: number
  /** Read. */
  bytes: number
  /** Copies that were known to be broken and were not read again. */
  knownBroken: number
  broken: { backup: string; storage: string; why: string }[]
  /** More that are broken than are named. */
  moreBroken?: number
  /** Nobody could tell, because the place did not answer. */
  unread: { backup: string; storage: string; why: string }[]
}
