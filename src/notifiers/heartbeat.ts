import { Type, type Static } from 'typebox'
import type { Check } from '../core/checks.ts'
import type { Message } from '../core/messages.ts'
import type { RunView } from '../core/model.ts'
import type { NotificationConfig } from '../core/notifications.ts'
import type { Notifier, NotifierContext, NotifierDriver } from './notifier.ts'
import type { Occurrence } from './occurrence.ts'
import { tellOnce, type Answer } from './once.ts'
import { allowPrivate, judgeAddress, webOf } from './web.ts'

const placeholder = '{strategy}'

const heartbeatOptions = Type.Object(
  {
    url: Type.String({
      minLength: 1,
      secret: true,
      description:
        'The address that a service such as Healthchecks gives; `/start` and `/fail` are added to it. `{strategy}` in it becomes the name of the strategy',
      examples: ['https://hc-ping.com/${PING_KEY}/{strategy}'],
    }),
    allow_private: allowPrivate,
  },
  { additionalProperties: false },
)

type Options = Static<typeof heartbeatOptions>

/** Somebody outside notices when the pings stay away (promise 17). */
export const heartbeat: NotifierDriver = {
  kind: 'heartbeat',
  options: heartbeatOptions,
  topics: ['start', 'success', 'failure', 'drill', 'beat'],
  usual: ['start', 'success', 'failure'],
  judge(options, { on, strategies }) {
    const { url } = options as Options
    const mistake = judgeAddress(forStrategy(url, 'shop'), options)
    if (mistake !== null) return mistake
    const many = url.includes(placeholder)
    const isBeat = on.includes('beat')
    if (isBeat && (on.length > 1 || many))
      return {
        mistake: 'a beat is of the whole service',
        hint: 'give it a notification of its own: on: [beat], with a url of its own',
      }
    if (on.includes('drill') && on.length > 1)
      return {
        mistake: 'drills have a rhythm of their own',
        hint: 'give them a notification of their own: on: [drill], with a url of its own',
      }
    if (!isBeat && !many && strategies > 1)
      return {
        mistake: `one address for ${strategies} strategies: their pings could not be told apart`,
        hint: `write ${placeholder} in it, or name one under strategies`,
      }
    return null
  },
  open: openHeartbeat,
}

function openHeartbeat(config: NotificationConfig, context: NotifierContext): Notifier {
  const { url } = config.options as Options
  const web = webOf(config, context)
  const newest = new Map<string, number>()
  const ping = (address: string, signal: AbortSignal): Promise<Answer> =>
    web.call(address, { body: null }, signal)
  const inspect = (signal: AbortSignal): Promise<Check[]> =>
    web.inspect(forStrategy(url, 'x'), (host) => `heartbeat at ${host}; it was not pinged`, signal)

  /** What was overtaken while the service was away is not told: it would say something that is not so any more. */
  async function tell(occurrence: Occurrence, signal: AbortSignal): Promise<Answer> {
    const { strategies, at } = occurrence
    const name = strategies?.[0] ?? ''
    const since = at ?? context.clock.now()
    if (since < (newest.get(name) ?? -Infinity)) return { outcome: 'sent', text: 'overtaken' }
    const answer = await ping(addressOf(forStrategy(url, name), occurrence), signal)
    if (answer.outcome === 'sent') newest.set(name, since)
    return answer
  }

  /** A ping would say that a backup has succeeded. */
  async function test(signal: AbortSignal): Promise<Answer> {
    if (config.on.includes('beat')) return ping(url, signal)
    const [check] = await inspect(signal)
    return { outcome: check!.state === 'ok' ? 'sent' : 'refused', text: check!.text, hint: check!.hint }
  }

  return tellOnce(config, context, {
    tell,
    inspect,
    test,
    beat: (signal) => ping(url, signal),
    read: pingOf,
  })
}

function forStrategy(url: string, name: string): string {
  return url.replaceAll(placeholder, encodeURIComponent(name))
}

/** The signal is the last part of the path; a query stays where it is. */
function addressOf(url: string, { kind, status }: Occurrence): string {
  const signal = kind === 'start' ? 'start' : status === 'failure' ? 'fail' : undefined
  if (signal === undefined) return url
  const address = new URL(url)
  address.pathname = `${address.pathname.replace(/\/$/, '')}/${signal}`
  return address.href
}

/** The newest state of a backup run is what counts, and of a drill what it found; other work is nobody's heartbeat. */
function pingOf({ key, body }: Message): Occurrence | null {
  if (body.type !== 'run.card') return null
  const { run } = body
  if (run.kind === 'drill') return drillPing(key, run)
  const kind = run.kind === 'backup' ? signals[run.state] : undefined
  return kind === undefined ? null : ping({ key, run, kind, isFailure: kind === 'failure' })
}

/** One that could not tell is silent: neither was a backup proven, nor is one broken. */
function drillPing(key: string, run: RunView): Occurrence | null {
  const isFailure = run.state === 'failed'
  return isFailure || run.state === 'succeeded' ? ping({ key, run, kind: 'drill', isFailure }) : null
}

interface Ping {
  key: string
  run: RunView
  kind: 'start' | 'success' | 'failure' | 'drill'
  isFailure: boolean
}

function ping({ key, run, kind, isFailure }: Ping): Occurrence {
  return {
    key,
    thread: key,
    kind,
    topics: [kind],
    status: isFailure ? 'failure' : 'success',
    at: run.endedAt ?? run.startedAt,
    strategies: [run.strategy],
    title: run.strategy,
    hint: null,
    facts: [],
    error: run.fault,
    run,
  }
}

/** A degraded backup is there. Whoever cancels a backup has none: the silence says so. */
const signals: Partial<Record<RunView['state'], 'start' | 'success' | 'failure'>> = {
  running: 'start',
  succeeded: 'success',
  degraded: 'success',
  failed: 'failure',
  interrupted: 'failure',
}
