import { App } from '@slack/bolt'
import type { BlockAction, BlockElementAction, Receiver, RespondFn } from '@slack/bolt'
import type { SlackConnection } from '../core/config.ts'
import type { Log } from '../core/log.ts'
import { unpackValue, views } from './actions.ts'
import { recall } from './blocks/restore-dialog.ts'
import { answerClick } from './clicks.ts'
import type { Click } from './clicks.ts'
import { boltClientOptions, quietLogger } from './clients.ts'
import type { Desk } from './desk.ts'
import { publishHome } from './home.ts'
import { tellFault } from './private.ts'
import type { Place } from './private.ts'
import { answerReject, rejectingView } from './reject.ts'
import { answerShortcut, readRunDialog, startingView, startRun } from './shortcuts.ts'
import { fileClone, firstCloneAnswer, readClone } from './clone.ts'
import { answerCommand } from './slash.ts'
import { firstAnswer, planRestore, readSubmission } from './submission.ts'

export interface BoltParts {
  desk: Desk
  connection: SlackConnection
  /** Socket Mode or HTTP. */
  receiver: Receiver
  log: Log
  /** Counts an acknowledgement, in milliseconds since the envelope was here. */
  acked: (ms: number) => void
  /** Work that goes on after an acknowledgement; `stop` waits for it. */
  follow: (work: Promise<void>) => void
}

/** Bolt behind a receiver: every listener acknowledges first, then hands over to the file that knows what to do. */
export function startBolt(parts: BoltParts): void {
  const { connection, receiver, log } = parts
  const clientOptions = boltClientOptions(connection, log)
  const logger = quietLogger(log)
  const authorize = async (): Promise<{ botToken: string }> => ({ botToken: connection.botToken })
  const app = new App({ receiver, authorize, clientOptions, logger, convoStore: false, ignoreSelf: false })
  app.error(async (error) => log.warn('slack handler failed', { error: error.message }))
  commands(app, parts)
  clicks(app, parts)
  dialogs(app, parts)
  home(app, parts)
  groupChanges(app, parts)
  others(app, parts)
}

function commands(app: App, { desk, acked, follow }: BoltParts): void {
  app.command(/.*/, async ({ ack, command, respond }) => {
    await measured(desk, acked, ack)
    const place = { user: command.user_id, channel: command.channel_id, threadTs: null, respond }
    const typed = { text: command.text, trigger: command.trigger_id, place }
    follow(once(desk, { key: `command/${command.trigger_id}`, place }, () => answerCommand(desk, typed)))
  })
}

function clicks(app: App, { desk, acked, follow }: BoltParts): void {
  app.action<BlockAction>(
    { type: 'block_actions', action_id: /.*/ },
    async ({ ack, body, action, respond }) => {
      await measured(desk, acked, ack)
      const click = readClick(body, action, respond)
      const where = body.container?.['message_ts'] ?? body.container?.['view_id']
      const key = ['click', where, action.action_id, body.user.id, action.action_ts].join('/')
      follow(once(desk, { key, place: click.place }, () => answerClick(desk, click)))
    },
  )
}

function readClick(body: BlockAction, action: BlockElementAction, respond: RespondFn | undefined): Click {
  const thread: unknown = body.message?.['thread_ts']
  const view = body.view
  return {
    action: action.action_id,
    value: unpackValue(action.type === 'button' ? action.value : undefined),
    chosen: action.type === 'static_select' ? (action.selected_option?.value ?? null) : null,
    trigger: body.trigger_id,
    viewId: view?.id ?? null,
    place: {
      user: body.user.id,
      channel: body.channel?.id ?? (view ? recall(view.private_metadata).channel : null),
      threadTs: typeof thread === 'string' ? thread : null,
      respond: body.response_url ? (respond ?? null) : null,
    },
  }
}

