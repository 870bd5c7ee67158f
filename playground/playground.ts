/** The playground as tests hold it: people act through it, and everything that happened can be read. */
import { actor, clickInMessage, suggest, typeCommand, useShortcut } from './acting.ts'
import type { Choices, Finder, Trouble } from './acting.ts'
import { clickInView, closeView, submit } from './dialogs.ts'
import { eventPayload } from './payloads.ts'
import type { House } from './house.ts'
import { postDue } from './methods/chat.ts'
import type { Misbehaviour } from './misbehaviour.ts'
import type { Ack, Call, Message, OpenView, ScheduledMessage, ThreadedMessage } from './model.ts'
import { home, seeing, until } from './seeing.ts'
import type { Seen } from './seeing.ts'
import type { Json } from './validate/rules.ts'

export interface ClickOptions {
  /** The option's value, the user's id, the date, the typed text: what was chosen in a menu or picker. For a button: which one, by its value. */
  value?: unknown
  blockId?: string
  /** What the other inputs of the message or dialog hold. */
  choices?: Choices
}

export interface Playground {
  /** The page. */
  url: string
  /** What `slackApiUrl` takes. */
  apiUrl: string
  tokens: { bot: string; app: string; signingSecret: string }
  close(): Promise<void>

  /** Types a slash command; resolves with what the person then sees. `user` is a handle or an id, here and below.
   * @param options.silent  no answer is expected: none is waited for */
  command(
    user: string,
    channel: string,
    text: string,
    options?: { threadTs?: string; silent?: boolean },
  ): Promise<Seen>
  /** Uses a button, menu or picker of a message, of a dialog, or (with `'home'`) of the app's home. */
  click(
    user: string,
    where: Message | OpenView | 'home',
    actionId: string,
    options?: ClickOptions & { silent?: boolean },
  ): Promise<Seen>
  /** Submits the topmost dialog with these values, by block id or action id. */
  submitView(user: string, choices?: Choices): Promise<Seen>
  closeView(user: string): Promise<Seen>
  /** Opens the app's home tab; resolves when the app published it. */
  openHome(user: string): Promise<Json | null>
  shortcut(user: string, callbackId: string, message?: Message): Promise<Seen>
  /** The options an `external_select` offers for what was typed. */
  suggest(user: string, where: Message | OpenView, actionId: string, typed: string): Promise<Json[]>
  /** A person writes a message, or a reply. */
  say(user: string, channel: string, text: string, threadTs?: string): Message
  /** Sends any event to the app, e.g. `{type: 'subteam_members_changed', …}`. */
  event(event: Json): Promise<void>

  messages(channel: string): ThreadedMessage[]
  ephemerals(user: string): Message[]
  openViews(user: string): OpenView[]
  home(user: string): Json | null
  scheduled(): ScheduledMessage[]
  /** Every call in order of its end; with a method, only those. */
  transcript(method?: string): Call[]
  acks(): Ack[]
  deleteMessage(message: Message): void

  misbehave(one: Misbehaviour): void
  behave(): void
  /** Cuts sockets without a word; all of them when no number is given. */
  dropSockets(count?: number): void
  /** Asks the app to reconnect, as Slack does now and then. */
  refreshSockets(reason?: 'warning' | 'refresh_requested'): void
  connections(): number
  /** Switches to signed HTTP requests, or with null back to Socket Mode. */
  deliverTo(requestUrl: string | null): void
  rateLimits(on: boolean): void
  /** The most calls of a Web API method that were granted in any minute; of posts, in one channel. */
  busiestMinute(method: string): number
  setGroup(id: string, members: string[]): void
  /** Posts the scheduled messages that are due by the clock. */
  tick(): void
  /** Resolves once the condition holds; it is looked at after every change.
   * @throws Error naming `what` after `timeoutMs` (30 000) */
  until(condition: () => boolean, options?: { what?: string; timeoutMs?: number }): Promise<void>
}

