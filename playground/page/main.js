import { composer } from './composer.js'
import { drawDialogs } from './dialogs.js'
import { fill, fillWhen, h } from './dom.js'
import { homeTab, homeTabs, tellHomeOpened } from './home.js'
import { appPicture, icon } from './icons.js'
import { messageList, scrolled } from './messages.js'
import { sidebar } from './sidebar.js'
import { channelOf, go, messagesIn, start, store, watch } from './store.js'

const side = h('aside', { class: 'sidebar', id: 'sidebar' })
const head = h('header', { class: 'main-head' })
const scroll = h('div', { class: 'scroll', role: 'log', 'aria-label': 'Messages', tabindex: 0 })
const below = h('div', { class: 'below' })
const main = h('main', { class: 'main' }, head, scroll, below)
const threadScroll = h('div', { class: 'scroll', role: 'log', 'aria-label': 'Thread messages', tabindex: 0 })
const threadHead = h('header', { class: 'main-head' })
const threadBelow = h('div', { class: 'below' })
const thread = h(
  'section',
  { class: 'thread', 'aria-label': 'Thread', hidden: true },
  threadHead,
  threadScroll,
  threadBelow,
)
const frame = h('div', { class: 'frame' }, side, main, thread)

const composers = new Map()

watch(draw)
start()

function draw() {
  if (!store.ready) return
  if (!frame.isConnected) fill(document.getElementById('app'), frame)
  const { me, people, channels, place: here, unread, connected } = store
  fillWhen(side, [me, people, channels, here, [...unread], connected], sidebar)
  drawMain()
  drawThread()
  drawDialogs()
  tellHomeOpened()
}

let place = ''

function drawMain() {
  const { tab, channel, messages } = store.place
  const here = `${store.me} ${tab} ${channel} ${messages}`
  const isNew = here !== place
  place = here
  if (isNew) {
    fill(scroll)
    frame.classList.remove('menu-open')
  }
  const isHome = tab === 'home'
  fillWhen(head, [here, channelOf(channel)], () => [
    menuButton(),
    isHome ? appHead() : channelHead(channelOf(channel)),
  ])
  scroll.classList.toggle('is-home', isHome && !messages)
  if (isHome && !messages) fill(scroll, homeTab())
  else scrolled(scroll, shownIn(channel))
  fill(below, isHome ? messages && offLine() : composerFor(channel))
  if (isNew && matchMedia('(min-width: 721px)').matches) below.querySelector('textarea')?.focus()
  if (isNew) scroll.scrollTop = isHome && !messages ? 0 : scroll.scrollHeight
  document.title = `${isHome ? store.app.name : `#${channelOf(channel)?.name ?? ''}`} · ${store.team.name}`
  if (isNew && store.place.highlight) scroll.querySelector('.marked')?.scrollIntoView({ block: 'center' })
}

function shownIn(channel) {
  const list = messagesIn(channel).filter((one) => !one.threadTs || one.broadcast)
  return [welcome(channelOf(channel)), ...messageList(list)]
}

const welcomes = new Map()

function welcome(channel) {
  if (channel === undefined) return null
  if (!welcomes.has(channel.id)) welcomes.set(channel.id, beginning(channel))
  return welcomes.get(channel.id)
}

function beginning(channel) {
  const name = channel.im ? store.app.name : `#${channel.name}`
  return h(
    'div',
    { class: 'welcome' },
    h('h3', {}, name),
    h(
      'p',
      {},
      channel.im ? 'What the app tells only you.' : `This is the very beginning of the ${name} channel.`,
    ),
  )
}

function menuButton() {
  return h(
    'button',
    {
      type: 'button',
      class: 'tool menu-button',
      'aria-label': 'Channels and apps',
      onclick: () => frame.classList.toggle('menu-open'),
    },
    icon('menu'),
  )
}

function channelHead(channel) {
  if (channel === undefined) return null
  return [
    h('h2', { class: 'title' }, h('span', { class: 'title-hash' }, '#'), channel.name),
    h('span', { class: 'topic' }, channel.topic ?? ''),
    h('span', { class: 'members' }, `${channel.members.length} members`),
  ]
}

function appHead() {
  return [
    h('span', { class: 'title-picture' }, appPicture()),
    h('h2', { class: 'title' }, store.app.name, h('span', { class: 'badge' }, 'APP')),
    homeTabs(),
  ]
}

function offLine() {
  return h('p', { class: 'read-only' }, 'Sending messages to this app has been turned off.')
}

function composerFor(channel, threadTs) {
  const key = `${store.me} ${channel} ${threadTs ?? ''}`
  if (!composers.has(key)) {
    const label = threadTs === undefined ? `Message #${channelOf(channel)?.name ?? ''}` : 'Reply …'
    composers.set(
      key,
      composer(label, () => ({ channel, ...(threadTs === undefined ? {} : { threadTs }) })),
    )
  }
  return composers.get(key)
}

let threadPlace = ''

function drawThread() {
  const { channel, thread: ts } = store.place
  const parent = ts ? messagesIn(channel).find((one) => one.ts === ts) : undefined
  thread.hidden = parent === undefined
  frame.classList.toggle('with-thread', parent !== undefined)
  if (parent === undefined) return void (threadPlace = '')
  const isNew = threadPlace !== ts
  threadPlace = ts
  const replies = messagesIn(channel).filter((one) => one.threadTs === ts)
  const close = () => go({ tab: 'channel', channel })
  fillWhen(threadHead, [channel, ts], () => [
    h('h2', { class: 'title' }, 'Thread'),
    h('span', { class: 'topic' }, `#${channelOf(channel)?.name ?? ''}`),
    h(
      'button',
      { type: 'button', class: 'tool', 'aria-label': 'Close thread', onclick: close },
      icon('close'),
    ),
  ])
  if (isNew) fill(threadScroll)
  scrolled(threadScroll, [
    messageList([parent], { inThread: true }),
    replyCount(replies.length),
    messageList(replies, { inThread: true }),
  ])
  fill(threadBelow, composerFor(channel, ts))
  if (isNew) threadScroll.scrollTop = threadScroll.scrollHeight
}

const counts = new Map()

function replyCount(count) {
  if (count === 0) return null
  const words = count === 1 ? '1 reply' : `${count} replies`
  if (!counts.has(count))
    counts.set(count, h('div', { class: 'reply-count', role: 'separator' }, h('span', {}, words)))
  return counts.get(count)
}
