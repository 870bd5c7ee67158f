import type { Message } from '../core/messages.ts'

/** Who is told. Delivery calls it again and again until what was sent is what should be seen. */
export interface Notifier {
  readonly kind: string
  /** Is this message for this notifier at all? */
  wants(message: Message): boolean
  /** Posts, or edits what `receipt` names. Never throws.
   * @param receipt     what the last successful delivery of this key returned; null = never delivered
   * @param parent      the receipt of the message whose thread this goes into; null = none, or it never landed */
  deliver(message: Message, receipt: unknown, parent: unknown, signal: AbortSignal): Promise<Delivery>
  /** Cheap reachability for health: never more often than once a minute. */
  check(signal: AbortSignal): Promise<{ ok: boolean; text: string }>
}

export interface Delivery {
  /** sent: it is there. unknown: it may be there (timeout, 5xx after the request left). later: not now, nothing happened.
   * gone: what the receipt names was deleted. refused: will never work as it is. */
  outcome: 'sent' | 'unknown' | 'later' | 'gone' | 'refused'
  receipt: unknown
  /** Milliseconds until it may be tried again; null = the deliverer's own back-off. */
  retryAfterMs: number | null
  /** Why, for the log. */
  detail: string | null
}
