import { createHash } from 'node:crypto'
import type { WebClient } from '@slack/web-api'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { IncidentView } from '../core/incidents.ts'
import type { Message } from '../core/messages.ts'
import type { Delivery, Notifier } from '../notifiers/notifier.ts'
import { adviceFor } from './advice.ts'
import type { Drawn } from './blocks/elements.ts'
import { drawMessage } from './blocks/message.ts'
import { failureOf } from './outcomes.ts'
import type { Failure } from './outcomes.ts'
import { createPace } from './pace.ts'
import type { Method } from './pace.ts'
import { linkTo, readReceipt } from './receipt.ts'
import type { Receipt } from './receipt.ts'
import { channelFor } from './routing.ts'
import type { RoutingTable } from './routing.ts'
import type { Style } from './style.ts'

export interface AnnouncerParts {
  client: WebClient
  routing: RoutingTable
  style: Style
  /** Its URL, ending in a slash, once Slack said it. */
  workspace: () => string | null
  clock: Clock
  log: Log
}

/** Makes Slack look like what is owed: one post per key, then edits of it. */
export function createAnnouncer({ client, routing, style, workspace, clock, log }: AnnouncerParts): Notifier {
  const pace = createPace(clock)
  const troubles = createTroubles(log)
  const presence = createPresence(client, clock)
  let checked: { at: number; answer: { ok: boolean; text: string } } | null = null

  async function deliver(
    message: Message,
    known: unknown,
    parent: unknown,
    signal: AbortSignal,
  ): Promise<Delivery> {
    const receipt = readReceipt(known)
    const gathering = receipt === null ? gatheringMs(message, clock.now()) : 0
    if (gathering > 0) return itsTurn(known, gathering)
    const call = plan({ message, receipt, parent: readReceipt(parent), routing, blocks: style.now() })
    if (receipt !== null && receipt.digest === call.digest) return sent(receipt)
    const away = await presence.waitFor()
    if (away > 0) return itsTurn(known, away)
    if (!call.isMoving) pace.forget(message.key)
    const wait = signal.aborted
      ? 1000
      : pace.waitFor({ ...call, progress: call.isMoving ? message.key : null })
    if (wait > 0) return itsTurn(known, wait)
    const answer = await say(client, call, { style, signal })
    if (!('failure' in answer)) {
      troubles.over(call.channel)
      return sent({ ...answer, digest: call.digest, ...linkTo(workspace(), answer) })
    }
    const { failure } = answer
    if (failure.maybeAway) presence.doubt()
    if (failure.detail.startsWith('rate limited')) pace.rest(call.method, failure.retryAfterMs ?? 1000)
    else if (failure.outcome === 'later') troubles.begin(call.channel, failure.detail)
    return {
      outcome: failure.outcome,
      receipt: failure.outcome === 'gone' ? null : known,
      retryAfterMs: failure.retryAfterMs,
      detail: failure.detail,
    }
  }

  async function check(): Promise<{ ok: boolean; text: string }> {
    const trouble = troubles.first()
    if (trouble !== null) return { ok: false, text: trouble }
    if (checked !== null && clock.monotonic() - checked.at < checkEveryMs) return checked.answer
    const answer = await client.auth.test().then(
      ({ team }) => ({ ok: true, text: `signed in to ${team ?? 'Slack'}` }),
      (error: unknown) => ({ ok: false, text: failureOf(error, true).detail }),
    )
    checked = { at: clock.monotonic(), answer }
    return answer
  }

  return {
    kind: 'slack',
    wants: (message, known) => known !== null || !(isToldWithOthers(message) || isMoot(message)),
    deliver,
    check,
  }
}

const checkEveryMs = 60_000
const awayMs = 15_000

/** A post into the void may have arrived, and is made only once more: so while Slack does not answer, nothing is posted. */
function createPresence(client: WebClient, clock: Clock) {
  let isDoubted = false
  let askedAt = -Infinity
  return {
    doubt: () => void (isDoubted = true),
    /** Milliseconds until Slack is asked again: the same instant for all, so that the most urgent goes first then; 0 = it is there. */
    async waitFor(): Promise<number> {
      if (!isDoubted) return 0
      const left = askedAt + awayMs - clock.monotonic()
      if (left > 0) return left
      isDoubted = await client.auth.test().then(
        () => false,
        (error: unknown) => failureOf(error, true).maybeAway, // a refusal is an answer
      )
      askedAt = isDoubted ? clock.monotonic() : -Infinity
      return isDoubted ? awayMs : 0
    },
  }
}

function itsTurn(receipt: unknown, retryAfterMs: number): Delivery {
  return { outcome: 'later', receipt, retryAfterMs, waits: true, detail: 'in its turn' }
}

/** A run among many is told by a line of their batch, an incident among many by the one of all. One that was seen before it
 * became one of many keeps its thread. */
function isToldWithOthers({ body }: Message): boolean {
  if (body.type === 'incident') return body.incident.state === 'joined'
  if (body.type === 'run.alarm' && body.unsaid) return true
  return (body.type === 'run.card' || body.type === 'run.progress') && body.run.batch !== undefined
}

/** Nobody is called for what is decided meanwhile. */
function isMoot({ body }: Message): boolean {
  return body.type === 'request.ping' && body.over
}

const gatherMs = 1500
const longestHoldMs = 2 * 60_000

/** A scheduled start or a first failure waits a moment, so that many of them are seen as many; nobody watches its second.
 * @returns milliseconds left of that moment */
