/** What can be told to others than Slack. `start` and `beat` are for heartbeats alone. */
export const topics = [
  'success',
  'failure',
  'warning',
  'overdue',
  'recovered',
  'restore',
  'drill',
  'start',
  'beat',
] as const

export type Topic = (typeof topics)[number]

/** What is wrong with the options of a notifier. */
export interface OptionMistake {
  mistake: string
  hint: string
  /** The option; absent: all of them together. */
  at?: string
}

/** One item of `notifications`, with every default filled in. */
export interface NotificationConfig {
  /** Unique; the kind when nothing is said. */
  name: string
  /** Driver kind. */
  kind: string
  on: Topic[]
  /** Only of these; null = of all, and what concerns the whole service. */
  strategies: string[] | null
  /** The driver's own, validated by its schema. */
  options: Record<string, unknown>
}

/** A notifier as people see it. */
export interface NotifierView {
  name: string
  kind: string
  /** Why it was switched off, and when; null = it is told. */
  off: { since: number; why: string } | null
  /** Messages that it was not told yet. */
  owed: number
}
