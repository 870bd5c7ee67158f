/** rich_text: literal text with styles; nothing in it is parsed. */
import { formatDate } from './dates.js'
import { h, link } from './dom.js'
import { emoji, unicodeOf, withEmoji } from './emoji.js'
import { channelMention, groupMention, userMention } from './mrkdwn.js'

export function richText(block) {
  return block.elements.map(part)
}

function part(element) {
  const inner = () => element.elements.map(inline)
  if (element.type === 'rich_text_list') {
    const items = element.elements.map((item) => h('li', {}, item.elements.map(inline)))
    const start = element.style === 'ordered' && element.offset ? element.offset + 1 : undefined
    return h(
      element.style === 'ordered' ? 'ol' : 'ul',
      { class: 'rich-list', style: `margin-left:${(element.indent ?? 0) * 24}px`, start },
      items,
    )
  }
  if (element.type === 'rich_text_quote') return h('blockquote', { class: 'quote' }, broken(element.elements))
  if (element.type === 'rich_text_preformatted') return h('pre', { class: 'pre' }, inner())
  return h('div', { class: 'rich-section' }, broken(element.elements))
}

/** Line breaks inside texts are kept. */
function broken(elements) {
  return elements.map(inline)
}

function inline(one) {
  const shown = content(one)
  const { bold, italic, strike, code, underline } = one.style ?? {}
  let node = code ? h('code', { class: 'code' }, shown) : h('span', { class: 'rich' }, shown)
  if (bold) node = h('b', {}, node)
  if (italic) node = h('i', {}, node)
  if (strike) node = h('s', {}, node)
  if (underline) node = h('u', {}, node)
  return node
}

function content(one) {
  switch (one.type) {
    case 'text':
      return withEmoji(one.text)
    case 'link':
      return link(one.url, one.text ?? one.url)
    case 'user':
      return userMention(one.user_id)
    case 'usergroup':
      return groupMention(one.usergroup_id)
    case 'channel':
      return channelMention(one.channel_id)
    case 'emoji':
      return emoji(unicodeOf(one.name) ?? `:${one.name}:`, one.name)
    case 'broadcast':
      return h('span', { class: 'mention me' }, `@${one.range}`)
    case 'date':
      return h('time', { title: one.fallback }, formatDate(one.timestamp, one.format))
    case 'color':
      return [
        h('span', {
          class: 'swatch',
          style: `background:${/^#[0-9a-f]{3,8}$/i.test(one.value) ? one.value : 'none'}`,
        }),
        one.value,
      ]
    default:
      return `[${one.type}]`
  }
}
