/** plan and task_card: steps with their state in words and in colour. */
import { h, link } from './dom.js'
import { withEmoji } from './emoji.js'
import { richText } from './rich-text.js'

const inWords = { pending: 'waiting', in_progress: 'in progress', complete: 'done', error: 'failed' }

export function plan(block) {
  const tasks = block.tasks ?? []
  const done = tasks.filter((one) => one.status === 'complete').length
  const failed = tasks.some((one) => one.status === 'error')
  return h(
    'div',
    { class: failed ? 'plan failed' : 'plan' },
    h(
      'div',
      { class: 'plan-title' },
      h('span', { class: 'plan-words' }, withEmoji(block.title)),
      h('span', { class: 'plan-count' }, `${done} of ${tasks.length}`),
    ),
    h(
      'div',
      { class: 'plan-bar', 'aria-hidden': 'true' },
      h('span', { style: `width:${tasks.length === 0 ? 0 : (done / tasks.length) * 100}%` }),
    ),
    h(
      'ol',
      { class: 'tasks' },
      tasks.map((one) => h('li', {}, taskCard(one))),
    ),
  )
}

export function taskCard(task) {
  return h(
    'div',
    { class: `task task-${task.status}` },
    h('span', { class: 'task-mark', role: 'img', 'aria-label': inWords[task.status] }, mark(task.status)),
    h(
      'div',
      { class: 'task-main' },
      h('div', { class: 'task-title' }, withEmoji(task.title)),
      task.details && h('div', { class: 'task-details' }, richText(task.details)),
      task.output && h('div', { class: 'task-output' }, richText(task.output)),
      task.sources &&
        h(
          'div',
          { class: 'task-sources' },
          task.sources.map((one) => link(one.url, one.text)),
        ),
    ),
  )
}

const circle = (more) => h('circle', { cx: 9, cy: 9, r: 7, fill: 'none', 'stroke-width': 2, ...more })
const line = (d) =>
  h('path', {
    d,
    fill: 'none',
    stroke: '#fff',
    'stroke-width': 2,
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
  })

function mark(status) {
  const drawn = {
    pending: () => [circle({ stroke: '#c3c6cc', 'stroke-dasharray': '2.5 2.4' })],
    in_progress: () => [
      circle({ stroke: '#dbe7fb' }),
      h('path', {
        d: 'M9 2a7 7 0 0 1 7 7',
        fill: 'none',
        stroke: '#1264a3',
        'stroke-width': 2,
        'stroke-linecap': 'round',
        class: 'spin',
      }),
    ],
    complete: () => [h('circle', { cx: 9, cy: 9, r: 8, fill: '#007a5a' }), line('M5.5 9.2l2.4 2.4 4.6-5')],
    error: () => [
      h('circle', { cx: 9, cy: 9, r: 8, fill: '#e01e5a' }),
      line('M6.2 6.2l5.6 5.6M11.8 6.2l-5.6 5.6'),
    ],
  }[status]
  return h('svg', { viewBox: '0 0 18 18', 'aria-hidden': 'true' }, ...(drawn?.() ?? []))
}
