/** data_visualization as SVG: bar, line, area, pie; the numbers are also there as a table for screen readers. */
import { h } from './dom.js'

const colours = ['#1264a3', '#2eb67d', '#ecb22e', '#e01e5a', '#7c5cc4', '#36c5f0']
const width = 560
const height = 240
const pad = { left: 56, right: 16, top: 14, bottom: 46 }

export function chart(block) {
  const { chart: one } = block
  const drawn = one.type === 'pie' ? pie(one) : axes(one)
  return h('figure', { class: 'chart' }, h('figcaption', {}, block.title), drawn, legend(one), numbers(block))
}

function axes(one) {
  const { categories, x_label: xLabel, y_label: yLabel } = one.axis_config
  const values = one.series.flatMap((series) => series.data.map((point) => point.value))
  const ticks = niceTicks(Math.min(0, ...values), Math.max(0, ...values))
  const [low, high] = [ticks[0], ticks.at(-1)]
  const innerWidth = width - pad.left - pad.right
  const step = innerWidth / categories.length
  const x = (index) => pad.left + step * (index + 0.5)
  const y = (value) => pad.top + (1 - (value - low) / (high - low || 1)) * (height - pad.top - pad.bottom)
  const draw = { bar: bars, line: lines, area: areas }[one.type]
  const every = Math.ceil(categories.length / 10)
  return h(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, class: 'chart-svg', 'aria-hidden': 'true' },
    ticks.map((tick) => [
      h('line', {
        x1: pad.left,
        x2: width - pad.right,
        y1: y(tick),
        y2: y(tick),
        class: tick === 0 ? 'axis' : 'grid',
      }),
      h('text', { x: pad.left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, short(tick)),
    ]),
    draw({ one, x, y, step }),
    categories.map(
      (label, index) =>
        index % every === 0 &&
        h('text', { x: x(index), y: height - pad.bottom + 18, 'text-anchor': 'middle' }, label),
    ),
    xLabel &&
      h(
        'text',
        { x: pad.left + innerWidth / 2, y: height - 6, 'text-anchor': 'middle', class: 'axis-label' },
        xLabel,
      ),
    yLabel &&
      h(
        'text',
        {
          x: 12,
          y: pad.top + (height - pad.top - pad.bottom) / 2,
          'text-anchor': 'middle',
          class: 'axis-label',
          transform: `rotate(-90 12 ${pad.top + (height - pad.top - pad.bottom) / 2})`,
        },
        yLabel,
      ),
  )
}

function bars({ one, x, y, step }) {
  const wide = Math.min(36, (step * 0.72) / one.series.length)
  return one.series.flatMap((series, nth) =>
    series.data.map((point, index) => {
      const left = x(index) + (nth - one.series.length / 2) * wide
      const top = Math.min(y(point.value), y(0))
      return h(
        'rect',
        {
          x: left + 1,
          y: top,
          width: Math.max(1, wide - 2),
          height: Math.abs(y(point.value) - y(0)),
          rx: 3,
          fill: colours[nth],
        },
        h('title', {}, `${point.label}: ${point.value}`),
      )
    }),
  )
}

const joined = (series, x, y) =>
  series.data.map((point, index) => `${x(index).toFixed(1)},${y(point.value).toFixed(1)}`).join(' ')

function lines({ one, x, y }) {
  return one.series.flatMap((series, nth) => [
    h('polyline', {
      points: joined(series, x, y),
      fill: 'none',
      stroke: colours[nth],
      'stroke-width': 2.5,
      'stroke-linejoin': 'round',
      'stroke-linecap': 'round',
    }),
    series.data.map((point, index) =>
      h(
        'circle',
        { cx: x(index), cy: y(point.value), r: 3.2, fill: '#fff', stroke: colours[nth], 'stroke-width': 2 },
        h('title', {}, `${point.label}: ${point.value}`),
      ),
    ),
  ])
}

function areas({ one, x, y }) {
  return one.series.flatMap((series, nth) => {
    const last = series.data.length - 1
    const under = `${x(0)},${y(0)} ${joined(series, x, y)} ${x(last)},${y(0)}`
    return [
      h('polygon', { points: under, fill: colours[nth], opacity: 0.18 }),
      h('polyline', {
        points: joined(series, x, y),
        fill: 'none',
        stroke: colours[nth],
        'stroke-width': 2.5,
        'stroke-linejoin': 'round',
      }),
    ]
  })
}

function pie(one) {
  const total = one.segments.reduce((sum, segment) => sum + segment.value, 0) || 1
  let turned = 0
  const slices = one.segments.map((segment, nth) => {
    const share = segment.value / total
    const path = slice(turned, turned + share)
    turned += share
    return h(
      'path',
      { d: path, fill: colours[nth], stroke: '#fff', 'stroke-width': 2 },
      h('title', {}, `${segment.label}: ${Math.round(share * 100)} %`),
    )
  })
  return h(
    'svg',
    { viewBox: '0 0 220 200', class: 'chart-svg chart-pie', 'aria-hidden': 'true' },
    slices,
    h('circle', { cx: 110, cy: 100, r: 46, fill: '#fff' }),
  )
}

function slice(from, to) {
  const at = (turn) =>
    `${(110 + 88 * Math.sin(turn * 2 * Math.PI)).toFixed(2)} ${(100 - 88 * Math.cos(turn * 2 * Math.PI)).toFixed(2)}`
  const end = to - from > 0.9999 ? to - 0.0001 : to
  return `M110 100L${at(from)}A88 88 0 ${end - from > 0.5 ? 1 : 0} 1 ${at(end)}Z`
}

function niceTicks(low, high) {
  const span = high - low || 1
  const rough = span / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough)
  const first = Math.floor(low / step) * step
  return Array.from({ length: Math.ceil((high - first) / step) + 1 }, (_one, index) =>
    Number((first + index * step).toPrecision(12)),
  )
}

function short(value) {
  return new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 2 }).format(value)
}

function legend(one) {
  const names =
    one.type === 'pie'
      ? one.segments.map((segment) => segment.label)
      : one.series.map((series) => series.name)
  if (names.length < 2 && one.type !== 'pie') return null
  return h(
    'ul',
    { class: 'legend', 'aria-hidden': 'true' },
    names.map((name, nth) =>
      h('li', {}, h('span', { class: 'swatch', style: `background:${colours[nth]}` }), name),
    ),
  )
}

function numbers(block) {
  const { chart: one } = block
  const rows =
    one.type === 'pie'
      ? one.segments.map((segment) => [segment.label, segment.value])
      : one.axis_config.categories.map((label, index) => [
          label,
          ...one.series.map((series) => series.data[index]?.value),
        ])
  const heads = one.type === 'pie' ? ['', 'value'] : ['', ...one.series.map((series) => series.name)]
  return h(
    'table',
    { class: 'unseen' },
    h('caption', {}, block.title),
    h(
      'tr',
      {},
      heads.map((each) => h('th', {}, each)),
    ),
    rows.map((row) =>
      h(
        'tr',
        {},
        row.map((each) => h('td', {}, String(each))),
      ),
    ),
  )
}
