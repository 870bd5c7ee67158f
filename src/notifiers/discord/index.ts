import { Type, type Static } from 'typebox'
import { passed, type Check } from '../../core/checks.ts'
import { asFault } from '../../core/faults.ts'
import type { NotificationConfig } from '../../core/notifications.ts'
import { judgeUrl } from '../../sys/net/addresses.ts'
import type { GuardedAnswer } from '../../sys/net/guarded.ts'
import type { Notifier, NotifierContext, NotifierDriver } from '../notifier.ts'
import { occurrenceOf, type Occurrence } from '../occurrence.ts'
import { tellOnce, type Answer } from '../once.ts'
import { readAnswer, readFailure } from '../web-answers.ts'
import { bodyOf } from './body.ts'

const discordOptions = Type.Object(
  {
    url: Type.String({
      minLength: 1,
      secret: true,
      description:
        "Webhook of the channel: the channel's settings, Integrations, Webhooks, Copy Webhook URL; `?thread_id=` may follow",
      examples: ['${DISCORD_WEBHOOK_URL}'],
    }),
    allow_private: Type.Optional(
      Type.Boolean({
        description: 'Hosts of the own network may be called, and http may be written',
        default: false,
        examples: [true],
      }),
    ),
  },
  { additionalProperties: false },
)

type Options = Static<typeof discordOptions>

/** A channel of Discord, by its webhook. */
export const discord: NotifierDriver = {
  kind: 'discord',
  options: discordOptions,
  topics: ['success', 'failure', 'warning', 'overdue', 'recovered', 'restore', 'drill'],
  usual: ['failure', 'overdue', 'recovered'],
  secrets(options) {
    const token = tokenOf((options as Options).url)
    return token === null ? [] : [token]
  },
  judge(options) {
    const { url, allow_private: allowPrivate = false } = options as Options
    try {
      judgeUrl(url, allowPrivate)
    } catch (error) {
      const { message, hint } = asFault(error)
      return { mistake: message, hint: hint ?? 'write another address', at: 'url' }
    }
    if (tokenOf(url) !== null) return null
    return {
      mistake: 'that is not the address of a webhook of Discord',
      hint: 'it looks like https://discord.com/api/webhooks/<number>/<token>: copy it from the settings of the channel',
      at: 'url',
    }
  },
  open: openDiscord,
}

/** null = it is no address of a webhook. */
function tokenOf(url: string): string | null {
  return /\/api\/(?:v\d+\/)?webhooks\/\d+\/([\w-]+)\/?(?:\?|$)/.exec(url)?.[1] ?? null
}

function openDiscord(config: NotificationConfig, context: NotifierContext): Notifier {
  const { url, allow_private: allowPrivate = false } = config.options as Options
  const { clock, version, resolve, ca } = context
  const guarded = async () => (await import('../../sys/net/guarded.ts')).createGuarded({ resolve, ca })

  async function tell(occurrence: Occurrence, signal: AbortSignal): Promise<Answer> {
    const now = clock.now()
    try {
      const { ask } = await guarded()
      const answer = await ask(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': `easy-backup/${version}` },
        body: JSON.stringify(bodyOf(occurrence, { ...context, now })),
        allowPrivate,
        signal,
      })
      return readDiscord(answer, now)
    } catch (error) {
      const failure = readFailure(error)
      return failure.outcome === 'later' && mayBeHeard(error) ? { ...failure, outcome: 'unknown' } : failure
    }
  }

  async function inspect(signal: AbortSignal): Promise<Check[]> {
    try {
      const host = await (await guarded()).judge(url, allowPrivate, signal)
      return [passed(config.name, `webhook of Discord at ${host}; nothing was posted`)]
    } catch (error) {
      const { message, hint } = asFault(error)
      return [{ name: config.name, state: 'failed', text: message, hint }]
    }
  }

  return tellOnce(config, context, { tell, inspect, read: occurrenceOf })
}

/** Discord says in its own words how long it wants to be left alone, in seconds with a fraction. */
function readDiscord(answer: GuardedAnswer, now: number): Answer {
  const { status, text } = answer
  const hint =
    'the webhook was deleted, or its token is another: make a new one in the settings of the channel'
  if (status === 401 || status === 404) return { ...readAnswer(answer, now), hint, final: true }
  if (status !== 429 || answer.retryAfter !== null) return readAnswer(answer, now)
  const [, seconds] = /"retry_after"\s*:\s*([\d.]+)/.exec(text) ?? []
  const retryAfter = seconds === undefined ? null : String(Math.ceil(Number(seconds)))
  return readAnswer({ ...answer, retryAfter }, now)
}

/** What broke before anything was sent was not heard; Discord posts again what it is sent again. */
function mayBeHeard(error: unknown): boolean {
  const { code = '' } = (asFault(error).cause ?? {}) as { code?: string }
  return !['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(code) // prettier-ignore
}
