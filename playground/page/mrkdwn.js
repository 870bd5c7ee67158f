/** Slack's mrkdwn as elements: bold, italics, strike, code, quotes, links, mentions, dates, emoji. */
import { formatDate } from './dates.js'
import { h, link } from './dom.js'
import { emoji, unicodeOf, withEmoji } from './emoji.js'
import { channelOf, personOf, store } from './store.js'

export function mrkdwn(text) {
  const parts = text.split(/```\n?([\s\S]*?)```/)
  return parts.flatMap((part, index) =>
    index % 2 === 1 ? h('pre', { class: 'pre' }, unescape(part.replace(/\n$/, ''))) : paragraphs(part),
  )
}

export function plain(text) {
  return shortcodes(text)
}

function paragraphs(text) {
  const out = []
  let quoted = []
  const flush = () => {
    if (quoted.length > 0) out.push(h('blockquote', { class: 'quote' }, lines(quoted)))
    quoted = []
  }
  const plainLines = []
  const flushPlain = () => {
    if (plainLines.length > 0) out.push(...lines(plainLines))
    plainLines.length = 0
  }
  for (const line of text.split('\n')) {
    const quote = /^(?:&gt;|>) ?(.*)$/.exec(line)
    if (quote) {
      flushPlain()
      quoted.push(quote[1])
    } else {
      flush()
      plainLines.push(line)
    }
  }
  flush()
  flushPlain()
  return out
}

function lines(all) {
  return all.flatMap((line, index) => (index === 0 ? inline(line) : [h('br'), ...inline(line)]))
}

const tokens = new RegExp(
  [
    '`([^`\\n]+)`',
    '<([^>\\n]+)>',
    ':([a-z0-9_+-]+):',
    '(?<![\\w*])\\*(?=\\S)([^*\\n]*\\S)\\*(?![\\w*])',
    '(?<!\\w)_(?=\\S)([^\\n]*?[^\\s_])_(?!\\w)',
    '(?<![\\w~])~(?=\\S)([^~\\n]*\\S)~(?![\\w~])',
    '(https?://[^\\s<>|]+[^\\s<>|.,;:!?)])',
  ].join('|'),
  'u',
)

function inline(text) {
  const found = tokens.exec(text)
  if (found === null) return withEmoji(unescape(text))
  const [whole, code, angle, name, bold, italic, strike, url] = found
  const before = withEmoji(unescape(text.slice(0, found.index)))
  return [
    ...before,
    token({ whole, code, angle, name, bold, italic, strike, url }),
    ...inline(text.slice(found.index + whole.length)),
  ].flat()
}

function token({ whole, code, angle, name, bold, italic, strike, url }) {
  if (code !== undefined) return h('code', { class: 'code' }, unescape(code))
  if (angle !== undefined) return reference(angle)
  if (bold !== undefined) return h('b', {}, inline(bold))
  if (italic !== undefined) return h('i', {}, inline(italic))
  if (strike !== undefined) return h('s', {}, inline(strike))
  if (url !== undefined) return link(unescape(url), unescape(url))
  const symbol = unicodeOf(name)
  return symbol === undefined ? whole : emoji(symbol, name)
}

/** `<@U…>`, `<#C…>`, `<!subteam^S…>`, `<!date^…>`, `<url|text>`. */
function reference(inside) {
  const [target, label] = splitOnce(inside, '|')
  if (target.startsWith('@')) return userMention(target.slice(1), label)
  if (target.startsWith('#')) return channelMention(target.slice(1), label)
  if (target.startsWith('!subteam^')) return groupMention(target.slice(9), label)
  if (target.startsWith('!date^')) return dateMention(target.slice(6), label)
  if (target.startsWith('!')) return mention(`@${target.slice(1)}`, true)
  return link(unescape(target), ...(label === undefined ? [unescape(target)] : inline(label)))
}

function splitOnce(text, mark) {
  const at = text.indexOf(mark)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function dateMention(inside, fallback) {
  const [seconds, pattern, url] = inside.split('^')
  const words = /^\d+$/.test(seconds) && pattern ? formatDate(Number(seconds), pattern) : (fallback ?? inside)
  const time = h('time', { title: fallback }, words)
  return url ? link(url, time) : time
}

function mention(words, isMe = false) {
  return h('span', { class: isMe ? 'mention me' : 'mention' }, words)
}

export function userMention(id, label) {
  const name = personOf(id)?.handle ?? label ?? id
  return mention(`@${name}`, id === store.me)
}

export function channelMention(id, label) {
  return h('a', { class: 'mention', href: `#/${id}` }, `#${channelOf(id)?.name ?? label ?? id}`)
}

export function groupMention(id, label) {
  const group = store.groups.find((one) => one.id === id)
  return mention(`@${group?.handle ?? label?.replace(/^@/, '') ?? id}`, group?.members.includes(store.me))
}

function shortcodes(text) {
  return text.split(/:([a-z0-9_+-]+):/).flatMap((part, index) => {
    if (index % 2 === 0) return withEmoji(part)
    const symbol = unicodeOf(part)
    return symbol === undefined ? `:${part}:` : emoji(symbol, part)
  })
}

function unescape(text) {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

/** The text of a message without marks, for labels and titles. */
export function flatText(text) {
  return h('span', {}, mrkdwn(text)).textContent ?? ''
}
