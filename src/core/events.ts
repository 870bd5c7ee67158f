import type { DrillVerdict } from './drill.ts'
import type { Outcome, RunKind } from './model.ts'

/** Facts in the past tense; plain JSON. Observers watch the bus; nothing depends on them. */
export type Event =
  | { type: 'run.queued'; run: string; kind: RunKind; strategy: string }
  | { type: 'run.started'; run: string; kind: RunKind; strategy: string }
  | { type: 'run.retried'; run: string; strategy: string; attempt: number; code: string; delayMs: number }
  | {
      type: 'run.ended'
      run: string
      kind: RunKind
      strategy: string
      outcome: Outcome
      code: string | null
      tookMs: number
    }
  | {
      type: 'backup.stored'
      run: string
      strategy: string
      backup: string
      storedBytes: number
      rawBytes: number | null
    }
  | { type: 'drill.ended'; run: string; strategy: string; verdict: DrillVerdict; restoreMs: number | null }
  | { type: 'backup.deleted'; strategy: string; backup: string; storage: string; reason: string }
  /** A stored copy was read again by itself. */
  | { type: 'copy.read'; strategy: string; storage: string; bytes: number; ok: boolean }
  | { type: 'slot.skipped'; strategy: string; slotAt: number; reason: string }
  | { type: 'series.overdue'; strategy: string; series: string }
  | { type: 'series.recovered'; strategy: string; series: string }
  /** The scheduler finished a pass: whoever hears nothing for long knows that no backups start any more (promise 17). */
  | { type: 'beat'; at: number }
  | { type: 'messages.changed' }
