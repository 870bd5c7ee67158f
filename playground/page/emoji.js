/** Emoji, drawn by us where we use them often: the same on every machine, also on those without an emoji font. */
import { h } from './dom.js'

const names = {
  white_check_mark: '✅',
  x: '❌',
  warning: '⚠️',
  no_entry: '⛔',
  no_entry_sign: '🚫',
  large_blue_circle: '🔵',
  large_green_circle: '🟢',
  large_yellow_circle: '🟡',
  large_orange_circle: '🟠',
  red_circle: '🔴',
  white_circle: '⚪',
  black_circle: '⚫',
  hourglass_flowing_sand: '⏳',
  hourglass: '⌛',
  arrows_counterclockwise: '🔄',
  repeat: '🔁',
  lock: '🔒',
  unlock: '🔓',
  key: '🔑',
  pushpin: '📌',
  package: '📦',
  floppy_disk: '💾',
  file_cabinet: '🗄️',
  clock1: '🕐',
  alarm_clock: '⏰',
  stopwatch: '⏱️',
  rotating_light: '🚨',
  bell: '🔔',
  no_bell: '🔕',
  zzz: '💤',
  mag: '🔍',
  test_tube: '🧪',
  shield: '🛡️',
  tada: '🎉',
  wave: '👋',
  eyes: '👀',
  bulb: '💡',
  information_source: 'ℹ️',
  question: '❓',
  bar_chart: '📊',
  chart_with_upwards_trend: '📈',
  calendar: '📅',
  wastebasket: '🗑️',
  leftwards_arrow_with_hook: '↩️',
  double_vertical_bar: '⏸️',
  pause_button: '⏸️',
  arrow_forward: '▶️',
  stop_button: '⏹️',
  thumbsup: '👍',
  '+1': '👍',
  thumbsdown: '👎',
  '-1': '👎',
  gear: '⚙️',
  wrench: '🔧',
  fire: '🔥',
  link: '🔗',
  ring_buoy: '🛟',
  heavy_check_mark: '✔️',
  heavy_minus_sign: '➖',
  point_right: '👉',
  house: '🏠',
  memo: '📝',
  clipboard: '📋',
  rocket: '🚀',
}

export const unicodeOf = (name) => names[name]

const disc = (fill) => [h('circle', { cx: 10, cy: 10, r: 8, fill })]
const square = (fill) => h('rect', { x: 2, y: 2, width: 16, height: 16, rx: 4, fill })
const stroke = (d, color = '#fff', width = 2.4) =>
  h('path', {
    d,
    fill: 'none',
    stroke: color,
    'stroke-width': width,
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
  })
const shape = (d, fill) => h('path', { d, fill })

