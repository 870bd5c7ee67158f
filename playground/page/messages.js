/** A list of messages: authors, times, day dividers, blocks, files, thread summaries. */
import { blocks } from './blocks.js'
import { clockTime, dateOf, dayKey, dayName, fullTime } from './dates.js'
import { fill, h } from './dom.js'
import { withEmoji } from './emoji.js'
import { files } from './files.js'
import { appPicture, icon, personPicture, slackbotPicture } from './icons.js'
import { openMenu } from './menu.js'
import { flatText, mrkdwn } from './mrkdwn.js'
import { doAs } from './net.js'
import { channelOf, go, messagesIn, personOf, repliesTo, store } from './store.js'

const drawn = new Map() // message key -> {stamp, node}
const held = new Map() // what was chosen in inputs of messages, by place

const groupWithinMs = 5 * 60_000

/** @param inThread whether the list is a thread: then there are no summaries and no dividers */
export function messageList(list, { inThread = false } = {}) {
  const out = []
  let before = null
  for (const message of list) {
    const date = dateOf(message.ts)
    const isNewDay = !inThread && (before === null || dayKey(dateOf(before.ts)) !== dayKey(date))
    if (isNewDay) out.push(dayDivider(date))
    const isFollowing = !isNewDay && before !== null && follows(before, message)
    out.push(cached(message, { inThread, isFollowing }))
    before = message
  }
  return out
}

function follows(before, message) {
  if (
    before.user !== message.user ||
    before.onlyFor !== message.onlyFor ||
    message.onlyFor ||
    message.broadcast
  )
    return false
  return (
    dateOf(message.ts) - dateOf(before.ts) < groupWithinMs &&
    repliesTo(before.channel, before.ts).length === 0
  )
}

function dayDivider(date) {
  const key = `day ${dayKey(date)}`
  const stamp = dayName(date)
  if (drawn.get(key)?.stamp !== stamp)
    drawn.set(key, { stamp, node: h('div', { class: 'day', role: 'separator' }, h('span', {}, stamp)) })
  return drawn.get(key).node
}

/** A message is drawn again only when something about it changed. */
function cached(message, how) {
  const key = `${how.inThread ? 'thread' : 'channel'} ${message.channel} ${message.ts}`
  const replies = how.inThread ? [] : repliesTo(message.channel, message.ts)
  const isMarked = store.place.highlight === message.ts
  const stamp = JSON.stringify([
    message,
    how.isFollowing,
    replies.map((one) => [one.ts, one.user]),
    isMarked,
    store.me,
  ])
  const known = drawn.get(key)
  if (known?.stamp === stamp) return known.node
  const node = draw(message, { ...how, replies, isMarked, redraw: () => drawn.delete(key) })
  drawn.set(key, { stamp, node })
  if (known) keepFocus(known.node, node)
  return node
}

function keepFocus(from, to) {
  const focus = from.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined
  if (focus !== undefined)
    requestAnimationFrame(() =>
      to.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true }),
    )
}

function draw(message, { inThread, isFollowing, replies, isMarked, redraw }) {
  const date = dateOf(message.ts)
  const author = authorOf(message)
  const isPrivate = message.onlyFor !== undefined
  const classes = [
    'message',
    isFollowing && 'following',
    isPrivate && 'private',
    isMarked && 'marked',
    message.deleted && 'deleted',
  ]
    .filter(Boolean)
    .join(' ')
  return h(
    'article',
    {
      class: classes,
      'data-ts': message.ts,
      'aria-label': `${author.name}, ${clockTime(date)}`,
      tabindex: -1,
    },
    isPrivate && h('div', { class: 'only-you' }, icon('eye'), 'Only visible to you'),
    message.broadcast && !inThread && repliedTo(message),
    h(
      'div',
      { class: 'gutter' },
      isFollowing
        ? h('time', { class: 'side-time', title: fullTime(date) }, clockTime(date))
        : author.picture(),
    ),
    h(
      'div',
      { class: 'body' },
      !isFollowing &&
        h(
          'div',
          { class: 'byline' },
          h('span', { class: 'author' }, author.name),
          author.badge && h('span', { class: 'badge' }, author.badge),
          h('time', { class: 'time', title: fullTime(date) }, clockTime(date)),
        ),
      h('div', { class: 'content' }, content(message, redraw)),
      message.files && files(message.files),
      replies.length > 0 && summary(message, replies),
      message.broadcast &&
        inThread &&
        h('div', { class: 'also-sent' }, `Also sent to #${channelOf(message.channel)?.name}`),
    ),
    toolbar(message, inThread),
  )
}

