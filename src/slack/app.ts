import type { WebClient } from '@slack/web-api'
import type { Ask } from '../commands/ask.ts'
import type { Gate } from '../commands/command.ts'
import type { AuditEntry } from '../core/audit.ts'
import type { Clock } from '../core/clock.ts'
import type { SlackConnection } from '../core/config.ts'
import { asFault } from '../core/faults.ts'
import type { Log } from '../core/log.ts'
import type { Inspection, Notifier } from '../notifiers/notifier.ts'
import { adviceFor } from './advice.ts'
import { createAnnouncer } from './announcer.ts'
import { startBolt } from './bolt.ts'
import { createClients } from './clients.ts'
import type { Desk, MessageAt } from './desk.ts'
import { createHomes, followHomes } from './home.ts'
import { createGroups } from './groups.ts'
import { createIdentity } from './identity.ts'
import type { Identify } from './identity.ts'
import { createLatency } from './latency.ts'
import type { Latency } from './latency.ts'
import { failureOf } from './outcomes.ts'
import { checkChannels, inspectSlack } from './inspect.ts'
import type { Routings } from './inspect.ts'
import { connectAdvice, modeOf, wayOf } from './reach.ts'
import type { Listening } from './reach.ts'
import type { RoutingTable } from './routing.ts'
import { missingScopes } from './scopes.ts'
import { keepSilence } from './keep-silence.ts'
import type { Silence, SilenceParts } from './silence.ts'
import { noSocket } from './socket.ts'
import { createStyle } from './style.ts'

export interface SlackParts {
  connection: SlackConnection
  routing: RoutingTable
  /** Every routing that is used, to look at all channels before the first message. */
  routings: Routings
  ask: Ask
  /** Asked before the restore dialog is filled; everything else goes through `ask`. */
  gate: Gate
  /** Keeps in the audit log who was refused before anybody knew who they are. */
  record: (entries: readonly AuditEntry[]) => Promise<void>
  /** User groups of the configuration whose members only Slack knows. */
  groupsToAsk: () => readonly string[]
  /** True once per key, also across restarts; keys live a day. */
  firstTime: (key: string) => Promise<boolean>
  /** Grows with every change that people should see; absent: home tabs are drawn again only when they are opened. */
  changes?: () => Promise<number>
  /** For the shortcut on messages; absent: only their buttons tell what they are about. */
  messageAt?: MessageAt
  /** What is said when nothing is heard of this service any more; absent: nothing is. */
  silence?: Pick<SilenceParts, 'host' | 'mark' | 'memory' | 'onFired'>
  clock: Clock
  log: Log
}

export interface SlackFace {
  notifier: Notifier
  /** null: `slack.silence` is off. */
  silence: Silence | null
  /** Resolves once the first attempt to sign in has ended, well or badly; never rejects. Trying goes on by itself. */
  start(): Promise<void>
  /** Takes no more work, and gives running answers a moment. */
  stop(): Promise<void>
  status(): SlackStatus
}

export interface SlackStatus {
  state: 'ok' | 'degraded' | 'stopped'
  /** send-only: no app token, so threads but no commands. */
  mode: 'socket' | 'http' | 'send-only'
  /** Where Slack's requests arrive in HTTP mode. */
  url: string | null
  /** Why it is degraded. */
  trouble: string | null
  missingScopes: string[]
  acks: ReturnType<Latency['read']>
}

const drainMs = 5000

