import type { Check } from '../core/checks.ts'
import type { Message } from '../core/messages.ts'
import type { NotificationConfig, Topic } from '../core/notifications.ts'
import { offNotice, type Delivery, type Notifier, type NotifierContext } from './notifier.ts'
import { testOccurrence, type Listener, type Occurrence } from './occurrence.ts'

/** Where occurrences are told: what a driver is about, without the bookkeeping. */
export interface Place {
  /** Tells one occurrence. Never throws. */
  tell(occurrence: Occurrence, signal: AbortSignal): Promise<Answer>
  /** For doctor: tries what can be tried without telling anybody. Never throws. */
  inspect(signal: AbortSignal): Promise<Check[]>
  /** For `notify test`, where telling would say something wrong. */
  test?(signal: AbortSignal): Promise<Answer>
  /** Says that the service is alive, where that is told at all. Never throws. */
  beat?(signal: AbortSignal): Promise<Answer>
  /** What a message tells here; null = nothing. */
  read(message: Message, listener: Listener): Occurrence | null
}

export interface Answer {
  /** unknown: it may have been heard, and hearing it twice is to be avoided. later: it may be told again. refused: it will not work
   * as it is. */
  outcome: 'sent' | 'unknown' | 'later' | 'refused'
  /** What was answered, for people. */
  text: string
  hint?: string | null
  /** When it asked to be left alone. */
  retryAfterMs?: number | null
  /** Of `refused`: only this one is, and never will be taken; the others may. */
  alone?: true
  /** Of `refused`: there is no sense in trying again. */
  final?: true
}

const dayMs = 24 * 60 * 60_000 // an older end of a run is no news any more, whoever was away
const deadlineMs = 60_000
const longestHoldMs = 2 * 60_000 // more is a clock that was ahead when it was written
const mostRefusals = 3 // in a row: then somebody has to mend it
const backoffMs = [2_000, 5_000, 15_000, 30_000, 60_000]
const beatEveryMs = 60_000 // nobody who watches for silence measures it finer