function dialogs(app: App, { desk, acked, follow }: BoltParts): void {
  app.view({ type: 'view_submission', callback_id: views.run }, async ({ ack, body, view }) => {
    const filled = readRunDialog(view)
    await measured(desk, acked, () => ack({ response_action: 'update', view: startingView }))
    const place = { user: body.user.id, channel: null, threadTs: null, respond: null }
    if (filled === null) return
    follow(once(desk, { key: `view/${view.id}/${view.hash}`, place }, () => startRun(desk, filled, place)))
  })
  app.view(
    { type: 'view_submission', callback_id: /^(?!(run\.dialog|clone\.dialog|request\.reject)$)/ },
    async ({ ack, body, view }) => {
      const submitted = readSubmission(view)
      const answer = firstAnswer(submitted)
      await measured(desk, acked, () => ack(answer))
      if (submitted === null || answer.response_action === 'errors') return
      const place = { user: body.user.id, channel: submitted.channel, threadTs: null, respond: null }
      follow(
        once(desk, { key: `view/${view.id}/${view.hash}`, place }, () => planRestore(desk, submitted, place)),
      )
    },
  )
  app.view({ type: 'view_submission', callback_id: views.clone }, async ({ ack, body, view }) => {
    const filled = readClone(view)
    const answer = firstCloneAnswer(filled)
    await measured(desk, acked, () => ack(answer))
    if (filled === null || answer.response_action === 'errors') return
    const place = { user: body.user.id, channel: filled.channel, threadTs: null, respond: null }
    follow(once(desk, { key: `view/${view.id}/${view.hash}`, place }, () => fileClone(desk, filled, place)))
  })
  app.view({ type: 'view_submission', callback_id: views.reject }, async ({ ack, body, view }) => {
    await measured(desk, acked, () => ack({ response_action: 'update', view: rejectingView }))
    const place = { user: body.user.id, channel: null, threadTs: null, respond: null }
    const key = `view/${view.id}/${view.hash}`
    follow(once(desk, { key, place }, () => answerReject(desk, view, place)))
  })
  app.view({ type: 'view_closed', callback_id: /.*/ }, ({ ack }) => measured(desk, acked, ack))
}

function home(app: App, { desk, follow }: BoltParts): void {
  const unseen = (error: unknown): void =>
    desk.log.warn('slack did not show a home tab', { error: String(error) })
  app.event('app_home_opened', async ({ event, body }) => {
    const place = { user: event.user, channel: null, threadTs: null, respond: null }
    const seen = { key: `event/${body.event_id}`, place }
    if (event.tab === 'home') follow(once(desk, seen, () => publishHome(desk, event.user).catch(unseen)))
  })
}

/** What is remembered of a group is old from now on. */
function groupChanges(app: App, { desk }: BoltParts): void {
  app.event('subteam_members_changed', async ({ event }) => desk.groups.forget(event.subteam_id))
  app.event('subteam_updated', async ({ event }) => desk.groups.forget(event.subteam.id))
}

/** What our manifest does not ask for is acknowledged and explained all the same: Slack shows silence as a failure. */
function others(app: App, { desk, acked, follow }: BoltParts): void {
  app.shortcut(/.*/, async ({ ack, body, respond }) => {
    await measured(desk, acked, ack)
    const channel = 'channel' in body ? (body.channel?.id ?? null) : null
    const thread = 'message' in body ? (body.message['thread_ts'] as unknown) : undefined
    const place = {
      user: body.user.id,
      channel,
      threadTs: typeof thread === 'string' ? thread : null,
      respond: 'response_url' in body ? respond : null,
    }
    const message =
      channel !== null && 'message' in body
        ? { channel, ts: body.message.ts, blocks: body.message['blocks'] as unknown }
        : null
    const used = { callbackId: body.callback_id, trigger: body.trigger_id, place, message }
    follow(once(desk, { key: `shortcut/${body.trigger_id}`, place }, () => answerShortcut(desk, used)))
  })
  app.options(/.*/, ({ ack }) => measured(desk, acked, () => ack({ options: [] })))
}

/** Acknowledges and counts how long it took since the listener began. */
async function measured(desk: Desk, acked: (ms: number) => void, ack: () => Promise<void>): Promise<void> {
  const begun = desk.clock.monotonic()
  await ack()
  acked(desk.clock.monotonic() - begun)
}

/** Slack may deliver the same envelope twice: the second is left alone. When nobody knows whether it is the second, nothing
 * is done, and that is said. */
async function once(
  desk: Desk,
  { key, place }: { key: string; place: Place },
  work: () => Promise<void>,
): Promise<void> {
  try {
    if (await desk.firstTime(key)) await work()
  } catch (error) {
    desk.log.error('a click or command failed', { error: String(error) })
    await tellFault(desk, place, error)
  }
}
