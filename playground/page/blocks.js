/** Block Kit as elements. A surface is where the blocks are and what using them does:
 * `{key, act(element, blockId, choice), suggest(element, blockId, typed), value(blockId, element), hold(blockId, element, value), error(blockId)}` */
import { chart } from './chart.js'
import { h, safeUrl } from './dom.js'
import { control } from './elements.js'
import { emoji } from './emoji.js'
import { feedback } from './feedback.js'
import { field } from './inputs.js'
import { mrkdwn, plain } from './mrkdwn.js'
import { plan, taskCard } from './plan.js'
import { richText } from './rich-text.js'
import { dataTable, table } from './table.js'

export function blocks(all, surface) {
  return all.map((block) => {
    const draw = drawings[block.type]
    const inner = draw === undefined ? h('p', { class: 'unknown' }, `[${block.type}]`) : draw(block, surface)
    return h('div', { class: `block block-${block.type}`, 'data-block': block.block_id }, inner)
  })
}

export function words(object) {
  return object.type === 'mrkdwn' ? mrkdwn(object.text) : plain(object.text)
}

const drawings = {
  section,
  header: (block) => h('h3', { class: 'header' }, plain(block.text.text)),
  divider: () => h('hr', { class: 'rule' }),
  context: (block) => h('div', { class: 'context' }, block.elements.map(contextElement)),
  actions: (block, surface) =>
    h(
      'div',
      { class: 'actions' },
      block.elements.map((one) => control(one, block.block_id, surface)),
    ),
  input: field,
  image,
  rich_text: (block) => richText(block),
  markdown: (block) => h('div', { class: 'text' }, mrkdwn(fromMarkdown(block.text))),
  alert,
  table,
  data_table: dataTable,
  data_visualization: chart,
  plan,
  task_card: taskCard,
  context_actions: feedback,
}

function section(block, surface) {
  return h(
    'div',
    { class: 'section' },
    h(
      'div',
      { class: 'section-main' },
      block.text && h('div', { class: 'text' }, words(block.text)),
      block.fields &&
        h(
          'div',
          { class: 'fields' },
          block.fields.map((one) => h('div', { class: 'text field-text' }, words(one))),
        ),
    ),
    block.accessory && h('div', { class: 'accessory' }, accessory(block, surface)),
  )
}

function accessory(block, surface) {
  const { accessory: one } = block
  if (one.type === 'image')
    return h('img', { src: safeUrl(one.image_url ?? ''), alt: one.alt_text, class: 'thumb' })
  return control(one, block.block_id, surface)
}

function contextElement(one) {
  if (one.type === 'image')
    return h('img', { src: safeUrl(one.image_url ?? ''), alt: one.alt_text, class: 'context-image' })
  return h('span', { class: 'context-text' }, words(one))
}

const alertMarks = { default: '💡', info: 'ℹ', warning: '⚠', error: '⛔', success: '✅' }

function alert(block) {
  const level = block.level ?? 'default'
  return h(
    'div',
    { class: `alert alert-${level}`, role: 'alert' },
    emoji(alertMarks[level], level),
    h('div', {}, words(block.text)),
  )
}

function image(block) {
  return h(
    'figure',
    { class: 'image' },
    block.title && h('figcaption', {}, plain(block.title.text)),
    h('img', { src: safeUrl(block.image_url ?? ''), alt: block.alt_text }),
  )
}

/** Enough of Markdown for what we send: bold, italics, headings, links, lists. */
function fromMarkdown(text) {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/^#{1,6} +(.+)$/gm, '*$1*')
    .replace(/\*\*(.+?)\*\*/g, '*$1*')
    .replace(/^[-*] +/gm, '• ')
    .replace(/\[([^\]]+)\]\((https?:[^)\s]+)\)/g, '<$2|$1>')
}
