import type { WebClient } from '@slack/web-api'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { adviceFor } from './advice.ts'
import { told } from './blocks/alarms.ts'
import { joined, moment, safeLine } from './blocks/words.ts'
import { failureOf } from './outcomes.ts'
import type { RoutingTable } from './routing.ts'
import type { SlackTime } from './slack-time.ts'

/** A message that Slack posts by itself unless it is replaced in time: so that a dead host is heard of (promise 17). */
export interface Silence {
  /** The service is alive; the message is put off when that was not done a moment before. Never throws, and nothing waits for it. */
  beat(): void
  /** The service stops on purpose: nothing stays scheduled. Never throws. */
  end(): Promise<void>
}

/** One message that Slack holds for us. */
export interface Scheduled {
  /** Empty: it was about to be scheduled, and nobody knows whether it was. */
  id: string
  channel: string
  /** Slack's time, in seconds. */
  postAt: number
  /** The beat it speaks of; Slack's time, epoch ms. */
  since: number
}

/** What happened without us: Slack posted the message. Instants are Slack's, epoch ms. */
export interface Fired {
  id: string
  since: number
  backAt: number
  /** This process lived all the while: Slack could not be reached from here. */
  wasAlive: boolean
}

export interface SilenceMemory {
  read(): Promise<Scheduled[]>
  write(scheduled: Scheduled[]): Promise<void>
}

export interface SilenceParts {
  limitMs: number
  /** Its answers tell `time`. */
  client: WebClient
  time: SlackTime
  routing: RoutingTable
  host: string
  /** Names this installation in the text: nobody deletes what another one scheduled. */
  mark: string
  /** Outlives the process. */
  memory: SilenceMemory
  onFired: (fired: Fired) => Promise<void>
  clock: Clock
  log: Log
}

const frozenMs = 60_000 // what is due within this cannot be deleted (slack.md, traps)
const againMs = 15_000 // when Slack did not take it
const oftenest = { ms: 5 * 60_000, ofLimit: 1 / 4 } // replaced no more often: three calls each
const endMs = 4_000
const dateStepMs = 2_000 // the header counts whole seconds

export function createSilence(parts: SilenceParts): Silence {
  const { limitMs, clock, log } = parts
  const everyMs = Math.min(oftenest.ms, limitMs * oftenest.ofLimit)
  let dueAt = -Infinity
  let working: Promise<void> | null = null
  let isOver = false
  let wasAlive = false
  let trouble: string | null = null

  function beat(): void {
    if (isOver || working !== null || clock.monotonic() < dueAt) return
    working = putOff(parts, wasAlive)
      .then(
        () => {
          wasAlive = true
          dueAt = clock.monotonic() + everyMs
          if (trouble !== null) log.info('slack would say again when this service falls silent')
          trouble = null
        },
        (error: unknown) => failed(failureOf(error, true).detail),
      )
      .finally(() => (working = null))
  }

  function failed(why: string): void {
    dueAt = clock.monotonic() + againMs
    if (why === trouble) return
    trouble = why
    const hint = adviceFor(why)
    log.warn('slack would not say when this service falls silent', { trouble: why, ...(hint && { hint }) })
  }

  async function end(): Promise<void> {
    isOver = true
    const over = new AbortController()
    const late = clock.sleep(endMs, over.signal).catch(() => undefined)
    await Promise.race([takeBack(), late])
    over.abort()
  }

  async function takeBack(): Promise<void> {
    await working
    await takeAllBack(parts).catch((error: unknown) =>
      log.warn('the message about silence could not be taken back', {
        trouble: failureOf(error, true).detail,
      }),
    )
  }

  return { beat, end }
}

/** The new one is scheduled before the old one is deleted; what is known is written down between each two steps, so that
 * whoever is killed anywhere leaves one that the next start finds. */
async function putOff(parts: SilenceParts, wasAlive: boolean): Promise<void> {
  const { memory } = parts
  const held = await heldBySlack(parts)
  const known = await settleFired(parts, { held, wasAlive })
  const next = planned(parts)
  await memory.write([...known, next])
  const fresh = await schedule(parts, next).catch(async (error: unknown) => {
    await memory.write(known)
    throw error
  })
  await memory.write([...known, fresh])
  const left = await remove(parts, merged(known, held))
  await memory.write([...left, fresh])
}

