import type { Writable } from 'node:stream'
import type { DownloadLink } from '../core/download.ts'
import type { FaultCode } from '../core/faults.ts'
import type { AnyRequestView, Level, PruneRequestView, RunState, RunView } from '../core/model.ts'

/** What a command answers; each face draws it in its own way. */
export type Reply =
  | { type: 'text'; text: string; data?: unknown }
  | {
      type: 'facts'
      title: string
      facts: Fact[]
      commands?: string[]
      /** What can be typed, with what it does: help. */
      usage?: { words: string; does: string }[]
      actions?: ReplyAction[]
      /** The command line ends with this fault's exit code, although there is an answer. */
      fault?: FaultCode
      data?: unknown
    }
  | { type: 'table'; table: Table }
  /** Work was accepted; it goes on as this run. */
  | { type: 'run'; run: RunView; note: string | null }
  | { type: 'runs'; runs: RunView[]; note: string | null }
  /** Something was planned and waits for a confirmation. */
  | {
      type: 'plan'
      request: AnyRequestView
      /** Only shown (`--dry-run`): nothing was filed, there is nothing to confirm. */
      dryRun: boolean
    }
  /** What retention would delete: each question waits for an answer. */
  | { type: 'questions'; requests: PruneRequestView[]; notes: string[] }
  /** For the asker's eyes only. */
  | { type: 'link'; link: DownloadLink }
  /** The bytes of a backup go to standard output (command line only); then come remarks. */
  | { type: 'stream'; open: (sink: Writable, signal: AbortSignal) => Promise<string[]>; name: string }

export interface Fact {
  label: string
  cell: Cell
}

/** A value with its meaning, so that each face formats it once and sorts it right. */
export type Cell =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'bytes'; bytes: number | null }
  | { kind: 'count'; count: number | null }
  | { kind: 'duration'; ms: number | null }
  /** `age` reads "11 h ago", `time` a date in the reader's zone, `in` "in 2 h". */
  | { kind: 'instant'; at: number | null; as: 'age' | 'time' | 'in'; timezone?: string }
  | { kind: 'level'; level: Level | null; provedAtDump?: true }
  | { kind: 'state'; state: RunState | 'never' | 'overdue' | 'paused' }

export interface Table {
  title: string
  /** One line with totals. */
  summary: string
  columns: { key: string; label: string }[]
  rows: TableRow[]
  /** What to say instead of an empty table. */
  empty: string
  /** For one person's eyes: it is not shared. */
  isPrivate?: true
  /** For `--json`, when it is more than the rows. */
  data?: unknown
}

export interface TableRow {
  id: string
  cells: Record<string, Cell>
  /** The row's whole object for `--json`. */
  data: unknown
}

export interface ReplyAction {
  label: string
  command: string
  args: Record<string, unknown>
  style: 'primary' | 'danger' | 'default'
}

export function levelCell({ level, provedAtDump }: { level: Level; provedAtDump?: true }): Cell {
  return { kind: 'level', level, ...(provedAtDump && { provedAtDump }) }
}

export const text = (value: string): Cell => ({ kind: 'text', text: value })