const drawings = {
  '✅': () => [square('#2fb171'), stroke('M6 10.4l2.8 2.9L14 7')],
  '✔': () => [stroke('M4 10.6l4 4.2L16 5.5', '#2fb171', 2.8)],
  '❌': () => [stroke('M4.5 4.5l11 11M15.5 4.5l-11 11', '#e0394f', 3.4)],
  '⛔': () => [...disc('#e0394f'), stroke('M6 10h8', '#fff', 3)],
  '🚫': () => [
    h('circle', { cx: 10, cy: 10, r: 7, fill: 'none', stroke: '#e0394f', 'stroke-width': 2.6 }),
    stroke('M5.2 5.2l9.6 9.6', '#e0394f', 2.6),
  ],
  '⚠': () => [
    shape('M10 2l8.4 15.2a.8.8 0 0 1-.7 1.2H2.3a.8.8 0 0 1-.7-1.2z', '#f5b82e'),
    stroke('M10 8v4.4M10 15.2v.1', '#3d2c00', 2),
  ],
  '🔵': () => disc('#3b88f5'),
  '🟢': () => disc('#2fb171'),
  '🟡': () => disc('#f5c02e'),
  '🟠': () => disc('#f08a32'),
  '🔴': () => disc('#e0394f'),
  '⚪': () => [h('circle', { cx: 10, cy: 10, r: 7.5, fill: '#fff', stroke: '#c3c6cc', 'stroke-width': 1.4 })],
  '⚫': () => disc('#3a3a40'),
  '⏳': hourglass,
  '⌛': hourglass,
  '🔄': () => [
    square('#3b88f5'),
    stroke('M6.2 9a4 4 0 0 1 7-1.6M13.8 11a4 4 0 0 1-7 1.6M13.4 5v2.6h-2.6M6.6 15v-2.6h2.6', '#fff', 1.7),
  ],
  '🔁': () => [
    square('#3b88f5'),
    stroke(
      'M6 9.4V8.6C6 7.7 6.7 7 7.6 7H14m-1.8-2L14 7l-1.8 2M14 10.6v.8c0 .9-.7 1.6-1.6 1.6H6m1.8 2L6 13l1.8-2',
      '#fff',
      1.5,
    ),
  ],
  '🔒': () => [
    stroke('M6.5 9V6.8a3.5 3.5 0 0 1 7 0V9', '#8b8f98', 1.9),
    h('rect', { x: 4, y: 8.6, width: 12, height: 9, rx: 2, fill: '#f1b434' }),
  ],
  '🔓': () => [
    stroke('M6.5 9V6.4a3.5 3.5 0 0 1 6.6-1.6', '#8b8f98', 1.9),
    h('rect', { x: 4, y: 8.6, width: 12, height: 9, rx: 2, fill: '#f1b434' }),
  ],
  '📌': () => [
    shape(
      'M11.2 2.2l6.6 6.6-2 .6-2.6 2.6.2 3-1.6 1.6-3.4-3.4L3 17.8 7 12 3.4 8.4 5 6.8l3 .2 2.6-2.6z',
      '#e0394f',
    ),
  ],
  '📦': () => [
    shape('M2.5 6l7.5-3.6L17.5 6v8.4L10 18l-7.5-3.6z', '#c98d4f'),
    shape('M2.5 6L10 9.6 17.5 6 10 2.4z', '#e2b27b'),
    stroke('M10 9.6V18', '#a56f36', 1),
  ],
  '💾': () => [
    square('#4b6cb7'),
    h('rect', { x: 6, y: 3, width: 8, height: 5, rx: 1, fill: '#dfe6f5' }),
    h('rect', { x: 5, y: 11, width: 10, height: 6, rx: 1, fill: '#fff' }),
  ],
  '🗄': () => [square('#7b8494'), stroke('M4 10h12M8.6 6.2h2.8M8.6 13.8h2.8', '#e8ebf0', 1.6)],
  '🚨': () => [
    shape('M5.4 14.5V10a4.6 4.6 0 0 1 9.2 0v4.5z', '#e0394f'),
    h('rect', { x: 3.6, y: 14.2, width: 12.8, height: 3.2, rx: 1.2, fill: '#6b7280' }),
    stroke('M10 2.2v1.4M3 5.4l1.2 1M17 5.4l-1.2 1', '#f08a32', 1.6),
  ],
  '🔔': () => [
    shape('M10 2.4a5 5 0 0 1 5 5v3.4l1.6 3H3.4l1.6-3V7.4a5 5 0 0 1 5-5z', '#f1b434'),
    shape('M8 15h4a2 2 0 0 1-4 0z', '#c98b12'),
  ],
  '🔕': () => [
    shape('M10 2.4a5 5 0 0 1 5 5v3.4l1.6 3H3.4l1.6-3V7.4a5 5 0 0 1 5-5z', '#c4c8cf'),
    shape('M8 15h4a2 2 0 0 1-4 0z', '#9aa0aa'),
    stroke('M3.6 3.6l12.8 12.8', '#e0394f', 2),
  ],
  '💤': () => [stroke('M4 10.5h5l-5 6h5', '#6f7ff0', 2), stroke('M11 3.5h5l-5 6h5', '#6f7ff0', 2)],
  '🔍': () => [
    h('circle', { cx: 8.5, cy: 8.5, r: 5, fill: '#d8ecff', stroke: '#6b7280', 'stroke-width': 1.8 }),
    stroke('M12.4 12.4l4.6 4.6', '#6b7280', 2.6),
  ],
  '🧪': () => [
    shape('M7 2.6h6v1.6h-1v4l4 7.2a1.6 1.6 0 0 1-1.4 2.4H5.4A1.6 1.6 0 0 1 4 15.4l4-7.2v-4H7z', '#d7e6f5'),
    shape('M6.4 11.4h7.2l2.2 4a1.2 1.2 0 0 1-1 1.8H5.2a1.2 1.2 0 0 1-1-1.8z', '#2fb171'),
  ],
  '🛡': () => [
    shape('M10 2l6.6 2.4v5c0 4-2.8 7-6.6 8.6C6.2 16.4 3.4 13.4 3.4 9.4v-5z', '#3b88f5'),
    stroke('M7 9.8l2.2 2.3L13.2 7.6', '#fff', 1.9),
  ],
  ℹ: () => [square('#3b88f5'), stroke('M10 9.4v4.4M10 6.3v.1', '#fff', 2.2)],
  '⏸': () => [square('#6f7ff0'), stroke('M8 6.5v7M12 6.5v7', '#fff', 2)],
  '▶': () => [square('#6f7ff0'), shape('M7.6 5.8l6.6 4.2-6.6 4.2z', '#fff')],
  '⏹': () => [square('#6f7ff0'), h('rect', { x: 6.6, y: 6.6, width: 6.8, height: 6.8, rx: 1, fill: '#fff' })],
  '↩': () => [
    square('#3b88f5'),
    stroke('M8.4 6L5.6 8.8l2.8 2.8M6 8.8h5.4a2.8 2.8 0 0 1 0 5.6H9', '#fff', 1.8),
  ],
  '📊': () => [
    square('#eef1f6'),
    shape('M5 9h2.6v7H5z', '#2fb171'),
    shape('M8.8 5h2.6v11H8.8z', '#3b88f5'),
    shape('M12.6 11h2.6v5h-2.6z', '#e0394f'),
  ],
  '📈': () => [square('#eef1f6'), stroke('M4.6 13.6l3.6-3.8 2.6 2.2 4.6-5.6', '#e0394f', 1.9)],
  '⏱': timer,
  '⏰': timer,
  '🕐': timer,
  '🔑': () => [
    h('circle', { cx: 6.8, cy: 7, r: 3.4, fill: 'none', stroke: '#e0a82e', 'stroke-width': 2.2 }),
    stroke('M9.2 9.4l6.6 6.6M13 13.2l-1.6 1.6', '#e0a82e', 2.2),
  ],
  '🗑': () => [
    stroke('M4 5.6h12M8 5.4V3.6h4v1.8', '#7b8494', 1.7),
    shape('M5.2 7h9.6l-.9 10.2a1 1 0 0 1-1 .8H7.1a1 1 0 0 1-1-.8z', '#9aa3b2'),
  ],
  '👋': () => [
    shape(
      'M5 11L3.4 8.6c-.5-.8.6-1.6 1.2-.9l2 2.3L4.8 6c-.4-.9.9-1.5 1.3-.7l2.3 3.8-.9-4.6c-.2-1 1.2-1.3 1.5-.4l1.5 4.7.4-3.4c.1-.9 1.4-.8 1.4.1l.2 6.1c.2 4.2-2.2 6.2-4.4 5.9-1.9-.2-2.5-1.8-4.1-6.5z',
      '#f5c26b',
    ),
  ],
  '🎉': () => [
    shape('M3 17.4l3.4-9 5.4 5.4z', '#f1b434'),
    stroke('M11 6.4c1-.6 1.2-2 .6-3.2M14 9c1-.5 2.2-.3 3 .4M13 6.8l2.6-3', '#e0394f', 1.5),
    stroke('M16 12.5v.1M8.5 3.5v.1M17 6v.1', '#3b88f5', 2),
  ],
  '👀': () => [
    h('ellipse', { cx: 6, cy: 10, rx: 3.8, ry: 5.6, fill: '#fff', stroke: '#7b8494' }),
    h('ellipse', { cx: 14, cy: 10, rx: 3.8, ry: 5.6, fill: '#fff', stroke: '#7b8494' }),
    h('circle', { cx: 7.4, cy: 11, r: 1.9, fill: '#2b2b30' }),
    h('circle', { cx: 15.4, cy: 11, r: 1.9, fill: '#2b2b30' }),
  ],
  '👍': () => [
    shape(
      'M3 9h3v8H3zM7 9l3-6.5c1.4 0 2.2 1 1.9 2.4L11.3 8H16c1.1 0 1.8 1 1.5 2l-1.6 5.6c-.2.8-.9 1.4-1.8 1.4H7z',
      '#f5c26b',
    ),
  ],
  '👎': () => [
    shape(
      'M3 11h3V3H3zM7 11l3 6.5c1.4 0 2.2-1 1.9-2.4L11.3 12H16c1.1 0 1.8-1 1.5-2l-1.6-5.6C15.7 3.6 15 3 14.1 3H7z',
      '#f5c26b',
    ),
  ],
  '💡': () => [
    shape(
      'M10 2.2a5.4 5.4 0 0 1 3 9.9c-.6.5-.8 1.1-.8 1.9H7.8c0-.8-.2-1.4-.8-1.9a5.4 5.4 0 0 1 3-9.9z',
      '#f5c02e',
    ),
    stroke('M8 15.8h4M8.6 17.8h2.8', '#7b8494', 1.5),
  ],
  '🔗': () => [
    stroke(
      'M8.4 11.6a2.8 2.8 0 0 1 0-4L11 5a2.8 2.8 0 0 1 4 4l-1.4 1.4M11.6 8.4a2.8 2.8 0 0 1 0 4L9 15a2.8 2.8 0 0 1-4-4l1.4-1.4',
      '#7b8494',
      1.9,
    ),
  ],
}

