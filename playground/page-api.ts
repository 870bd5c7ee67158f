/** What the browser page asks for: one stream of changes per person, and the person's deeds. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { actor, clickInMessage, openHome, suggest, typeCommand, useShortcut } from './acting.ts'
import { clickInView, closeView, submit } from './dialogs.ts'
import type { Choices, Finder } from './acting.ts'
import { readArgs } from './args.ts'
import type { House } from './house.ts'
import type { Change, Message } from './model.ts'
import { app, slackbot, team } from './people.ts'
import type { Json } from './validate/rules.ts'

interface Visit {
  request: IncomingMessage
  response: ServerResponse
  url: URL
}

export async function answerPage(path: string, visit: Visit, house: House): Promise<void> {
  if (path === 'events') return stream(visit, house)
  const deed = deeds[path]
  if (deed === undefined || visit.request.method !== 'POST')
    return json(visit.response, 404, { error: 'unknown' })
  if (!isOurs(visit.request, house)) return json(visit.response, 403, { error: 'foreign origin' })
  const { args } = await readArgs(visit.request)
  try {
    json(visit.response, 200, (await deed(args as unknown as Deed, house)) ?? {})
  } catch (error) {
    json(visit.response, 400, { error: (error as Error).message })
  }
}

/** Other sites open in the same browser must not act here. */
function isOurs(request: IncomingMessage, house: House): boolean {
  const { origin } = request.headers
  return (
    request.headers['content-type'] === 'application/json' &&
    (origin === undefined || new URL(origin).host === request.headers.host || origin === house.url)
  )
}

interface Deed {
  as: string
  channel: string
  text: string
  threadTs?: string
  ts: string
  viewId?: string
  find: Finder
  choice?: unknown
  choices?: Choices
  typed: string
  all?: boolean
  callbackId: string
}

const deeds: Record<string, (deed: Deed, house: House) => unknown> = {
  say: say,
  click: (deed, house) =>
    deed.ts === undefined
      ? clickInView({ ...deed, user: deed.as }, house)
      : clickInMessage({ ...deed, user: deed.as, message: messageAt(deed, house) }, house),
  submit: (deed, house) => submit({ user: deed.as, choices: deed.choices ?? {} }, house),
  close: (deed, house) => closeView({ ...deed, user: deed.as }, house),
  home: (deed, house) => openHome(deed.as, house),
  shortcut: (deed, house) =>
    useShortcut(
      {
        user: deed.as,
        callbackId: deed.callbackId,
        ...(deed.ts === undefined ? {} : { message: messageAt(deed, house) }),
      },
      house,
    ),
  suggest: async (deed, house) => ({
    options: await suggest(
      { ...deed, user: deed.as, ...(deed.ts === undefined ? {} : { message: messageAt(deed, house) }) },
      house,
    ),
  }),
  dismiss,
}

async function say(deed: Deed, house: House): Promise<unknown> {
  if (deed.text.trim() === '') return {}
  if (deed.text.trimStart().startsWith('/'))
    return { trouble: await typeCommand({ ...deed, user: deed.as }, house) }
  const thread = deed.threadTs === undefined ? {} : { threadTs: deed.threadTs }
  const text = deed.text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return {
    ts: house.workspace.post({ channel: deed.channel, user: actor(house, deed.as).id, text, ...thread }).ts,
  }
}

/** Only what nobody else sees can be put away. */
function dismiss(deed: Deed, house: House): void {
  const message = messageAt(deed, house)
  if (message.onlyFor === actor(house, deed.as).id) house.workspace.remove(message)
}

function messageAt(deed: Deed, house: House): Message {
  const message = house.workspace.find(deed.channel, deed.ts)
  if (message === undefined) throw new Error('the message is gone')
  return message
}

/** First everything the person may see, then each change. */
function stream(visit: Visit, house: House): void {
  const { id } = actor(house, visit.url.searchParams.get('as') ?? '')
  const { response, request } = visit
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const tell = (event: unknown): void => void response.write(`data: ${JSON.stringify(event)}\n\n`)
  tell({ kind: 'snapshot', ...snapshot(id, house) })
  const stop = house.workspace.listen((change) => {
    const shown = visibleChange(change, id, house)
    if (shown !== null) tell(shown)
  })
  const alive = setInterval(() => response.write(': alive\n\n'), 15_000)
  alive.unref()
  request.on('close', () => {
    stop()
    clearInterval(alive)
  })
}

function snapshot(id: string, house: House): Json {
  const { workspace, settings } = house
  const channels = workspace.channels.filter((one) => one.members.includes(id))
  return {
    me: id,
    team,
    app,
    slackbot,
    people: workspace.people,
    groups: workspace.groups,
    channels,
    commands: settings.commands,
    shortcuts: settings.shortcuts,
    connected: house.socket.connections > 0 || house.gateway.requestUrl !== null,
    messages: channels
      .flatMap((one) => workspace.list(one.id))
      .filter((one) => one.onlyFor === undefined || one.onlyFor === id)
      .map(shownMessage),
    views: workspace.stack(id),
    home: workspace.homes.get(id)?.view ?? null,
  }
}

function visibleChange(change: Change, id: string, house: House): unknown {
  switch (change.kind) {
    case 'message': {
      const { message } = change
      if (message.onlyFor !== undefined && message.onlyFor !== id) return null
      const channel = house.workspace.channel(message.channel)
      return channel?.members.includes(id) === true
        ? { kind: 'message', message: shownMessage(message), channel }
        : null
    }
    case 'gone':
      return change.onlyFor === undefined || change.onlyFor === id ? change : null
    case 'views':
    case 'home':
      return change.user === id ? change : null
    case 'connection':
      return change
    default:
      return null
  }
}

const previewBytes = 4000

/** Files travel as their name, size and beginning. */
function shownMessage(message: Message): Json {
  const { files, ...rest } = message
  if (files === undefined) return rest
  const shown = files.map(({ id, name, title, bytes }) => ({
    id,
    name,
    title,
    size: bytes.length,
    preview: bytes.subarray(0, previewBytes).toString(),
  }))
  return { ...rest, files: shown }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
