import type { DrillVerdict } from './drill.ts'
import type { Outcome } from './model.ts'

/** What a digest tells: what happened in a period, and how things stand when it was made. Instants are epoch ms.
 * Lists are worst first and hold what people read; `more` counts what was left out. */
export interface DigestView {
  /** The period; a run that ended at `untilAt` is the next one's. */
  sinceAt: number
  untilAt: number
  timezone: string
  madeAt: number
  strategies: number
  /** Backup runs that ended in the period. */
  runs: Record<Outcome, number>
  /** Times at which a backup was due and none began, pauses not counted. */
  missed: number
  /** Strategies that need somebody now. */
  attention: Some<DigestTrouble>
  /** Failed in the period, and are well now. */
  recovered: Some<{ strategy: string; failed: number }>
  /** `until` null: until resumed. */
  paused: Some<{ strategy: string; until: number | null }>
  /** Strategies of which a whole backup was restored and compared at least once. */
  proven: number
  /** Of those, the one whose last proof is longest ago. */
  oldestProof: { strategy: string; at: number } | null
  /** All of those, the longest ago first. */
  proofs?: Some<{ strategy: string; at: number; restoreMs: number | null }>
  /** Drills that ended in the period, by what they found. */
  drills?: Record<DrillVerdict, number>
  /** Stored copies that were read again in the period, and how many are broken now. */
  reread?: { copies: number; bytes: number; broken: number }
  /** Strategies with backups of which none was ever restored. */
  unproven: Some<string>
  /** Newest backups, those that grew or shrank most first. */
  sizes: Some<DigestSize>
  /** The newest backups of all strategies together, at the ends of the last periods, oldest first. */
  trend: { at: number; bytes: number }[]
  /** What every place holds. */
  places: PlaceUse[]
  /** Soonest first. */
  next: Some<{ strategy: string; at: number }>
  /** Requests that wait for somebody. */
  requests: number
}

/** The first of a list, and how many others there are. */
export interface Some<T> {
  shown: T[]
  more: number
}

export interface DigestTrouble {
  strategy: string
  /** lost: no good backup is left. unrestorable: its last drill failed. odd: its newest backup is good, and not as usual. */
  state: 'lost' | 'overdue' | 'failed' | 'unrestorable' | 'interrupted' | 'degraded' | 'odd'
  failuresInARow: number
  why: string | null
  lastGoodAt: number | null
}

export interface DigestSize {
  strategy: string
  bytes: number
  /** Against the newest before the period, e.g. 0.02 = +2 %; null when there was none. */
  change: number | null
}

export interface PlaceUse {
  storage: string
  backups: number
  storedBytes: number
}

/** @param room  how many are shown */
export function some<T>(all: readonly T[], room: number): Some<T> {
  return { shown: all.slice(0, room), more: Math.max(0, all.length - room) }
}
