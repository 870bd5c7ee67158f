import type { Check } from '../core/checks.ts'
import type { Message } from '../core/messages.ts'

/** Who is told. Delivery calls it again and again until what was sent is what should be seen. */
export interface Notifier {
  readonly kind: string
  /** Is this message for this notifier at all?
   * @param receipt  of its last successful delivery; null = never delivered */
  wants(message: Message, receipt: unknown): boolean
  /** Posts, or edits what `receipt` names. Never throws.
   * @param receipt     what the last successful delivery of this key returned; null = never delivered
   * @param parent      the receipt of the message whose thread this goes into; null = none, or it never landed */
  deliver(message: Message, receipt: unknown, parent: unknown, signal: AbortSignal): Promise<Delivery>
  /** Cheap reachability for health: never more often than once a minute. */
  check(signal: AbortSignal): Promise<{ ok: boolean; text: string }>
  /** For doctor: everything that has to be right, tried without telling anybody anything. Never throws. */
  inspect?(signal: AbortSignal): Promise<Inspection>
}

export interface Inspection {
  /** Whose answer it is, as people call it: `Slack`. */
  of: string
  checks: Check[]
  /** What its clock says, epoch ms; null = it did not say. */
  time: number | null
}

export interface Delivery {
  /** sent: it is there. unknown: it may be there (timeout, 5xx after the request left). later: not now, nothing happened.
   * gone: what the receipt names was deleted. refused: will never work as it is. */
  outcome: 'sent' | 'unknown' | 'later' | 'gone' | 'refused'
  receipt: unknown
  /** Milliseconds until it may be tried again; null = the deliverer's own back-off. */
  retryAfterMs: number | null
  /** Of `later`: its turn has not come, nothing was tried, and nothing has to be remembered. */
  waits?: true
  /** Why, for the log. */
  detail: string | null
}