async function takeAllBack(parts: SilenceParts): Promise<void> {
  const held = await heldBySlack(parts)
  const left = await remove(parts, merged(await parts.memory.read(), held))
  await parts.memory.write(left)
}

/** Everything that Slack holds for this installation, also what a killed process did not write down. */
async function heldBySlack({ client, mark }: SilenceParts): Promise<Scheduled[]> {
  const held: Scheduled[] = []
  let cursor: string | undefined
  do {
    const page = await client.chat.scheduledMessages.list({ limit: 100, ...(cursor && { cursor }) })
    for (const {
      id,
      channel_id: channel,
      post_at: postAt,
      date_created: at,
      text,
    } of page.scheduled_messages ?? [])
      if (id && channel && postAt && text?.includes(mark))
        held.push({ id, channel, postAt, since: (at ?? 0) * 1000 })
    cursor = page.response_metadata?.next_cursor
  } while (cursor)
  return held
}

/** What Slack holds no more and whose time has come was posted: that is told.
 * @returns what is known and still held */
async function settleFired(
  { memory, onFired, time }: SilenceParts,
  { held, wasAlive }: { held: readonly Scheduled[]; wasAlive: boolean },
): Promise<Scheduled[]> {
  const known = await memory.read()
  const backAt = time.now()
  const left = known.flatMap((one) => {
    const there = held.find((other) => isSame(one, other))
    return there ? [{ ...one, id: there.id }] : []
  })
  const fired = known.find(
    (one) => !held.some((other) => isSame(one, other)) && one.postAt * 1000 <= backAt + dateStepMs,
  )
  if (fired) await onFired({ id: fired.id || `${fired.postAt}`, since: fired.since, backAt, wasAlive })
  await memory.write(left)
  return left
}

function isSame(known: Scheduled, held: Scheduled): boolean {
  if (known.id !== '') return known.id === held.id
  return known.channel === held.channel && known.postAt === held.postAt
}

function planned({ time, limitMs, routing }: SilenceParts): Scheduled {
  const since = time.now()
  const { channel, failure } = routing(null)
  return { id: '', channel: failure ?? channel, postAt: Math.floor((since + limitMs) / 1000), since }
}

async function schedule(parts: SilenceParts, next: Scheduled): Promise<Scheduled> {
  const answer = await parts.client.chat.scheduleMessage({
    channel: next.channel,
    post_at: next.postAt,
    text: words(parts, next.since),
    unfurl_links: false,
    unfurl_media: false,
  })
  return { ...next, id: answer.scheduled_message_id ?? '' }
}

function words({ host, mark, routing }: SilenceParts, since: number): string {
  const name = safeLine(host, 80)
  return [
    `🚨 ${told(routing(null).mentionOnFailure)}*No heartbeat from easy-backup on ${name} since ${moment(since, 'UTC')}*`,
    `The service or its host is down: backups do not run. Look whether ${name} is up, then whether easy-backup runs there (\`easy-backup status\`), and start it.`,
    `_${joined('Slack posts this by itself when nothing is heard', mark)}_`,
  ].join('\n')
}

/** @returns those that Slack still holds */
async function remove({ client, time, log }: SilenceParts, all: readonly Scheduled[]): Promise<Scheduled[]> {
  const left: Scheduled[] = []
  for (const one of all) {
    const { id, channel, postAt } = one
    if (postAt * 1000 - time.now() < frozenMs) left.push(one)
    else
      await client.chat
        .deleteScheduledMessage({ channel, scheduled_message_id: id })
        .catch((error: unknown) => {
          const { detail } = failureOf(error, true)
          if (detail !== 'invalid_scheduled_message_id') left.push(one)
          log.debug('a scheduled message was not deleted', { trouble: detail })
        })
  }
  return left
}

/** Our own words win: they know of which beat a message speaks. */
function merged(known: readonly Scheduled[], held: readonly Scheduled[]): Scheduled[] {
  return [...known, ...held.filter(({ id }) => known.every((one) => one.id !== id))]
}