export function people(house: House, close: () => Promise<void>): Playground {
  const { workspace, misbehaviours, socket, gateway } = house
  return {
    url: house.url,
    apiUrl: `${house.url}/api/`,
    tokens: house.settings.tokens,
    close,
    command: (user, channel, text, { silent = false, ...options } = {}) =>
      seeing(house, { user, channel, silent }, (id) =>
        typeCommand({ user: id, channel, text, ...options }, house),
      ),
    click: (user, where, actionId, { silent = false, ...options } = {}) =>
      seeing(house, { user, silent, ...placeOf(where) }, (id) =>
        click(house, { user: id, where, actionId, options }),
      ),
    submitView: (user, choices = {}) => seeing(house, { user }, (id) => submit({ user: id, choices }, house)),
    closeView: (user) => seeing(house, { user, silent: true }, (id) => closeView({ user: id }, house)),
    openHome: (user) => home(house, user),
    shortcut: (user, callbackId, message) =>
      seeing(house, { user }, (id) =>
        useShortcut({ user: id, callbackId, ...(message === undefined ? {} : { message }) }, house),
      ),
    suggest: (user, where, actionId, typed) =>
      suggest(
        { user, find: { actionId }, typed, ...('view' in where ? { viewId: where.id } : { message: where }) },
        house,
      ),
    say: (user, channel, text, threadTs) =>
      workspace.post({
        user: actor(house, user).id,
        channel,
        text,
        ...(threadTs === undefined ? {} : { threadTs }),
      }),
    event: (event) =>
      gateway.deliverEvent({
        type: 'events_api',
        subject: String(event['type']),
        payload: eventPayload({ event_ts: workspace.nextTs(), ...event }, house),
      }),
    messages: (channel) => workspace.threads(channel),
    ephemerals: (user) => workspace.ephemerals(actor(house, user).id),
    openViews: (user) => workspace.stack(actor(house, user).id),
    home: (user) => workspace.homes.get(actor(house, user).id)?.view ?? null,
    scheduled: () => [...workspace.scheduled],
    transcript: (method) => workspace.calls.filter((call) => method === undefined || call.method === method),
    acks: () => [...workspace.acks],
    deleteMessage: (message) => {
      const found = workspace.find(message.channel, message.ts)
      if (found !== undefined) workspace.remove(found)
    },
    misbehave: (one) => misbehaviours.add(one),
    behave: () => misbehaviours.clear(),
    dropSockets: (count) => socket.drop(count),
    refreshSockets: (reason = 'refresh_requested') => socket.refresh(reason),
    connections: () => socket.connections,
    deliverTo: (requestUrl) => void (gateway.requestUrl = requestUrl),
    rateLimits: (on) => void (house.limiter.enabled = on),
    busiestMinute: (method) => house.limiter.busiestMinute(method),
    setGroup: (id, members) =>
      void Object.assign(workspace.groups.find((one) => one.id === id) ?? {}, { members }),
    tick: () => postDue(house),
    until: (condition, options) => until(house, condition, options),
  }
}

function placeOf(where: Message | OpenView | 'home'): { channel?: string } {
  return typeof where === 'object' && 'channel' in where ? { channel: where.channel } : {}
}

interface Click {
  user: string
  where: Message | OpenView | 'home'
  actionId: string
  options: ClickOptions
}

function click(house: House, { user, where, actionId, options }: Click): Promise<Trouble> {
  if (where === undefined) throw new Error(`there is no message or dialog to use ${actionId} in`)
  const { value, blockId, choices } = options
  const find: Finder = { actionId, ...(blockId === undefined ? {} : { blockId }) }
  if (typeof value === 'string') find.value = value
  const given = {
    user,
    find,
    ...(value === undefined ? {} : { choice: value }),
    ...(choices === undefined ? {} : { choices }),
  }
  if (where === 'home') return clickInView(given, house)
  return 'view' in where
    ? clickInView({ ...given, viewId: where.id }, house)
    : clickInMessage({ ...given, message: where }, house)
}
