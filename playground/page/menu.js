import { fill, h } from './dom.js'

/** A small menu under what opened it: arrows move, Escape and a click elsewhere close. */
export function openMenu(opener, items) {
  const layer = document.getElementById('layer')
  const close = () => {
    fill(layer)
    removeEventListener('keydown', onKey, true)
    removeEventListener('mousedown', onMouse, true)
    opener.focus()
  }
  const entries = items.map((item) =>
    h(
      'button',
      { type: 'button', role: 'menuitem', class: 'menu-item', onclick: () => (close(), void item.act()) },
      h('span', {}, item.label),
      item.description && h('small', {}, item.description),
    ),
  )
  const menu = h('div', { class: 'menu', role: 'menu' }, entries)
  const onMouse = (event) => menu.contains(event.target) || close()
  const onKey = (event) => {
    const index = entries.indexOf(document.activeElement)
    if (event.key === 'Escape' || event.key === 'Tab') return close()
    if (event.key === 'ArrowDown') entries[(index + 1) % entries.length].focus()
    else if (event.key === 'ArrowUp') entries[(index - 1 + entries.length) % entries.length].focus()
    else return
    event.preventDefault()
  }
  fill(layer, menu)
  place(menu, opener)
  entries[0]?.focus()
  addEventListener('keydown', onKey, true)
  addEventListener('mousedown', onMouse, true)
}

function place(menu, opener) {
  const at = opener.getBoundingClientRect()
  const { width, height } = menu.getBoundingClientRect()
  const below = at.bottom + 6 + height < innerHeight
  menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`
  menu.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - height - 6)}px`
}
