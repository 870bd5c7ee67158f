/** What the page knows, and what it shows; everybody who draws reads from here. */
import { listen } from './net.js'

const defaultPerson = 'alice'

export const store = {
  ready: false,
  me: '',
  people: [],
  groups: [],
  channels: [],
  commands: [],
  shortcuts: [],
  messages: new Map(), // channel -> messages in order
  views: [],
  home: null,
  connected: false,
  team: { name: '' },
  app: { name: '' },
  /** `{tab: 'channel' | 'home', channel, thread}` */
  place: { tab: 'channel', channel: '', thread: null },
  unread: new Map(),
  /** Pages and orders of tables, by message and block. */
  tables: new Map(),
}

const watchers = new Set()
let stop = () => undefined
let drawing = false

export function watch(draw) {
  watchers.add(draw)
}

/** Draws once per frame, however much changed. */
export function changed() {
  if (drawing) return
  drawing = true
  requestAnimationFrame(() => {
    drawing = false
    for (const draw of watchers) draw()
  })
}

export function become(person) {
  stop()
  store.ready = false
  const url = new URL(location.href)
  url.searchParams.set('as', person)
  history.replaceState(null, '', url)
  stop = listen(person, apply, () => {
    store.connected = false
    changed()
  })
}

export function start() {
  become(new URL(location.href).searchParams.get('as') ?? defaultPerson)
  addEventListener('hashchange', readPlace)
}

export function go(place) {
  const thread = place.thread ? `/${place.thread}` : ''
  location.hash =
    place.tab === 'home' ? `#/home${place.messages ? '/messages' : ''}` : `#/${place.channel}${thread}`
}

function readPlace() {
  const archive = /^\/archives\/([\w]+)\/p(\d+)(\d{6})$/.exec(location.pathname)
  const [first, second] = location.hash.slice(2).split('/')
  if (first === 'home')
    store.place = { tab: 'home', messages: second === 'messages', channel: imOf(), thread: null }
  else if (first) store.place = { tab: 'channel', channel: first, thread: second ?? null }
  else if (archive) store.place = fromPermalink(archive)
  else store.place = { tab: 'channel', channel: startChannel(), thread: null }
  if (store.place.tab === 'channel' && !channelOf(store.place.channel)) {
    store.place = { tab: 'channel', channel: startChannel(), thread: null }
  }
  store.unread.delete(store.place.channel)
  changed()
}

function fromPermalink([, channel, seconds, rest]) {
  const thread = new URL(location.href).searchParams.get('thread_ts')
  return { tab: 'channel', channel, thread, highlight: `${seconds}.${rest}` }
}

function startChannel() {
  const named = store.channels.find((one) => one.name === 'backups')
  return (named ?? store.channels.find((one) => !one.im) ?? { id: '' }).id
}

function imOf() {
  return store.channels.find((one) => one.im)?.id ?? ''
}

export const personOf = (id) => store.people.find((one) => one.id === id)
export const channelOf = (id) => store.channels.find((one) => one.id === id)
export const messagesIn = (channel) => store.messages.get(channel) ?? []
export const repliesTo = (channel, ts) => messagesIn(channel).filter((one) => one.threadTs === ts)

function apply(event) {
  if (event.kind === 'snapshot') takeSnapshot(event)
  if (event.kind === 'message') takeMessage(event)
  if (event.kind === 'gone') {
    store.messages.set(
      event.channel,
      messagesIn(event.channel).filter((one) => one.ts !== event.ts),
    )
  }
  if (event.kind === 'views') store.views = event.stack
  if (event.kind === 'home') store.home = event.view
  if (event.kind === 'connection') store.connected = event.connected
  changed()
}

function takeSnapshot({ messages, kind: _kind, ...rest }) {
  Object.assign(store, rest, { ready: true, unread: new Map() })
  store.messages = Map.groupBy(messages, (one) => one.channel)
  readPlace()
}

function takeMessage({ message, channel }) {
  if (!channelOf(channel.id)) store.channels.push(channel)
  const list = messagesIn(message.channel)
  const index = list.findIndex((one) => one.ts === message.ts)
  store.messages.set(message.channel, index < 0 ? [...list, message] : list.with(index, message))
  const isElsewhere = store.place.channel !== message.channel
  if (index < 0 && isElsewhere && message.user !== store.me && (!message.threadTs || message.broadcast)) {
    store.unread.set(message.channel, (store.unread.get(message.channel) ?? 0) + 1)
  }
}