/** A notifier that tells each thing once and edits nothing; it is switched off when it cannot work. */
export function tellOnce(
  config: NotificationConfig,
  { clock, log, scrub }: NotifierContext,
  place: Place,
): Notifier {
  const { kind, name, on } = config
  let why: string | null = null
  let refusals = 0
  let vain = 0
  let restUntil = -Infinity
  let trouble: string | null = null
  let beaten = -Infinity

  /** What is to be told now; null = nothing, or it was. */
  function news(message: Message, receipt: unknown): Occurrence | null {
    if (message.key.startsWith(`notice/${offNotice(name)}`)) return null // that it was away itself is no news when it is back
    const told = toldOf(receipt)
    const occurrence = place.read(message, { strategies: config.strategies, on, told })
    if (occurrence === null || told.includes(occurrence.kind) || !concerns(occurrence, config)) return null
    const ageMs = clock.now() - (occurrence.at ?? clock.now())
    return ageMs > dayMs && !occurrence.current ? null : occurrence
  }

  async function answered(
    asked: (limit: AbortSignal) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)])
    const answer = await asked(limit).catch(defect)
    const said = { ...answer, text: scrub(answer.text) }
    if (!signal.aborted) learn(said) // who stops has learnt nothing
    return said
  }

  function learn({ outcome, text, final }: Answer): void {
    if (outcome === 'refused') {
      refusals += 1
      if (final || refusals >= mostRefusals) why ??= text
    } else if (outcome === 'sent') refusals = 0
    vain = outcome === 'later' ? vain + 1 : 0
    const now = outcome === 'sent' ? null : text
    if (now !== null && now !== trouble)
      log.warn('a notification was not taken', { notifier: name, outcome, why: now })
    else if (now === null && trouble !== null) log.info('notifications are taken again', { notifier: name })
    trouble = now
  }

  async function deliver(
    message: Message,
    receipt: unknown,
    parent: unknown,
    signal: AbortSignal,
  ): Promise<Delivery> {
    const occurrence = news(message, receipt)
    if (occurrence === null || isNoNews(occurrence, parent, on)) return sent(toldOf(receipt))
    const held = (occurrence.heldUntil ?? 0) - clock.now()
    if (held > 0 && held <= longestHoldMs) return itsTurn(receipt, held)
    const rest = restUntil - clock.monotonic()
    if (why !== null || rest > 0) return itsTurn(receipt, Math.max(rest, 1_000))
    const answer = await answered((limit) => place.tell(occurrence, limit), signal)
    const detail = answer.text
    switch (answer.outcome) {
      case 'sent':
        return sent([...toldOf(receipt), occurrence.kind])
      case 'unknown':
        return { outcome: 'unknown', once: true, receipt, retryAfterMs: null, detail }
      case 'refused':
        if (answer.alone) return { outcome: 'refused', receipt, retryAfterMs: null, detail }
        return rested(receipt, backoffMs[refusals] ?? backoffMs.at(-1)!, detail)
      case 'later':
        return rested(
          receipt,
          answer.retryAfterMs ?? backoffMs[Math.min(vain, backoffMs.length) - 1]!,
          detail,
        )
    }
  }

  /** A place that is away is not asked for each message that waits; another one goes first when it is asked again. */
  function rested(receipt: unknown, ms: number, detail: string): Delivery {
    restUntil = clock.monotonic() + ms
    return { outcome: 'later', receipt, retryAfterMs: ms + 1_000, detail }
  }

  /** One at a time and not too often; a beat that was not heard is followed by the next. */
  function beat(signal: AbortSignal): void {
    if (why !== null || clock.monotonic() - beaten < beatEveryMs) return
    beaten = clock.monotonic()
    void answered((limit) => place.beat!(limit), signal)
  }

  return {
    kind,
    name,
    once: true,
    wants: (message, receipt) => news(message, receipt) !== null,
    deliver,
    check: async () => ({
      ok: why === null && trouble === null,
      text: why ?? trouble ?? 'takes notifications',
    }),
    inspect: async (signal) => ({ of: name, checks: await place.inspect(signal), time: null }),
    off: () => why,
    ...(place.beat && on.includes('beat') && { beat: (_at, signal) => beat(signal) }),
    async test(signal) {
      const asked = place.test ? place.test(signal) : place.tell(testOccurrence(name, clock.now()), signal)
      const { outcome, text, hint } = await asked.catch(defect)
      return { ok: outcome === 'sent', text: scrub(hint ? `${text}\n→ ${hint}` : text) }
    },
  }
}

function defect(error: unknown): Answer {
  return { outcome: 'later', text: `a defect: ${String(error)}` }
}

function concerns(occurrence: Occurrence, { on, strategies }: NotificationConfig): boolean {
  if (!occurrence.topics.some((topic) => on.includes(topic))) return false
  return strategies === null || (occurrence.strategies?.some((name) => strategies.includes(name)) ?? false)
}

/** That something is well again is told to who heard that it was not; to others only when they asked for nothing else. */
function isNoNews({ ends }: Occurrence, parent: unknown, on: readonly Topic[]): boolean {
  return ends === true && toldOf(parent).length === 0 && (on.includes('failure') || on.includes('overdue'))
}

/** Kinds that were told of this message. */
function toldOf(receipt: unknown): string[] {
  const { told } = (receipt ?? {}) as { told?: unknown }
  return Array.isArray(told) ? told.filter((kind) => typeof kind === 'string') : []
}

function sent(told: string[]): Delivery {
  return { outcome: 'sent', receipt: { told }, retryAfterMs: null, detail: null }
}

function itsTurn(receipt: unknown, retryAfterMs: number): Delivery {
  return { outcome: 'later', receipt, retryAfterMs, waits: true, detail: 'in its turn' }
}
