import { h } from './dom.js'
import { plain } from './mrkdwn.js'
import { emoji } from './emoji.js'
import { store } from './store.js'

/** context_actions: thumbs, and small icons that only some people see. */
export function feedback(block, surface) {
  const shown = block.elements.filter(
    (one) => !one.visible_to_user_ids || one.visible_to_user_ids.includes(store.me),
  )
  return h(
    'div',
    { class: 'context-actions' },
    shown.flatMap((one) =>
      one.type === 'icon_button' ? icon(one, block, surface) : thumbs(one, block, surface),
    ),
  )
}

function icon(one, block, surface) {
  return small(one.text.text, '🗑', () => surface.act(one, block.block_id, one.value))
}

function thumbs(one, block, surface) {
  return [
    small(one.positive_button.text.text, '👍', () =>
      surface.act(one, block.block_id, one.positive_button.value),
    ),
    small(one.negative_button.text.text, '👎', () =>
      surface.act(one, block.block_id, one.negative_button.value),
    ),
  ]
}

function small(label, symbol, act) {
  return h(
    'button',
    { type: 'button', class: 'icon-button', title: label, onclick: () => void act() },
    emoji(symbol, ''),
    h('span', { class: 'unseen' }, plain(label)),
  )
}
