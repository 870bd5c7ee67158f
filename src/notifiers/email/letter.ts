import type { NotifierContext } from '../notifier.ts'
import { identityOf, type Occurrence } from '../occurrence.ts'
import type { MailSettings } from './options.ts'

/** A mail as its composer takes it. */
export interface Letter {
  from: MailSettings['from']
  to: MailSettings['to']
  subject: string
  messageId: string
  inReplyTo: string
  references: string
  date: Date
  headers: Record<string, string>
  text: string
  html: string
}

const longestSubject = 150
const longestValue = 2_000

/** The fact first, in text and in HTML. The id is that of the event, so that one that arrives twice is one in the mailbox; what belongs
 * together answers the same message, which need not exist. */
export function letterOf(
  occurrence: Occurrence,
  settings: MailSettings,
  from: Pick<NotifierContext, 'installation' | 'version' | 'host' | 'scrub'> & { now: number },
): Letter {
  const told = cleaned(occurrence, from.scrub)
  const signature = `easy-backup ${from.version} on ${from.host}`
  const domain = settings.from.address.split('@').at(-1)!
  const thread = `<${identityOf({ key: occurrence.thread, kind: 'thread' }, from.installation)}@${domain}>`
  return {
    from: settings.from,
    to: settings.to,
    subject: shorten(told.title, longestSubject),
    messageId: `<${identityOf(occurrence, from.installation)}@${domain}>`,
    inReplyTo: thread,
    references: thread,
    date: new Date(from.now),
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Easy-Backup-Event': occurrence.kind },
    text: textOf(told, signature),
    html: htmlOf(told, occurrence.status, signature),
  }
}

interface Told {
  title: string
  hint: string | null
  facts: [string, string][]
}

/** Words from databases and tools: without secrets, of one line, not endless. */
function cleaned({ title, hint, facts }: Occurrence, scrub: (text: string) => string): Told {
  const clean = (text: string): string => shorten(oneLine(scrub(text)), longestValue)
  return {
    title: clean(title),
    hint: hint === null ? null : clean(hint),
    facts: facts.map(([label, value]) => [label, shorten(scrub(value), longestValue)]),
  }
}

function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
}

function shorten(text: string, most: number): string {
  const letters = Array.from(text)
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : text
}

function textOf({ title, hint, facts }: Told, signature: string): string {
  const width = Math.max(...facts.map(([label]) => label.length))
  return [
    title,
    '',
    ...facts.map(([label, value]) => `${`${label}:`.padEnd(width + 2)}${value}`),
    ...(hint === null ? [] : ['', `What to do: ${hint}`]),
    '',
    '-- ',
    signature,
    '',
  ].join('\n')
}

const colours: Record<Occurrence['status'], string> = {
  success: '#1a7f37',
  recovered: '#1a7f37',
  failure: '#b42318',
  warning: '#b54708',
  overdue: '#b54708',
  inconclusive: '#475467',
  test: '#475467',
}

function htmlOf({ title, hint, facts }: Told, status: Occurrence['status'], signature: string): string {
  const rows = facts.map(
    ([label, value]) =>
      `<tr><td style="padding:2px 16px 2px 0;color:#475467;vertical-align:top;white-space:nowrap">${escape(label)}</td><td style="padding:2px 0">${escape(value)}</td></tr>`,
  )
  return [
    '<!DOCTYPE html><html lang="en"><body style="font:15px/1.5 system-ui,sans-serif;color:#101828;margin:16px">',
    `<p style="font-size:17px;font-weight:600;margin:0 0 12px;padding-left:10px;border-left:4px solid ${colours[status]}">${escape(title)}</p>`,
    `<table style="border-collapse:collapse">${rows.join('')}</table>`,
    hint === null ? '' : `<p style="margin:12px 0"><b>What to do:</b> ${escape(hint)}</p>`,
    `<p style="color:#98a2b3;font-size:12px;margin:16px 0 0">${escape(signature)}</p>`,
    '</body></html>',
  ].join('\n')
}

/** Everything that is not ours is text. */
function escape(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replaceAll(/[&<>"']/g, (letter) => entities[letter]!).replaceAll('\n', '<br>')
}
