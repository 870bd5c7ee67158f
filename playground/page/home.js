/** The app's own place: its home tab and its messages. */
import { blocks } from './blocks.js'
import { h } from './dom.js'
import { appPicture } from './icons.js'
import { finder } from './messages.js'
import { doAs } from './net.js'
import { changed, go, store } from './store.js'

const held = new Map()

let drawn = { stamp: '', node: null }

export function homeTab() {
  const stamp = JSON.stringify([store.home, store.me])
  if (drawn.stamp === stamp) return drawn.node
  const node = h(
    'div',
    { class: 'home', role: 'tabpanel', 'aria-label': 'Home' },
    store.home === null ? empty() : blocks(store.home.blocks, surface()),
  )
  drawn = { stamp, node }
  return node
}

function empty() {
  return h(
    'div',
    { class: 'home-empty' },
    appPicture(),
    h('h3', {}, 'This is a work in progress'),
    h('p', {}, `${store.app.name} has not published its home yet.`),
  )
}

function surface() {
  const place = (blockId, element) => `${blockId}/${element.action_id}`
  return {
    key: 'home',
    redraw: () => {
      drawn = { stamp: '', node: null }
      changed()
    },
    error: () => undefined,
    value: (blockId, element) => held.get(place(blockId, element)),
    hold: (blockId, element, value) => held.set(place(blockId, element), value),
    act: (element, blockId, choice) =>
      doAs('click', {
        as: store.me,
        find: finder(element, blockId),
        choice,
        choices: Object.fromEntries(held),
      }),
    suggest: async () => [],
  }
}

export function homeTabs() {
  const tab = (label, messages) =>
    h(
      'button',
      {
        type: 'button',
        role: 'tab',
        'aria-selected': String(Boolean(store.place.messages) === messages),
        class: 'tab',
        'data-focus': `tab-${label}`,
        onclick: () => go({ tab: 'home', messages }),
      },
      label,
    )
  return h('div', { class: 'tabs', role: 'tablist' }, tab('Home', false), tab('Messages', true))
}

/** Slack tells the app each time its home is opened. */
let openedBy = ''
export function tellHomeOpened() {
  const isOpen = store.place.tab === 'home' && !store.place.messages
  const key = isOpen ? store.me : ''
  if (key !== '' && key !== openedBy) void doAs('home', { as: store.me })
  openedBy = key
}
