import { Type, type Static } from 'typebox'
import type { NotificationConfig } from '../../core/notifications.ts'
import type { GuardedAnswer } from '../../sys/net/guarded.ts'
import type { Notifier, NotifierContext, NotifierDriver } from '../notifier.ts'
import { testOccurrence, type Occurrence } from '../occurrence.ts'
import { tellOnce, type Answer } from '../once.ts'
import { readAnswer } from '../web-answers.ts'
import { allowPrivate, judgeAddress, webOf } from '../web.ts'
import { dedupKeyOf, eventOf } from './event.ts'
import { dutyOf } from './read.ts'

const usualUrl = 'https://events.pagerduty.com/v2/enqueue'

const pagerdutyOptions = Type.Object(
  {
    routing_key: Type.String({
      pattern: '^[A-Za-z0-9]{32}$',
      secret: true,
      expected: 'the 32 letters and digits of an integration key',
      description: 'Integration key of a service: its Integrations, Events API V2',
      examples: ['${PAGERDUTY_ROUTING_KEY}'],
    }),
    url: Type.Optional(
      Type.String({
        minLength: 1,
        default: usualUrl,
        description:
          'Where events are posted; accounts in the EU: `https://events.eu.pagerduty.com/v2/enqueue`',
        examples: ['https://events.eu.pagerduty.com/v2/enqueue'],
      }),
    ),
    allow_private: allowPrivate,
  },
  { additionalProperties: false },
)

type Options = Static<typeof pagerdutyOptions>

/** Whoever is on call, through PagerDuty's Events API v2: one incident there for each here. */
export const pagerduty: NotifierDriver = {
  kind: 'pagerduty',
  options: pagerdutyOptions,
  topics: ['failure', 'warning', 'overdue', 'recovered'],
  usual: ['failure', 'overdue', 'recovered'],
  judge: (options) => judgeAddress((options as Options).url ?? usualUrl, options),
  open: openPagerduty,
}

function openPagerduty(config: NotificationConfig, context: NotifierContext): Notifier {
  const { routing_key: routingKey, url = usualUrl } = config.options as Options
  const { clock, installation } = context
  const web = webOf(config, context)
  const ended = new Set<string>()

  /** Sent twice it does no harm: it has the same dedup_key. */
  async function tell(occurrence: Occurrence, signal: AbortSignal): Promise<Answer> {
    const trouble = dedupKeyOf(occurrence, installation)
    const isEnd = occurrence.kind === 'recovered'
    // What became worse before the end is no news behind it: it would open the incident again, and nobody would close it.
    if (!isEnd && occurrence.incident && ended.has(trouble)) return { outcome: 'sent', text: 'overtaken' }
    const body = JSON.stringify(eventOf(occurrence, { ...context, routingKey, now: clock.now() }))
    const answer = await web.call(url, { body, read: readDuty }, signal)
    if (isEnd && answer.outcome === 'sent') ended.add(trouble)
    return answer
  }

  /** An incident of severity info, which is closed at once. */
  async function test(signal: AbortSignal): Promise<Answer> {
    const occurrence = testOccurrence(config.name, clock.now())
    const opened = await tell(occurrence, signal)
    if (opened.outcome !== 'sent') return opened
    const closed = await tell({ ...occurrence, kind: 'recovered' }, signal)
    return closed.outcome === 'sent' ? { ...closed, text: `${closed.text}: opened and resolved` } : closed
  }

  return tellOnce(config, context, {
    tell,
    inspect: (signal) => web.inspect(url, (host) => `PagerDuty at ${host}; nobody was called`, signal),
    test,
    read: dutyOf,
  })
}

/** 400 is an event that it does not take; of a key that it does not know, none ever will be. */
function readDuty(answer: GuardedAnswer, now: number): Answer {
  const { alone: _, ...read } = readAnswer(answer, now)
  const hint = 'write the integration key of a service (Events API V2), and the address of your region in url'
  if (answer.status === 401 || answer.status === 403) return { ...read, hint }
  if (answer.status !== 400) return readAnswer(answer, now)
  return /routing.?key/i.test(answer.text) ? { ...read, hint, final: true } : { ...read, alone: true }
}
