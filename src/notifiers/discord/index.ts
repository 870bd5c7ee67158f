import { Type, type Static } from 'typebox'
import { asFault } from '../../core/faults.ts'
import type { NotificationConfig } from '../../core/notifications.ts'
import type { GuardedAnswer } from '../../sys/net/guarded.ts'
import type { Notifier, NotifierContext, NotifierDriver } from '../notifier.ts'
import { occurrenceOf } from '../occurrence.ts'
import { tellOnce, type Answer } from '../once.ts'
import { readAnswer, readFailure } from '../web-answers.ts'
import { allowPrivate, judgeAddress, webOf } from '../web.ts'
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
    allow_private: allowPrivate,
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
    const { url } = options as Options
    const mistake = judgeAddress(url, options)
    if (mistake !== null || tokenOf(url) !== null) return mistake
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
  const { url } = config.options as Options
  const web = webOf(config, context)
  return tellOnce(config, context, {
    tell(occurrence, signal) {
      const body = JSON.stringify(bodyOf(occurrence, { ...context, now: context.clock.now() }))
      return web.call(url, { body, read: readDiscord, failed: readSilence }, signal)
    },
    inspect: (signal) =>
      web.inspect(url, (host) => `webhook of Discord at ${host}; nothing was posted`, signal),
    read: occurrenceOf,
  })
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

function readSilence(error: unknown): Answer {
  const failure = readFailure(error)
  return failure.outcome === 'later' && mayBeHeard(error) ? { ...failure, outcome: 'unknown' } : failure
}

/** What broke before anything was sent was not heard; Discord posts again what it is sent again. */
function mayBeHeard(error: unknown): boolean {
  const { code = '' } = (asFault(error).cause ?? {}) as { code?: string }
  return !['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(code) // prettier-ignore
}
