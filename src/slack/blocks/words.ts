import { stripVTControlCharacters } from 'node:util'
import type { Actor } from '../../core/model.ts'
import { formatCount } from '../../core/duration.ts'
import { shortId } from '../../core/keys.ts'
import { cut, limits } from '../limits.ts'

/** Text that is not ours, made harmless: no mentions, no links, no control or direction characters.
 * @param max units of the original text that are kept */
export function safe(text: string, max: number = limits.foreignText): string {
  return escape(cut(clean(text.slice(0, 2 * max)).trim(), max))
}

/** The same on one line. */
export function safeLine(text: string, max: number = limits.foreignText): string {
  return safe(text.slice(0, 2 * max).replace(/\s+/g, ' '), max)
}

/** A code span; its text is not ours either. */
export function code(text: string, max: number = limits.foreignText): string {
  return `\`${safeLine(text, max).replaceAll('`', "'") || ' '}\``
}

/** Slack wants exactly these three escaped in mrkdwn. */
export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Back from Slack's escaping: commands arrive escaped (`should_escape`). */
export function unescape(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

/** Without control characters (a terminal's colours) and without characters that turn the reading direction. */
export function clean(text: string): string {
  const plain = stripVTControlCharacters(text.toWellFormed().replace(/\r\n?/g, '\n'))
  return plain.replace(/\p{Bidi_Control}|[^\P{Cc}\n\t]/gu, ' ')
}

/** Faults are written lower case without full stop; people are told sentences. Names of programs, hosts and files stay
 * as they are, and a path at the end is for pasting. */
export function sentence(text: string): string {
  const isWord = /^[a-z]+(?![^\s,:;])/.test(text)
  const first = isWord ? text.charAt(0).toUpperCase() + text.slice(1) : text
  return /[.!?…]$|\/\S*$/.test(first) ? first : `${first}.`
}

/** Parts of one line, empty ones left out. */
export function joined(...parts: (string | null | false)[]): string {
  return parts.filter((part) => part !== null && part !== false && part !== '').join(' · ')
}

export function by(actor: Actor): string {
  if (actor.via === 'slack') return `<@${safeLine(actor.id, 40)}>`
  if (actor.via === 'service') return 'easy-backup'
  return `${safeLine(actor.id, 60)} (${actor.via === 'cli' ? 'command line' : 'HTTP'})`
}

/** The engine names people by their id, with `@` or without; no word of capitals is one. */
export function people(text: string): string {
  return text.replaceAll(/\bby @?([UW](?=[A-Z]*\d)[A-Z0-9]{7,20})\b/g, 'by <@$1>')
}

/** So does the gate those who may, with their groups. Only for private answers: there a mention calls nobody. */
export function holders(text: string): string {
  return people(text).replaceAll(
    /(\bfor|\bof|\bor|,) @([UWS][A-Z0-9]{7,20})\b/g,
    (_, before: string, id: string) => `${before} ${mention(id)}`,
  )
}

/** `run k3f9`: the end of its id, which every command takes. */
export function runName({ id }: { id: string }): string {
  return `run ${safeLine(shortId(id), 60)}`
}

/** People and groups from the configuration; ids only. */
export function mention(id: string): string {
  return id.startsWith('S') ? `<!subteam^${safeLine(id, 40)}>` : `<@${safeLine(id, 40)}>`
}

export function contents(tables: number | null, rows: number | null): string | null {
  if (tables === null) return null
  const words = `${formatCount(tables)} ${tables === 1 ? 'table' : 'tables'}`
  return rows === null ? words : `${words}, ${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`
}

/** The reader's own time; "06:00 (Europe/Paris)" for who is read the text instead. */
export function timeOfDay(at: number, timezone: string): string {
  return date(at, '{time}', `${inZone(at, timezone, hourAndMinute)} (${timezone})`)
}

/** "12:00" within 18 hours of `from`, else with its day. */
export function upcoming(at: number, from: number, timezone: string): string {
  const near = Math.abs(at - from) < 18 * 3600_000
  return near ? date(at, '{time}', clockTime(at, timezone)) : moment(at, timezone)
}

/** "20 Nov 2026, 06:00". */
export function moment(at: number, timezone: string): string {
  return date(at, '{date_short} {time}', `${dayOf(at, timezone)}, ${clockTime(at, timezone)}`)
}

export function day(at: number, timezone: string): string {
  return date(at, '{date_short}', dayOf(at, timezone))
}

/** "06:00" in the strategy's zone; UTC is said, because nobody expects it. */
function clockTime(at: number, timezone: string): string {
  return `${inZone(at, timezone, hourAndMinute)}${timezone === 'UTC' ? ' UTC' : ''}`
}

const hourAndMinute: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }

/** "20 Nov 2026". */
function dayOf(at: number, timezone: string): string {
  return inZone(at, timezone, { day: 'numeric', month: 'short', year: 'numeric' })
}

/** "3rd" */
export function ordinal(count: number): string {
  const ending = { one: 'st', two: 'nd', few: 'rd', other: 'th', zero: 'th', many: 'th' }
  return `${count}${ending[new Intl.PluralRules('en', { type: 'ordinal' }).select(count)]}`
}

/** Our own mrkdwn as plain words: what a screen reader or a notification says. Escapes stay, Slack reads them. */
export function spoken(markup: string): string {
  return markup
    .replace(/<!date\^[^|>]*\|([^>]*)>/g, '$1')
    .replace(/```/g, '')
    .replace(/\*([^*\n]+)\*/g, '$1')
    .replaceAll('`', '')
}

function date(at: number, format: string, fallback: string): string {
  return `<!date^${Math.floor(at / 1000)}^${format}|${fallback}>`
}

function inZone(at: number, timezone: string, format: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-GB', { ...format, timeZone: timezone }).format(at)
}
