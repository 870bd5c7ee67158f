import { cut, escape } from './text.ts'
import type { NotifierContext } from '../notifier.ts'
import type { Occurrence } from '../occurrence.ts'

/** What is posted to a webhook of Discord: one embed, and nobody is called by what it says. */
export interface DiscordBody {
  embeds: [Embed]
  allowed_mentions: { parse: [] }
}

export interface Embed {
  title: string
  description?: string
  color: number
  fields: { name: string; value: string; inline: boolean }[]
  footer: { text: string }
  /** ISO 8601. */
  timestamp: string
}

/** In characters, from Discord's documentation of embeds; more is refused. */
export const limits = {
  title: 256,
  description: 4096,
  fields: 25,
  fieldName: 256,
  fieldValue: 1024,
  footer: 2048,
  /** Of all texts of all embeds together. */
  total: 6000,
} as const

const colours: Record<Occurrence['status'], number> = {
  success: 0x2eb67d,
  recovered: 0x2eb67d,
  warning: 0xecb22e,
  inconclusive: 0xecb22e,
  overdue: 0xecb22e,
  failure: 0xe01e5a,
  test: 0x808080,
}

const shortValue = 40 // three of them beside each other still fit

export type Sender = Pick<NotifierContext, 'version' | 'host' | 'scrub'> & { now: number }

export function bodyOf(occurrence: Occurrence, { version, host, scrub, now }: Sender): DiscordBody {
  const { hint, status, at } = occurrence
  const show = (text: string, most: number): string => cut(escape(scrub(text).toWellFormed()), most)
  const title = show(occurrence.title, limits.title)
  const description = hint === null ? null : show(hint, limits.description)
  const footer = cut(`easy-backup ${version} on ${host}`, limits.footer)
  const left = limits.total - title.length - (description?.length ?? 0) - footer.length
  return {
    embeds: [
      {
        title,
        ...(description !== null && { description }),
        color: colours[status],
        fields: fieldsOf(occurrence, show, left),
        footer: { text: footer },
        timestamp: new Date(at ?? now).toISOString(),
      },
    ],
    allowed_mentions: { parse: [] },
  }
}

type Show = (text: string, most: number) => string

/** As many as fit, the first first. */
function fieldsOf({ facts }: Occurrence, show: Show, room: number): Embed['fields'] {
  const fields: Embed['fields'] = []
  let left = room
  for (const [label, fact] of facts) {
    const name = show(label, limits.fieldName)
    const value = show(fact, limits.fieldValue)
    left -= name.length + value.length
    if (left < 0 || fields.length === limits.fields) break
    if (name.trim() === '' || value.trim() === '') continue // Discord refuses one without words
    fields.push({ name, value, inline: value.length <= shortValue })
  }
  return fields
}