export function authorOf(message) {
  if (message.from === 'slackbot') return { name: store.slackbot.name, picture: slackbotPicture }
  if (message.bot) return { name: store.app.name, badge: 'APP', picture: appPicture }
  const person = personOf(message.user) ?? { id: message.user, name: message.user }
  return { name: person.name, picture: () => personPicture(person) }
}

function content(message, redraw) {
  if (message.blocks.length === 0) return h('div', { class: 'text' }, mrkdwn(message.text))
  return blocks(message.blocks, surfaceOf(message, redraw))
}

function surfaceOf(message, redraw) {
  const key = `${message.channel}/${message.ts}`
  const place = (blockId, element) => `${key}/${blockId}/${element.action_id}`
  const where = { channel: message.channel, ts: message.ts }
  return {
    key,
    redraw,
    error: () => undefined,
    value: (blockId, element) => held.get(place(blockId, element)),
    hold: (blockId, element, value) => held.set(place(blockId, element), value),
    act: (element, blockId, choice) =>
      doAs('click', {
        as: store.me,
        ...where,
        find: finder(element, blockId),
        choice,
        choices: choices(key),
      }),
    suggest: async (element, blockId, typed) =>
      (await doAs('suggest', { as: store.me, ...where, find: finder(element, blockId), typed })).options ??
      [],
  }
}

export function finder(element, blockId) {
  const value = element.type === 'button' && element.value !== undefined ? { value: element.value } : {}
  return { actionId: element.action_id, blockId, ...value }
}

function choices(key) {
  const mine = [...held].filter(([place]) => place.startsWith(`${key}/`))
  return Object.fromEntries(mine.map(([place, value]) => [place.slice(key.length + 1), value]))
}

function repliedTo(message) {
  const parent = messagesIn(message.channel).find((one) => one.ts === message.threadTs)
  const words = parent ? withEmoji(flatText(parent.text).slice(0, 90)) : 'a thread'
  const open = () => go({ tab: 'channel', channel: message.channel, thread: message.threadTs })
  return h(
    'div',
    { class: 'replied' },
    'replied to a thread: ',
    h('button', { type: 'button', class: 'as-link', onclick: open }, words),
  )
}

function summary(message, replies) {
  const last = dateOf(replies.at(-1).ts)
  const faces = [...new Map(replies.map((one) => [one.user, one])).values()]
    .slice(0, 3)
    .map((one) => authorOf(one).picture())
  const open = () => go({ tab: 'channel', channel: message.channel, thread: message.ts })
  return h(
    'button',
    { type: 'button', class: 'summary', 'data-focus': `thread-${message.ts}`, onclick: open },
    h('span', { class: 'faces' }, faces),
    h('span', { class: 'summary-count' }, replies.length === 1 ? '1 reply' : `${replies.length} replies`),
    h(
      'span',
      { class: 'summary-last' },
      ` · last reply ${dayName(last).toLowerCase()} at ${clockTime(last)}`,
    ),
    h('span', { class: 'summary-open' }, 'View thread'),
  )
}

function toolbar(message, inThread) {
  const tool = (label, name, act) =>
    h(
      'button',
      { type: 'button', class: 'tool', 'aria-label': label, title: label, onclick: act },
      icon(name),
    )
  const own = { as: store.me, channel: message.channel, ts: message.ts }
  if (message.onlyFor)
    return h(
      'div',
      { class: 'toolbar' },
      tool('Dismiss message', 'close', () => void doAs('dismiss', own)),
    )
  const offered = store.shortcuts.filter((one) => one.on === 'message')
  const items = offered.map((one) => ({
    label: one.name,
    description: store.app.name,
    act: () => doAs('shortcut', { ...own, callbackId: one.callbackId }),
  }))
  const thread = message.threadTs ?? message.ts
  return h(
    'div',
    { class: 'toolbar', role: 'group', 'aria-label': 'Message actions' },
    !inThread &&
      tool('Reply in thread', 'reply', () => go({ tab: 'channel', channel: message.channel, thread })),
    tool(
      'Copy link',
      'link',
      () =>
        void navigator.clipboard?.writeText(
          `${location.origin}/archives/${message.channel}/p${message.ts.replace('.', '')}`,
        ),
    ),
    items.length > 0 && tool('More actions', 'more', (event) => openMenu(event.currentTarget, items)),
  )
}

/** Puts a list into its scrolling parent; stays at the end when it was there. */
export function scrolled(parent, nodes) {
  const atEnd = parent.scrollHeight - parent.scrollTop - parent.clientHeight < 80
  fill(parent, nodes)
  if (atEnd) parent.scrollTop = parent.scrollHeight
}