/** Slack as a face: says what is owed, answers what is asked. Whatever Slack does, the process goes on. */
export function startSlack(parts: SlackParts): SlackFace {
  const { connection, clock, log } = parts
  const clients = createClients(connection, log)
  const latency = createLatency()
  const style = createStyle(connection.blocks, log)
  const groups = createGroups(clients.interactive, clock)
  const stopping = new AbortController()
  const working = new Set<Promise<void>>()
  const state = {
    url: null as string | null,
    trouble: 'not connected yet' as string | null,
    team: null as string | null,
    missing: [] as string[],
    granted: [] as string[],
    /** A channel that takes nothing, found by looking; null = none. */
    channel: null as string | null,
  }
  let listening: Listening | null = null
  let trying: Promise<void> = Promise.resolve()

  function changed(trouble: string | null): void {
    if (trouble === state.trouble) return
    state.trouble = trouble
    if (trouble === null) log.info('slack is connected')
    else if (!stopping.signal.aborted) {
      const hint = trouble.startsWith(noSocket)
        ? connectAdvice(connection)
        : adviceFor(trouble.split(': ').at(-1)!)
      log.warn('slack is degraded', { trouble, ...(hint && { hint }) })
    }
  }

  function follow(work: Promise<void>): void {
    const watched = work
      .catch((error: unknown) => log.error('slack work failed', { error: String(error) }))
      .finally(() => working.delete(watched))
    working.add(watched)
  }

  async function connect(): Promise<void> {
    const way = wayOf(connection, { clock, log, onState: changed })
    if (way === null) {
      log.warn('slack is send-only: threads, no commands', {
        hint: 'set slack.app_token for Socket Mode, or slack.signing_secret for HTTP mode',
      })
      return changed(null)
    }
    const desk: Desk = {
      ...parts,
      ask: logDefects(parts.ask, log),
      style,
      homes: createHomes(),
      messageAt: parts.messageAt ?? (() => Promise.resolve(null)),
      client: clients.interactive,
      groups,
      identify: keepRefusals(
        createIdentity({ client: clients.interactive, groups, team: () => state.team }),
        parts,
      ),
    }
    startBolt({
      desk,
      connection,
      receiver: way.receiver,
      log,
      acked: (ms) => latency.add(ms),
      follow,
    })
    if (parts.changes) follow(followHomes(desk, parts.changes, stopping.signal))
    listening = way.listening
    await listening.start()
  }

  /** Signs in, again and again with pauses; then connects. */
  async function run(tried: () => void): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      const trouble = await signIn(clients.interactive, state, parts)
      if (trouble === null) {
        await lookAtChannels()
        return connect().finally(tried)
      }
      changed(trouble.words)
      tried()
      const pauseMs = Math.max(
        trouble.retryAfterMs,
        Math.min(slowestRetryMs, 1000 * 2 ** Math.min(failures, 10)),
      )
      await clock.sleep(pauseMs, stopping.signal).catch(() => undefined)
    }
  }

  /** A wrong channel is said at the start, and not only when the first backup has something to tell. */
  async function lookAtChannels(): Promise<void> {
    const { routings } = parts
    const checks = await checkChannels({ client: clients.interactive, routings }, state.granted)
    const wrong = checks.filter(({ state: found }) => found === 'failed')
    const isNews = (wrong[0]?.text ?? null) !== state.channel
    state.channel = wrong[0]?.text ?? null
    for (const { text, hint } of isNews ? wrong : [])
      log.error('slack takes no messages', { trouble: text, ...(hint && { hint }) })
  }

  const announcer = createAnnouncer({
    client: clients.delivery,
    routing: parts.routing,
    style,
    workspace: () => state.url,
    clock,
    log,
  })

  /** Posting may work where listening does not: a wrong app token leaves every command unanswered. */
  async function check(signal: AbortSignal): Promise<{ ok: boolean; text: string }> {
    if (state.trouble?.startsWith(noSocket)) return { ok: false, text: state.trouble }
    if (state.channel !== null) await lookAtChannels()
    return state.channel === null ? announcer.check(signal) : { ok: false, text: state.channel }
  }

  async function inspect(signal: AbortSignal): Promise<Inspection> {
    const { routings, groupsToAsk } = parts
    const looked = { connection, routings, groupsToAsk, client: clients.interactive, log }
    const found = await inspectSlack(looked, signal)
    return { of: 'Slack', ...found }
  }

  return {
    notifier: { ...announcer, check, inspect },
    silence: keepSilence(parts),
    start() {
      const { promise, resolve } = Promise.withResolvers<void>()
      trying = run(resolve).catch((error: unknown) => changed(String(error)))
      return Promise.race([promise, trying])
    },
    async stop() {
      stopping.abort()
      await listening?.stop()
      await trying
      const timer = new AbortController()
      await Promise.race([Promise.all(working), clock.sleep(drainMs, timer.signal).catch(() => undefined)])
      timer.abort()
    },
    status: () => ({
      state: stopping.signal.aborted ? 'stopped' : state.trouble === null ? 'ok' : 'degraded',
      mode: modeOf(connection),
      url: listening?.url?.() ?? null,
      trouble: state.trouble,
      missingScopes: state.missing,
      acks: latency.read(),
    }),
  }
}

/** People are told what they can mend; a defect needs its stack in the log as well. */
function logDefects(ask: Ask, log: Log): Ask {
  return (asked, person) =>
    ask(asked, person).catch((error: unknown) => {
      if (asFault(error).code === 'internal')
        log.error('a command failed', {
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        })
      throw error
    })
}

/** The gate keeps whom it refuses; who cannot be looked up never gets there. */
function keepRefusals(identify: Identify, { log, record }: Pick<SlackParts, 'log' | 'record'>): Identify {
  return (user) =>
    identify(user).catch(async (error: unknown) => {
      const why = asFault(error).message
      log.warn('refused', { via: 'slack', person: user, why })
      const about = { strategy: null, subject: null, planDigest: null, reason: null, link: null }
      const actor = { via: 'slack', id: user } as const
      await record([{ ...about, actor, act: 'access.refused', result: 'refused', detail: why }]).catch(
        (unkept: unknown) =>
          log.error('a refusal could not be kept in the audit log', { error: String(unkept) }),
      )
      throw error
    })
}

const slowestRetryMs = 5 * 60_000

/** @returns null when signed in; else what Slack said */
async function signIn(
  client: WebClient,
  state: { team: string | null; url: string | null; missing: string[]; granted: string[] },
  parts: Pick<SlackParts, 'log' | 'groupsToAsk'>,
): Promise<{ words: string; retryAfterMs: number } | null> {
  try {
    const answer = await client.auth.test()
    state.team = answer.team_id ?? null
    state.url = answer.url ?? null
    state.granted = answer.response_metadata?.scopes ?? []
    state.missing = checkScopes(state.granted, parts)
    return null
  } catch (error) {
    const { detail, retryAfterMs } = failureOf(error, true)
    return {
      words: `sign-in failed: ${detail}`,
      retryAfterMs: detail.startsWith('rate limited') ? (retryAfterMs ?? 0) : 0,
    }
  }
}

/** Says exactly what is missing; without the header nothing is known and nothing said. */
function checkScopes(
  granted: string[],
  { log, groupsToAsk }: Pick<SlackParts, 'log' | 'groupsToAsk'>,
): string[] {
  if (granted.length === 0) return []
  const missing = missingScopes(granted, { groups: groupsToAsk().length > 0 })
  for (const { scope, needed, without } of missing) {
    const facts = { scope, without, hint: 'add it in the app settings and install the app again' }
    if (needed) log.warn('slack scope is missing', facts)
    else log.info('optional slack scope is missing', facts)
  }
  return missing.filter(({ needed }) => needed).map(({ scope }) => scope)
}
