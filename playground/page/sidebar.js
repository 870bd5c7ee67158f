import { h } from './dom.js'
import { appPicture, personPicture } from './icons.js'
import { become, go, personOf, store } from './store.js'

const kinds = { owner: 'workspace owner', admin: 'admin', member: '', guest: 'guest' }

/** Workspace, person, channels, the app. */
export function sidebar() {
  const rooms = store.channels.filter((one) => !one.im)
  return [
    h(
      'div',
      { class: 'workspace' },
      h('h1', {}, store.team.name),
      h('span', { class: 'practice' }, 'playground'),
    ),
    switcher(),
    h(
      'nav',
      { 'aria-label': 'Channels' },
      h('h2', { class: 'group-title' }, 'Channels'),
      h(
        'ul',
        {},
        rooms.map((one) => h('li', {}, room(one))),
      ),
      h('h2', { class: 'group-title' }, 'Apps'),
      h('ul', {}, h('li', {}, appRow())),
    ),
  ]
}

function switcher() {
  const me = personOf(store.me) ?? { id: '', name: '' }
  const people = store.people.filter((one) => kinds[one.kind] !== undefined)
  const change = ({ currentTarget }) => become(currentTarget.value)
  return h(
    'label',
    { class: 'switcher' },
    personPicture(me),
    h(
      'span',
      { class: 'switcher-words' },
      h('small', {}, 'You are'),
      h('b', {}, me.name),
      h('small', {}, kinds[me.kind] || me.title),
    ),
    h('span', { class: 'switcher-mark', 'aria-hidden': 'true' }, '⌄'),
    h(
      'select',
      { 'aria-label': 'You are', 'data-focus': 'switcher', onchange: change },
      people.map((one) =>
        h(
          'option',
          { value: one.id, selected: one.id === store.me },
          kinds[one.kind] ? `${one.name} (${kinds[one.kind]})` : one.name,
        ),
      ),
    ),
  )
}

function room(channel) {
  const isHere = store.place.tab === 'channel' && store.place.channel === channel.id
  const unread = store.unread.get(channel.id) ?? 0
  const open = () => go({ tab: 'channel', channel: channel.id })
  return h(
    'button',
    {
      type: 'button',
      class: `row ${isHere ? 'here' : ''} ${unread > 0 ? 'unread' : ''}`,
      'aria-current': isHere ? 'page' : undefined,
      'data-focus': channel.id,
      onclick: open,
    },
    h('span', { class: 'hash', 'aria-hidden': 'true' }, channel.isPrivate ? '🔒' : '#'),
    h('span', { class: 'row-name' }, channel.name),
    unread > 0 && h('span', { class: 'count', 'aria-label': `${unread} new` }, unread),
  )
}

function appRow() {
  const isHere = store.place.tab === 'home'
  const unread = store.channels
    .filter((one) => one.im)
    .reduce((sum, one) => sum + (store.unread.get(one.id) ?? 0), 0)
  return h(
    'button',
    {
      type: 'button',
      class: `row ${isHere ? 'here' : ''} ${unread > 0 ? 'unread' : ''}`,
      'aria-current': isHere ? 'page' : undefined,
      'data-focus': 'app',
      onclick: () => go({ tab: 'home' }),
    },
    h(
      'span',
      { class: 'row-picture' },
      appPicture(),
      h('span', {
        class: store.connected ? 'dot on' : 'dot',
        title: store.connected ? 'connected' : 'not connected',
      }),
    ),
    h('span', { class: 'row-name' }, store.app.name),
    unread > 0 && h('span', { class: 'count' }, unread),
  )
}
