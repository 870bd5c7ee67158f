import type { IncidentView } from './incidents.ts'
import type { DrillVerdict } from './drill.ts'
import type { RunKind } from './model.ts'

/** What the state says right now, for who measures. Instants are epoch ms. */
export interface Figures {
  strategies: {
    name: string
    lastSuccessAt: number | null
    nextAt: number | null
    isOverdue: boolean
    isPaused: boolean
    failuresInARow: number
    backups: number
    heldBytes: number
    /** Of the newest good backup. */
    lastStoredBytes: number | null
    lastRawBytes: number | null
    /** When a whole backup was last restored and compared. */
    lastProvenAt: number | null
    /** Of the newest drill that came to one. */
    lastVerdict: DrillVerdict | null
    /** How long the newest restore of a drill took. */
    restoreMs: number | null
    nextDrillAt: number | null
    /** Its newest backup is good and not as usual, and nobody has found it right. */
    isOdd: boolean
    /** Copies that were found corrupted. */
    brokenCopies: number
    /** Every good copy was written or read again since then. */
    allReadSince: number | null
  }[]
  /** Open runs. */
  queue: { kind: RunKind; state: 'queued' | 'running'; runs: number }[]
  owed: { notifier: string; messages: number; isOff?: boolean }[]
  /** Open ones. */
  incidents: { kind: IncidentView['kind']; open: number }[]
}
