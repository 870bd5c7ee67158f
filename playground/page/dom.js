/** Builds elements. Texts become text nodes, never markup: this file is why nothing a message says can become a script. */

const svgNames = new Set([
  'svg',
  'path',
  'circle',
  'rect',
  'g',
  'line',
  'polyline',
  'polygon',
  'text',
  'ellipse',
  'title',
])

export function h(name, props = {}, ...children) {
  const isSvg = svgNames.has(name)
  const element = isSvg
    ? document.createElementNS('http://www.w3.org/2000/svg', name)
    : document.createElement(name)
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value)
    else if (key === 'value' || key === 'checked' || key === 'selected' || key === 'disabled')
      element[key] = value
    else element.setAttribute(key, value === true ? '' : String(value))
  }
  element.append(...flat(children))
  return element
}

function flat(children) {
  return children
    .flat(Infinity)
    .filter((one) => one !== null && one !== undefined && one !== false && one !== '')
}

/** Makes these the children of a parent, touching only what differs, and keeps the focus where it was, by `data-focus`. */
export function fill(parent, ...children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined
  const next = flat(children).map((one) => (typeof one === 'string' ? document.createTextNode(one) : one))
  const kept = new Set(next)
  let at = parent.firstChild
  for (const node of next) {
    while (at !== null && !kept.has(at)) at = removed(at)
    if (at === node) at = at.nextSibling
    else parent.insertBefore(node, at)
  }
  while (at !== null) at = removed(at)
  if (focused !== undefined && !parent.contains(document.activeElement)) {
    parent.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true })
  }
}

function removed(node) {
  const next = node.nextSibling
  node.remove()
  return next
}

const stamps = new WeakMap()

/** As fill, but only when the facts that are drawn changed. */
export function fillWhen(parent, facts, build) {
  const stamp = JSON.stringify(facts)
  if (stamps.get(parent) === stamp) return
  stamps.set(parent, stamp)
  fill(parent, build())
}

export function safeUrl(url) {
  return /^(https?|mailto|slack):/i.test(url) ? url : undefined
}

/** Only addresses on this machine open here; everything else in a new tab that knows nothing of this one. */
export function link(url, ...children) {
  const href = safeUrl(String(url))
  if (href === undefined) return h('span', {}, ...children)
  return h('a', { href, target: '_blank', rel: 'noopener noreferrer', class: 'link' }, ...children)
}
