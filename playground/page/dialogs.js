/** Modal dialogs: the topmost of a person's stack. */
import { blocks } from './blocks.js'
import { fill, h } from './dom.js'
import { focusFirst, trapFocus } from './focus.js'
import { appPicture, icon } from './icons.js'
import { finder } from './messages.js'
import { plain } from './mrkdwn.js'
import { doAs } from './net.js'
import { store } from './store.js'

const host = h('div', { id: 'dialogs' })
document.body.append(host)

/** What was typed, by view: kept when the app updates the view, as Slack does for inputs that stay. */
const typed = new Map()
let shown = ''
let shownId = ''
let before = null

export function drawDialogs() {
  const top = store.views.at(-1)
  if (top === undefined) return closeAll()
  const stamp = JSON.stringify([top.id, top.hash, top.errors, top.trouble, store.views.length])
  if (stamp === shown) return
  const focused = host.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined
  if (shown === '') before = document.activeElement
  const isNew = top.id !== shownId
  shown = stamp
  shownId = top.id
  const dialog = draw(top)
  fill(
    host,
    h('div', { class: 'overlay', onkeydown: (event) => event.key === 'Escape' && void close(false) }, dialog),
  )
  trapFocus(dialog)
  const again =
    focused === undefined || isNew ? null : dialog.querySelector(`[data-focus="${CSS.escape(focused)}"]`)
  if (again) again.focus()
  else focusFirst(dialog)
}

function closeAll() {
  if (shown === '') return
  shown = ''
  shownId = ''
  fill(host)
  before?.focus?.()
}

const close = (all) => doAs('close', { as: store.me, all })

function draw(open) {
  const { view } = open
  const values = typed.get(open.id) ?? typed.set(open.id, new Map()).get(open.id)
  const submit = async (event) => {
    event.preventDefault()
    const button = event.currentTarget.querySelector('.submit')
    button?.setAttribute('aria-busy', 'true')
    await doAs('submit', { as: store.me, choices: Object.fromEntries(values) })
    button?.removeAttribute('aria-busy')
  }
  const isNested = store.views.length > 1
  return h(
    'form',
    {
      class: 'dialog',
      role: 'dialog',
      'aria-modal': 'true',
      'aria-labelledby': 'dialog-title',
      novalidate: true,
      onsubmit: submit,
    },
    h(
      'header',
      { class: 'dialog-head' },
      isNested &&
        h(
          'button',
          { type: 'button', class: 'tool', 'aria-label': 'Back', onclick: () => void close(false) },
          icon('back'),
        ),
      h('span', { class: 'dialog-picture' }, appPicture()),
      h('h2', { id: 'dialog-title' }, plain(view.title.text)),
      h(
        'button',
        { type: 'button', class: 'tool', 'aria-label': 'Close', onclick: () => void close(true) },
        icon('close'),
      ),
    ),
    open.trouble && h('p', { class: 'trouble', role: 'alert' }, open.trouble),
    h('div', { class: 'dialog-body' }, blocks(view.blocks, surface(open, values))),
    foot(view),
  )
}

function foot(view) {
  if (!view.submit && !view.close) return null
  return h(
    'footer',
    { class: 'dialog-foot' },
    h(
      'button',
      { type: 'button', class: 'button', onclick: () => void close(false) },
      plain(view.close?.text ?? 'Cancel'),
    ),
    view.submit &&
      h(
        'button',
        { type: 'submit', class: 'button button-primary submit' },
        h('span', { class: 'button-text' }, plain(view.submit.text)),
      ),
  )
}

function surface(open, values) {
  const place = (blockId, element) => `${blockId}/${element.action_id}`
  const where = { as: store.me, viewId: open.id }
  return {
    key: open.id,
    redraw: () => (shown = ''),
    error: (blockId) => open.errors[blockId],
    value: (blockId, element) => values.get(place(blockId, element)),
    hold: (blockId, element, value) => values.set(place(blockId, element), value),
    act: (element, blockId, choice) =>
      doAs('click', {
        ...where,
        find: finder(element, blockId),
        choice,
        choices: Object.fromEntries(values),
      }),
    suggest: async (element, blockId, text) =>
      (await doAs('suggest', { ...where, find: finder(element, blockId), typed: text })).options ?? [],
  }
}
