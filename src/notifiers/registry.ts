import { discord } from './discord/index.ts'
import { email } from './email/index.ts'
import { heartbeat } from './heartbeat.ts'
import type { NotifierDriver } from './notifier.ts'
import { pagerduty } from './pagerduty/index.ts'
import { webhook } from './webhook/index.ts'

/** Every kind of notifier that the configuration may name; Slack is a face of its own. */
export const notifiers: readonly NotifierDriver[] = [email, webhook, heartbeat, discord, pagerduty]