function gatheringMs({ body }: Message, now: number): number {
  if (body.type === 'incident') return holdingMs(body.incident, now)
  const since = body.type === 'batch' ? body.batch.startedAt : scheduledStart(body)
  const age = since === null ? gatherMs : now - since
  return age < 0 ? 0 : Math.max(0, gatherMs - age) // a clock that was set back holds nothing up
}

function holdingMs({ state, heldUntil }: IncidentView, now: number): number {
  const left = state === 'recovered' ? 0 : heldUntil - now
  return left > longestHoldMs ? 0 : Math.max(0, left)
}

function scheduledStart(body: Message['body']): number | null {
  if (body.type !== 'run.card' || body.run.trigger === 'person' || body.run.endedAt !== null) return null
  return body.run.queuedAt
}

/** Channels that take nothing: said once each, until they do. Waiting for Slack without a word is how nobody notices. */
function createTroubles(log: Log) {
  const known = new Map<string, string>()
  return {
    begin(channel: string, trouble: string): void {
      if (known.get(channel) === trouble) return
      known.set(channel, trouble)
      const hint = adviceFor(trouble)
      log.error('slack takes no messages', { channel, trouble, ...(hint && { hint }) })
    },
    over(channel: string): void {
      if (known.delete(channel)) log.info('slack takes messages again', { channel })
    },
    first: (): string | null => {
      const [one] = known
      return one ? `${one[1]} (channel ${one[0]})` : null
    },
  }
}

interface Call {
  method: Method
  channel: string
  ts: string | null
  threadTs: string | null
  broadcast: boolean
  drawn: Drawn
  /** The same with ever simpler blocks, for when Slack refuses them. */
  simpler: Drawn[]
  digest: string
  /** Progress that will be superseded; everything else must be seen. */
  isMoving: boolean
}

function plan(given: {
  message: Message
  receipt: Receipt | null
  parent: Receipt | null
  routing: RoutingTable
  blocks: ReturnType<Style['now']>
}): Call {
  const { message, receipt, parent } = given
  const routing = given.routing(message.strategy)
  const isQuiet = message.body.type === 'run.alarm' && message.body.quiet === true
  const mentions = isQuiet ? [] : routing.mentionOnFailure
  const { body } = message
  const told = {
    mentions,
    approvals: channelFor(routing, 'approvals'),
    calledIn: channelFor(routing, 'failure'),
  }
  const drawn = drawMessage(body, { ...told, blocks: given.blocks })
  const basic = given.blocks === 'rich' ? drawMessage(body, { ...told, blocks: 'basic' }) : drawn
  // a person's id opens the conversation with them
  const wanted = body.type === 'request.told' ? body.to : channelFor(routing, message.audience)
  const isAlarm = message.body.type === 'run.alarm'
  const isHeard = (isAlarm && !isQuiet) || message.body.type === 'incident.note'
  // What must be heard goes to its own channel; everything else stays in its thread.
  const thread = parent !== null && (!isAlarm || parent.channel === wanted) ? parent : null
  return {
    method: receipt === null ? 'chat.postMessage' : 'chat.update',
    channel: receipt?.channel ?? thread?.channel ?? wanted,
    ts: receipt?.ts ?? null,
    threadTs: thread?.ts ?? null,
    broadcast: isHeard && thread !== null,
    drawn,
    simpler: [basic, { text: drawn.text, blocks: [] }],
    digest: createHash('sha256').update(JSON.stringify(drawn)).digest('base64url').slice(0, 16),
    isMoving: isMoving(message.body),
  }
}

function isMoving(body: Message['body']): boolean {
  if (body.type === 'batch') return body.batch.lines.some(({ endedAt }) => endedAt === null)
  return body.type === 'run.progress' && body.run.state === 'running'
}

type Said = Omit<Receipt, 'digest'> | { failure: Failure }

/** With its blocks; when Slack refuses those, with simpler ones, and in the end as words alone. */
async function say(
  client: WebClient,
  call: Call,
  { style, signal }: { style: Style; signal: AbortSignal },
): Promise<Said> {
  let said = await attempt(client, call, signal)
  for (const drawn of call.simpler) {
    if (!('failure' in said) || !said.failure.aboutContent) return said
    if (drawn === call.drawn) continue
    said = await attempt(client, { ...call, drawn }, signal)
    if (!('failure' in said) && drawn.blocks.length > 0) style.refused()
  }
  return said
}

async function attempt(client: WebClient, call: Call, signal: AbortSignal): Promise<Said> {
  const isEdit = call.ts !== null
  try {
    const { channel = call.channel, ts } = await unlessAborted(send(client, call), signal)
    if (typeof ts !== 'string') throw new Error('no ts in the answer')
    return { channel, ts }
  } catch (error) {
    const failure = failureOf(error, isEdit)
    // The message above was deleted: what must be told is told outside of its thread.
    if (failure.detail === 'thread_not_found' && call.threadTs !== null)
      return attempt(client, { ...call, threadTs: null, broadcast: false }, signal)
    return { failure }
  }
}

function send(client: WebClient, call: Call): Promise<{ channel?: string; ts?: string }> {
  const { channel, ts, threadTs, drawn } = call
  const { text, blocks } = drawn
  if (ts !== null) return client.chat.update({ channel, ts, text, blocks })
  const words = {
    channel,
    text,
    ...(blocks.length > 0 && { blocks }),
    unfurl_links: false,
    unfurl_media: false,
  }
  if (threadTs === null) return client.chat.postMessage(words)
  return client.chat.postMessage({ ...words, thread_ts: threadTs, reply_broadcast: call.broadcast })
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(new Error('stopped before Slack answered'))
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort))
}

function sent(receipt: Receipt): Delivery {
  return { outcome: 'sent', receipt, retryAfterMs: null, detail: null }
}
