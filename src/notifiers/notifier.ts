import type { Check } from '../core/checks.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Message } from '../core/messages.ts'
import type { NotificationConfig, NotifierFacts } from '../core/notifications.ts'
import type { Scrub } from '../core/secret.ts'

/** A kind of notifier that the configuration may name. One file or folder, plus one word in `registry.ts`. */
export interface NotifierDriver extends NotifierFacts {
  open(config: NotificationConfig, context: NotifierContext): Notifier
}

export interface NotifierContext {
  clock: Clock
  log: Log
  /** Hides secrets in what leaves (promise 14). */
  scrub: Scrub
  version: string
  /** Name of this machine. */
  host: string
  /** Id of this installation: the same event of two of them is two events. */
  installation: string
  /** How names become addresses, and certificates to trust beside the usual ones: tests hand in theirs. */
  resolve?: (host: string) => Promise<string[]>
  ca?: string
}

/** Who is told. Delivery calls it again and again until what was sent is what should be seen. */
export interface Notifier {
  readonly kind: string
  /** Under which its deliveries are noted; absent: its kind. */
  readonly name?: string
  /** Tells each thing once and edits nothing: it does not hear of what was said before it was there. */
  readonly once?: true
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
  /** Why it takes nothing any more until a restart or a reload; null or absent = it does. */
  off?(): string | null
  /** The service is alive: a pass of its scheduler has finished. Never throws, and nothing waits for it. */
  beat?(at: number, signal: AbortSignal): void
  /** For `notify test`: tells something harmless now, past everything that is owed. Absent: a notice is delivered. Never throws. */
  test?(signal: AbortSignal): Promise<{ ok: boolean; text: string }>
}

/** How the key of a notice begins that says that one was switched off. */
export function offNotice(name: string): string {
  return `notifier/${name}/`
}

/** What people call it. */
export function nameOf({ name, kind }: Pick<Notifier, 'name' | 'kind'>): string {
  return name ?? kind
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
  /** JSON. When it is an object with a `link`, people find there what was delivered: it goes into the audit log. */
  receipt: unknown
  /** Milliseconds until it may be tried again; null = the deliverer's own back-off. */
  retryAfterMs: number | null
  /** Of `later`: its turn has not come, nothing was tried, and nothing has to be remembered. */
  waits?: true
  /** Of `unknown`: it was something new, and is sent once more at most, whatever `receipt` names. */
  once?: true
  /** Why, for the log. */
  detail: string | null
}
