/** A strict local stand-in for Slack: Web API, Socket Mode, signed HTTP, response URLs, files, and a browser page at `/`.
 *
 * How tests use it:
 *
 *     const slack = await startPlayground({ clock, rateLimits: false })
 *     t.after(() => slack.close())
 *     const app = new App({
 *       token: slack.tokens.bot, appToken: slack.tokens.app, socketMode: true, clientOptions: { slackApiUrl: slack.apiUrl },
 *     })
 *     await app.start()
 *     const seen = await slack.command('alice', 'C0BACKUPS', '/backup list')   // people by handle or id
 *     seen.trouble                                                             // null, or what Slack told the person
 *     await slack.click('alice', seen.ephemerals[0], 'restore', { value: 'k3f9' })
 *     await slack.submitView('alice', { reason: 'bad migration' })             // by block_id or action_id
 *     await slack.until(() => slack.messages('C0BACKUPS')[0]?.replies.length === 1)
 *     slack.transcript('chat.update'); slack.acks()
 *     slack.misbehave({ method: 'chat.postMessage', kind: '429', retryAfter: 3 })
 *
 * An act resolves once the app acknowledged and something became visible to the person (or nothing did for ten seconds);
 * `until` waits for the rest. Waiting is real only for the network; scheduled messages, trigger ids, response URLs, rates and message times follow `clock`.
 * It listens on 127.0.0.1 only. It imports nothing from src, and src never imports it. */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Gateway } from './gateway.ts'
import type { House, Shortcut, SlashCommand } from './house.ts'
import { limits } from './limits.ts'
import { postDue } from './methods/chat.ts'
import { Misbehaviours } from './misbehaviour.ts'
import type { Channel, Person, PlaygroundClock, Usergroup } from './model.ts'
import { defaultChannels, defaultGroups, defaultPeople, defaultScopes, defaultTokens } from './people.ts'
import { people } from './playground.ts'
import type { Playground } from './playground.ts'
import { RateLimiter } from './rate-limiter.ts'
import { route } from './routes.ts'
import { SocketMode } from './socket-mode.ts'
import { Tickets } from './tickets.ts'
import { Workspace } from './workspace.ts'

export type { Playground } from './playground.ts'
export type { Seen } from './seeing.ts'
export type { Call, Message, OpenView, PlaygroundClock, ThreadedMessage } from './model.ts'
export type { Misbehaviour } from './misbehaviour.ts'

export interface PlaygroundOptions {
  /** 0, the default, takes a free port. */
  port?: number
  clock?: PlaygroundClock
  people?: Person[]
  channels?: Channel[]
  usergroups?: Usergroup[]
  tokens?: Partial<{ bot: string; app: string; signingSecret: string }>
  scopes?: string[]
  commands?: SlashCommand[]
  shortcuts?: Shortcut[]
  /** Counts calls as Slack does; on unless switched off. */
  rateLimits?: boolean
  /** How long the app may take to acknowledge; Slack's 3000 unless a test is in a hurry. */
  ackMs?: number
  /** Signed HTTP requests go there; without it Socket Mode is used. Can be set later with `deliverTo`. */
  requestUrl?: string
}

const backup: SlashCommand = {
  name: '/backup',
  description: 'Run, list, verify and restore backups',
  usage: '[list | run | restore | status | help …]',
}

const backupShortcuts: Shortcut[] = [
  { name: 'Run a backup', callbackId: 'shortcut.run', on: 'global' },
  { name: 'Backup actions', callbackId: 'shortcut.message', on: 'message' },
]

/** Starts the workspace and resolves once the app can connect. */
export async function startPlayground(options: PlaygroundOptions = {}): Promise<Playground> {
  const house = furnish(options)
  const server = createServer((request, response) => void answer(request, response, house))
  server.on('upgrade', (request, socket, head) => house.socket.upgrade(request, socket, head))
  house.url = await listen(server, options.port ?? 0)
  const ticking = setInterval(() => postDue(house), 1000)
  ticking.unref()
  return people(house, () => {
    clearInterval(ticking)
    return shut(server, house)
  })
}

function furnish(options: PlaygroundOptions): House {
  const clock = options.clock ?? { now: () => Date.now() }
  const workspace = new Workspace({
    people: structuredClone(options.people ?? defaultPeople),
    channels: structuredClone(options.channels ?? defaultChannels),
    groups: structuredClone(options.usergroups ?? defaultGroups),
    clock,
  })
  const settings = {
    tokens: { ...defaultTokens, ...options.tokens },
    scopes: options.scopes ?? defaultScopes,
    commands: options.commands ?? [backup],
    shortcuts: options.shortcuts ?? backupShortcuts,
    ackMs: options.ackMs ?? limits.ackMs,
  }
  const socket = new SocketMode()
  socket.onConnections = (count) => workspace.announce({ kind: 'connection', connected: count > 0 })
  const misbehaviours = new Misbehaviours()
  const gateway = new Gateway({ settings, workspace, socket, misbehaviours })
  gateway.requestUrl = options.requestUrl ?? null
  const limiter = new RateLimiter(clock, options.rateLimits ?? true)
  return {
    url: '',
    settings,
    workspace,
    tickets: new Tickets(clock),
    limiter,
    misbehaviours,
    socket,
    gateway,
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, house: House): Promise<void> {
  try {
    await route(request, response, house)
  } catch (error) {
    if (response.headersSent) return void response.destroy()
    response.writeHead(500, { 'content-type': 'text/plain' })
    response.end((error as Error).stack)
  }
}

function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    )
  })
}

async function shut(server: Server, house: House): Promise<void> {
  house.gateway.close()
  await house.socket.close()
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
