/** The box at the bottom: text, or a slash command with its hint. */
import { fill, h } from './dom.js'
import { appPicture, icon } from './icons.js'
import { openMenu } from './menu.js'
import { doAs } from './net.js'
import { store } from './store.js'

/** @param place `() => {channel, threadTs?}` at the time of sending */
export function composer(label, place) {
  const hints = h('div', { class: 'hints', role: 'listbox', 'aria-label': 'Commands', hidden: true })
  const send = h(
    'button',
    { type: 'submit', class: 'send', 'aria-label': 'Send now', disabled: true },
    icon('send'),
  )
  const box = h('textarea', {
    rows: 1,
    class: 'composer-text',
    'aria-label': label,
    placeholder: label,
    'data-focus': label,
    autocomplete: 'off',
    spellcheck: 'false',
    oninput: () => look(),
    onkeydown: (event) => onKey(event),
    onblur: () => setTimeout(() => (hints.hidden = true), 150),
    onfocus: () => look(),
  })
  const slash = h(
    'button',
    {
      type: 'button',
      class: 'tool',
      'aria-label': 'Run a command',
      title: 'Run a command',
      onclick: () => insert('/'),
    },
    '/',
  )
  const forEverywhere = store.shortcuts.filter((one) => one.on === 'global')
  const shortcuts = forEverywhere.map((one) => ({
    label: one.name,
    description: store.app.name,
    act: () => doAs('shortcut', { as: store.me, callbackId: one.callbackId }),
  }))
  const bolt = h(
    'button',
    {
      type: 'button',
      class: 'tool',
      'aria-label': 'Shortcuts',
      title: 'Shortcuts',
      onclick: (event) => openMenu(event.currentTarget, shortcuts),
    },
    icon('bolt'),
  )
  const form = h(
    'form',
    { class: 'composer', onsubmit: (event) => (event.preventDefault(), void submit()) },
    hints,
    box,
    h(
      'div',
      { class: 'composer-tools' },
      slash,
      shortcuts.length > 0 && bolt,
      h('span', { class: 'composer-tip' }, 'Enter sends, Shift + Enter starts a new line'),
      send,
    ),
  )

  function insert(text) {
    box.value = text
    box.focus()
    look()
  }
  function look() {
    send.disabled = box.value.trim() === ''
    box.style.height = 'auto'
    box.style.height = `${Math.min(box.scrollHeight, 180)}px`
    const [typed = '', ...rest] = box.value.split(/\s/)
    const offered = box.value.startsWith('/')
      ? store.commands.filter((one) => one.name.startsWith(typed) || (rest.length > 0 && one.name === typed))
      : []
    hints.hidden = offered.length === 0
    fill(
      hints,
      h('div', { class: 'hints-head' }, 'Commands'),
      offered.map((one) => hint(one, insert)),
    )
  }
  function onKey(event) {
    if (event.key === 'Escape') hints.hidden = true
    const isPart = !hints.hidden && !store.commands.some((one) => box.value.split(/\s/)[0] === one.name)
    if (isPart && (event.key === 'Tab' || event.key === 'Enter')) {
      event.preventDefault()
      const typed = box.value
      return insert(`${store.commands.find((one) => one.name.startsWith(typed))?.name ?? typed} `)
    }
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    void submit()
  }
  async function submit() {
    const text = box.value
    if (text.trim() === '') return
    insert('')
    await doAs('say', { as: store.me, text, ...place() })
  }
  return form
}

function hint(command, insert) {
  return h(
    'button',
    {
      type: 'button',
      class: 'hint-row',
      role: 'option',
      onmousedown: (event) => (event.preventDefault(), insert(`${command.name} `)),
    },
    appPicture(),
    h(
      'span',
      { class: 'hint-main' },
      h('span', {}, h('b', {}, command.name), ' ', h('span', { class: 'hint-usage' }, command.usage)),
      h('small', {}, command.description),
    ),
    h('span', { class: 'hint-app' }, store.app.name),
  )
}