function hourglass() {
  return [
    shape(
      'M5 2.5h10v2.6c0 2-2.6 3.4-3.6 4.9 1 1.5 3.6 2.9 3.6 4.9v2.6H5v-2.6c0-2 2.6-3.4 3.6-4.9C7.6 8.5 5 7.1 5 5.1z',
      '#d7e6f5',
    ),
    shape('M7 15.8c0-1.4 3-2 3-4 0 2 3 2.6 3 4z', '#f1b434'),
    stroke('M4.4 2.4h11.2M4.4 17.6h11.2', '#8a6a3a', 1.7),
  ]
}

function timer() {
  return [
    h('circle', { cx: 10, cy: 11, r: 7, fill: '#fff', stroke: '#7b8494', 'stroke-width': 1.8 }),
    stroke('M10 7v4l2.6 1.6', '#e0394f', 1.7),
    stroke('M8.4 1.8h3.2', '#7b8494', 2),
  ]
}

export function emoji(symbol, name = symbol) {
  const drawing = drawings[symbol.replace(/\uFE0F/g, '')]
  if (drawing === undefined) return h('span', { class: 'emoji', role: 'img', 'aria-label': name }, symbol)
  const picture = h('svg', { viewBox: '0 0 20 20', 'aria-hidden': 'true' }, ...drawing())
  return h(
    'span',
    { class: 'emoji', role: 'img', 'aria-label': name },
    picture,
    h('span', { class: 'unseen' }, symbol),
  )
}

const pictures = /(\p{Extended_Pictographic}\uFE0F?(?:\u200D\p{Extended_Pictographic}\uFE0F?)*)/u

/** Text with its emoji drawn. */
export function withEmoji(text) {
  return text.split(pictures).map((part, index) => (index % 2 === 1 ? emoji(part) : part))
}
