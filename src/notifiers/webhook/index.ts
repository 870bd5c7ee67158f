import { Type, type Static } from 'typebox'
import { passed, type Check } from '../../core/checks.ts'
import { asFault } from '../../core/faults.ts'
import type { NotificationConfig } from '../../core/notifications.ts'
import { judgeUrl } from '../../sys/net/addresses.ts'
import type { Notifier, NotifierContext, NotifierDriver } from '../notifier.ts'
import { identityOf, occurrenceOf, type Occurrence } from '../occurrence.ts'
import { tellOnce, type Answer } from '../once.ts'
import { readAnswer, readFailure } from '../web-answers.ts'
import { bodyOf, signatureOf } from './body.ts'

const webhookOptions = Type.Object(
  {
    url: Type.String({
      minLength: 1,
      secret: true,
      description: 'Where the JSON is posted: https and a public host, redirects are not followed',
      examples: ['${WEBHOOK_URL}'],
    }),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String({ secret: true, description: 'Value of the header' }), {
        description: 'Headers of each request. Values are never shown',
        examples: [{ Authorization: 'Bearer ${WEBHOOK_TOKEN}' }],
      }),
    ),
    secret: Type.Optional(
      Type.String({
        minLength: 16,
        secret: true,
        expected: 'a secret of at least 16 characters',
        description: 'Signs each request with HMAC-SHA256, so that the receiver knows who sent it',
        examples: ['${WEBHOOK_SECRET}'],
      }),
    ),
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

/** Half a character, of a text that was cut, is none in UTF-8: who reads strictly refuses the whole body. */
function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value
}

/** JSON, posted to an address that somebody wrote into the configuration. */
export const webhook: NotifierDriver = {
  kind: 'webhook',
  options: webhookOptions,
  topics: ['success', 'failure', 'warning', 'overdue', 'recovered', 'restore', 'drill'],
  usual: ['failure', 'overdue', 'recovered'],
  secrets(options) {
    const { headers = {} } = options as Static<typeof webhookOptions>
    return Object.values(headers).flatMap((value) => value.split(/\s+/).slice(1)) // the token of `Bearer …`
  },
  judge(options) {
    const {
      url,
      headers = {},
      allow_private: allowPrivate = false,
    } = options as Static<typeof webhookOptions>
    try {
      judgeUrl(url, allowPrivate)
    } catch (error) {
      const { message, hint } = asFault(error)
      return { mistake: message, hint: hint ?? 'write another address', at: 'url' }
    }
    const odd = Object.entries(headers).find(([name, value]) => !isHeader(name, value))
    if (odd)
      return {
        mistake: `${JSON.stringify(odd[0])} cannot be a header`,
        hint: 'write a name such as Authorization, and a value of one line',
        at: 'headers',
      }
    const ours = Object.keys(headers).find((name) => own.includes(name.toLowerCase()))
    return ours === undefined
      ? null
      : { mistake: `${ours} is a header of our own`, hint: 'remove it', at: 'headers' }
  },
  open: openWebhook,
}

const own = ['content-type', 'content-length', 'host', 'connection', 'transfer-encoding', 'idempotency-key', 'easy-backup-event', 'easy-backup-signature'] // prettier-ignore

function isHeader(name: string, value: string): boolean {
  return /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}

function openWebhook(config: NotificationConfig, context: NotifierContext): Notifier {
  const {
    url,
    headers = {},
    secret,
    allow_private: allowPrivate = false,
  } = config.options as Static<typeof webhookOptions>
  const { clock, version, resolve, ca } = context
  const guarded = async () => (await import('../../sys/net/guarded.ts')).createGuarded({ resolve, ca })

  async function tell(occurrence: Occurrence, signal: AbortSignal): Promise<Answer> {
    const id = identityOf(occurrence, context.installation)
    const now = clock.now()
    const body = JSON.stringify(bodyOf(occurrence, { ...context, now }), wellFormed)
    try {
      const { ask } = await guarded()
      const answer = await ask(url, {
        method: 'POST',
        headers: {
          ...headers,
          'content-type': 'application/json',
          'user-agent': `easy-backup/${version}`,
          'idempotency-key': id,
          'easy-backup-event': occurrence.kind,
          ...(secret !== undefined && { 'easy-backup-signature': signatureOf(body, secret, now) }),
        },
        body,
        allowPrivate,
        signal,
      })
      return readAnswer(answer, now)
    } catch (error) {
      return readFailure(error)
    }
  }

  async function inspect(signal: AbortSignal): Promise<Check[]> {
    try {
      const host = await (await guarded()).judge(url, allowPrivate, signal)
      return [passed(config.name, `webhook to ${host}; nothing was posted`)]
    } catch (error) {
      const { message, hint } = asFault(error)
      return [{ name: config.name, state: 'failed', text: message, hint }]
    }
  }

  return tellOnce(config, context, { tell, inspect, read: occurrenceOf })
}
