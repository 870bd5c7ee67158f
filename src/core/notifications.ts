import type { TSchema } from 'typebox'

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

/** What the configuration needs to know of a kind of notifier. */
export interface NotifierFacts {
  kind: string
  /** Of `config`. */
  options: TSchema
  /** What `on` may name. */
  topics: readonly Topic[]
  /** `on` when nothing is said. */
  usual: readonly Topic[]
  /** What else in the options is secret, such as a part of a value. */
  secrets?(options: Record<string, unknown>): string[]
  /** Words for a mistake in the options, or null.
   * @param use.strategies  how many strategies it is told of */
  judge(
    options: Record<string, unknown>,
    use: { on: readonly Topic[]; strategies: number },
  ): OptionMistake | null
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
