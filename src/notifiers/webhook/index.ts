import { Type, type Static } from 'typebox'
import type { NotificationConfig } from '../../core/notifications.ts'
import type { Notifier, NotifierContext, NotifierDriver } from '../notifier.ts'
import { identityOf, occurrenceOf } from '../occurrence.ts'
import { tellOnce } from '../once.ts'
import { allowPrivate, judgeAddress, webOf } from '../web.ts'
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
    allow_private: allowPrivate,
  },
  { additionalProperties: false },
)

type Options = Static<typeof webhookOptions>

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
    const { headers = {} } = options as Options
    return Object.values(headers).flatMap((value) => value.split(/\s+/).slice(1)) // the token of `Bearer …`
  },
  judge(options) {
    const { url, headers = {} } = options as Options
    const mistake = judgeAddress(url, options)
    if (mistake !== null) return mistake
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
  const { url, headers: theirs, secret } = config.options as Options
  const web = webOf(config, context)
  return tellOnce(config, context, {
    tell(occurrence, signal) {
      const now = context.clock.now()
      const body = JSON.stringify(bodyOf(occurrence, { ...context, now }), wellFormed)
      const headers = {
        ...theirs,
        'idempotency-key': identityOf(occurrence, context.installation),
        'easy-backup-event': occurrence.kind,
        ...(secret !== undefined && { 'easy-backup-signature': signatureOf(body, secret, now) }),
      }
      return web.call(url, { body, headers }, signal)
    },
    inspect: (signal) => web.inspect(url, (host) => `webhook to ${host}; nothing was posted`, signal),
    read: occurrenceOf,
  })
}
