import { passed, type Check } from '../../core/checks.ts'
import type { NotificationConfig } from '../../core/notifications.ts'
import type { Notifier, NotifierContext, NotifierDriver } from '../notifier.ts'
import { occurrenceOf, type Occurrence } from '../occurrence.ts'
import { tellOnce, type Answer } from '../once.ts'
import { letterOf, type Letter } from './letter.ts'
import { emailOptions, judgeOptions, settingsOf } from './options.ts'
import type { SmtpTrouble } from './session.ts'

const timeoutMs = 20_000

/** Mail, one for each thing that happened. */
export const email: NotifierDriver = {
  kind: 'email',
  options: emailOptions,
  topics: ['success', 'failure', 'warning', 'overdue', 'recovered', 'restore', 'drill'],
  usual: ['failure', 'overdue', 'recovered'],
  judge: judgeOptions,
  open: openEmail,
}

function openEmail(config: NotificationConfig, context: NotifierContext): Notifier {
  const settings = settingsOf(config.options)
  const { host, port } = settings
  const { clock, log, scrub } = context

  async function talk(letter: Letter | null, signal: AbortSignal) {
    const session = await import('./session.ts') // only who mails loads it
    return session.talk(settings, letter, { ca: context.ca, signal, timeoutMs })
  }

  async function tell(occurrence: Occurrence, signal: AbortSignal): Promise<Answer> {
    const letter = letterOf(occurrence, settings, { ...context, now: clock.now() })
    const answer = await talk(letter, signal)
    if ('phase' in answer) return readTrouble(answer, `${host}:${port}`)
    if (answer.rejected.length > 0)
      log.warn('a mail server did not take some recipients', {
        notifier: config.name,
        recipients: answer.rejected.join(', '),
      })
    return { outcome: 'sent', text: `${host} took it: ${answer.said}` }
  }

  async function inspect(signal: AbortSignal): Promise<Check[]> {
    const answer = await talk(null, signal)
    const user = settings.user === null ? 'without a user' : `as ${settings.user.name}`
    const encrypted = settings.tls === 'none' ? 'unencrypted' : 'encrypted'
    if (!('phase' in answer))
      return [passed(config.name, `${host}:${port}, ${encrypted}, ${user}; no mail was sent`)]
    const { text, hint = null } = readTrouble(answer, `${host}:${port}`)
    return [{ name: config.name, state: 'failed', text: scrub(text), hint }]
  }

  return tellOnce(config, context, { tell, inspect, read: occurrenceOf })
}

/** What an early end means for the mail. RFC 5321, 4.2.1: 4xx may work later, 5xx will not. */
export function readTrouble({ phase, status, code, text }: SmtpTrouble, where: string): Answer {
  const said = `${where}: ${text}`
  if (/CERT|SIGNATURE|UNABLE_TO/.test(`${code} ${text}`) || /certificate|altnames/i.test(text))
    return {
      outcome: 'refused',
      text: `${where}: its certificate is not trusted: ${text}`,
      hint: 'NODE_EXTRA_CA_CERTS names a file with an authority of your own; verify: false trusts anybody',
    }
  if (status !== null && status >= 400 && status < 500) return { outcome: 'later', text: said }
  if (code === 'EAUTH')
    return {
      outcome: 'refused',
      final: true,
      text: `${where} refused the sign-in: ${text}`,
      hint: 'correct username and password',
    }
  if (code === 'ETLS')
    return {
      outcome: 'refused',
      text: said,
      hint: 'the server offers no STARTTLS: write tls: tls for one that is encrypted from the first byte',
    }
  if (phase === 'body' && status === null)
    return { outcome: 'unknown', text: `${said} (after the mail was handed over)` }
  if (phase === 'body') return { outcome: 'refused', alone: true, text: said }
  if (status !== null) return { outcome: 'refused', text: said, hint: 'look at from and to' }
  return { outcome: 'later', text: said }
}
