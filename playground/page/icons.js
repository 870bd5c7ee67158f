import { h } from './dom.js'

const paths = {
  reply:
    'M3.5 10a6.5 6.5 0 1 1 3.2 5.6L3.6 16.5l.9-2.7A6.4 6.4 0 0 1 3.5 10zM7.5 10h.01M10 10h.01M12.5 10h.01',
  more: 'M10 4.5v.01M10 10v.01M10 15.5v.01',
  link: 'M8.4 11.6a2.8 2.8 0 0 1 0-4L11 5a2.8 2.8 0 0 1 4 4l-1.4 1.4M11.6 8.4a2.8 2.8 0 0 1 0 4L9 15a2.8 2.8 0 0 1-4-4l1.4-1.4',
  close: 'M5 5l10 10M15 5L5 15',
  back: 'M12 4.5L6.5 10l5.5 5.5',
  send: 'M3.5 16.5L17 10 3.5 3.5 5.5 9l6 1-6 1z',
  menu: 'M3.5 5.5h13M3.5 10h13M3.5 14.5h13',
  eye: 'M2.5 10s2.7-4.8 7.5-4.8 7.5 4.8 7.5 4.8-2.7 4.8-7.5 4.8S2.5 10 2.5 10zM10 12.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z',
  file: 'M6 2.5h5.5L15.5 6.5v11h-9.5zM11.5 2.5v4h4',
  home: 'M3.5 9.5L10 3.5l6.5 6v7h-4.2v-4.3H7.7v4.3H3.5z',
  bell: 'M10 3a4.5 4.5 0 0 1 4.5 4.5v3l1.5 3H4l1.5-3v-3A4.5 4.5 0 0 1 10 3zM8.3 16a1.8 1.8 0 0 0 3.4 0',
  bolt: 'M11.2 2.5L4.5 11.2h4.6l-.8 6.3 7.2-9.4h-4.8z',
  trash: 'M4.5 6h11M8 6V4h4v2M6 6l.7 10.5h6.6L14 6',
}

export function icon(name) {
  return h(
    'svg',
    { viewBox: '0 0 20 20', class: 'icon', 'aria-hidden': 'true' },
    h('path', {
      d: paths[name],
      fill: name === 'send' ? 'currentColor' : 'none',
      stroke: 'currentColor',
      'stroke-width': name === 'more' ? 2.6 : 1.6,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
    }),
  )
}

/** The app's own picture: a stack of discs with a tick. */
export function appPicture() {
  return h(
    'svg',
    { viewBox: '0 0 36 36', class: 'picture', 'aria-hidden': 'true' },
    h('rect', { width: 36, height: 36, rx: 8, fill: '#12344d' }),
    h('path', {
      d: 'M8 12v12c0 2.2 4 4 9 4 1 0 2-.1 3-.2',
      fill: 'none',
      stroke: '#7fd1e8',
      'stroke-width': 2.2,
      'stroke-linecap': 'round',
    }),
    h('path', {
      d: 'M8 18c0 2.2 4 4 9 4M26 12v4.5',
      fill: 'none',
      stroke: '#7fd1e8',
      'stroke-width': 2.2,
      'stroke-linecap': 'round',
    }),
    h('ellipse', { cx: 17, cy: 12, rx: 9, ry: 4, fill: '#7fd1e8' }),
    h('circle', { cx: 26, cy: 24.5, r: 6.5, fill: '#2fb171', stroke: '#12344d', 'stroke-width': 2 }),
    h('path', {
      d: 'M23.2 24.7l2 2 3.7-4.1',
      fill: 'none',
      stroke: '#fff',
      'stroke-width': 1.9,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
    }),
  )
}

const colours = [
  ['#5b8def', '#3a5fcd'],
  ['#e0779b', '#b8456f'],
  ['#4fb39a', '#2b8470'],
  ['#e09a4f', '#c06f1f'],
  ['#9a7be0', '#6c4bbd'],
  ['#7a8699', '#566173'],
]

export function personPicture(person) {
  const initials = person.name
    .split(/\s+/)
    .map((one) => one[0])
    .slice(0, 2)
    .join('')
    .toUpperCase()
  const nth = [...person.id].reduce((sum, one) => sum + one.charCodeAt(0), 0) % colours.length
  const [light, dark] = colours[nth]
  return h(
    'span',
    {
      class: 'picture initials',
      style: `background:linear-gradient(145deg,${light},${dark})`,
      'aria-hidden': 'true',
    },
    initials,
  )
}

export function slackbotPicture() {
  return h(
    'svg',
    { viewBox: '0 0 36 36', class: 'picture', 'aria-hidden': 'true' },
    h('rect', { width: 36, height: 36, rx: 8, fill: '#f3f0f5' }),
    h('circle', { cx: 18, cy: 18, r: 11, fill: '#6b4a75' }),
    h('circle', { cx: 14, cy: 16.5, r: 1.8, fill: '#fff' }),
    h('circle', { cx: 22, cy: 16.5, r: 1.8, fill: '#fff' }),
    h('path', {
      d: 'M13 21.5c1.3 1.6 3 2.4 5 2.4s3.7-.8 5-2.4',
      fill: 'none',
      stroke: '#fff',
      'stroke-width': 1.8,
      'stroke-linecap': 'round',
    }),
  )
}
