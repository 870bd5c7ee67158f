import { boolean, byType, id, list, number, object, required, string, type, words } from './rules.ts'
import type { Rule } from './rules.ts'

const style = object({
  bold: boolean,
  italic: boolean,
  strike: boolean,
  code: boolean,
  underline: boolean,
  highlight: boolean,
  client_highlight: boolean,
  unlink: boolean,
})
const text = object({ type: type('text'), text: required(words(Infinity)), style })
const link = object({
  type: type('link'),
  url: required(string()),
  text: words(Infinity),
  unsafe: boolean,
  style,
})

const inline = byType('rich text element', () => ({
  text,
  link,
  user: object({ type: type('user'), user_id: required(id), style }),
  usergroup: object({ type: type('usergroup'), usergroup_id: required(id), style }),
  channel: object({ type: type('channel'), channel_id: required(id), style }),
  team: object({ type: type('team'), team_id: required(id), style }),
  emoji: object({
    type: type('emoji'),
    name: required(string()),
    unicode: string(),
    url: string(),
    skin_tone: number(),
    style,
  }),
  broadcast: object({
    type: type('broadcast'),
    range: required(string({ oneOf: ['here', 'channel', 'everyone'] })),
    style,
  }),
  color: object({ type: type('color'), value: required(string()), style }),
  date: object({
    type: type('date'),
    timestamp: required(number({ integer: true })),
    format: required(string()),
    url: string(),
    fallback: string(),
    style,
  }),
}))

const border = number({ min: 0, max: 1, integer: true })
const section = object({
  type: type('rich_text_section'),
  elements: required(list(inline, { min: 0, max: Infinity })),
})

const part = byType('rich text', () => ({
  rich_text_section: section,
  rich_text_list: object({
    type: type('rich_text_list'),
    elements: required(list(section, { max: Infinity })),
    border,
    style: required(string({ oneOf: ['bullet', 'ordered'] })),
    indent: number({ min: 0, max: 8, integer: true }),
    offset: number({ min: 0 }),
  }),
  rich_text_quote: object({
    type: type('rich_text_quote'),
    elements: required(list(inline, { max: Infinity })),
    border,
  }),
  rich_text_preformatted: object({
    type: type('rich_text_preformatted'),
    border,
    language: string(),
    elements: required(
      list(
        byType('preformatted', () => ({ text, link })),
        { max: Infinity },
      ),
    ),
  }),
}))

export const richText: Rule = object({
  type: type('rich_text'),
  block_id: id,
  elements: required(list(part, { max: Infinity })),
})
