import { test, type TestContext } from 'node:test'
import { startPlayground } from '../../playground/server.ts'
import type { Playground, PlaygroundOptions } from '../../playground/server.ts'
import type { Asked } from '../../src/commands/ask.ts'
import type { Gate, Person } from '../../src/commands/command.ts'
import type { Reply } from '../../src/commands/reply.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { SlackConnection, SlackRouting } from '../../src/core/config.ts'
import type { AuditEntry } from '../../src/core/audit.ts'
import { Fault } from '../../src/core/faults.ts'
import type { Log, LogFacts } from '../../src/core/log.ts'
import type { Message } from '../../src/core/messages.ts'
import { startSlack } from '../../src/slack/app.ts'
import type { SlackFace } from '../../src/slack/app.ts'
import type { MessageAt } from '../../src/slack/desk.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { backup, request, run, strategy } from './samples.ts'

export const routing: SlackRouting = {
  channel: 'C0BACKUPS',
  success: null,
  failure: 'C0ALERTS1',
  approvals: null,
  mentionOnFailure: ['S0DBA0001'],
}

/** Slack with our face in it, over real sockets; below it, answers instead of an engine. */
export interface World {
  slack: Playground
  face: SlackFace
  /** What was asked, by whom. */
  asked: { asked: Asked; person: Person }[]
  log: string[]
  /** What was kept of people nobody knows. */
  audited: AuditEntry[]
  /** A new process: same Slack, same remembered keys. */
  restart(): Promise<SlackFace>
}

export interface WorldOptions {
  playground?: PlaygroundOptions
  connection?: Partial<SlackConnection>
  clock?: Clock
  firstTime?: (key: string) => Promise<boolean>
  /** User groups that the configuration names. */
  groups?: readonly string[]
  /** What messages show, as the state knows it. */
  messageAt?: MessageAt
  /** Grows with every change. */
  changes?: () => Promise<number>
  /** Answers before the usual ones do; undefined leaves it to them. */
  answer?: (asked: Asked, person: Person) => Promise<Reply> | undefined
}

export async function slackWorld(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const slack = await startPlayground({ rateLimits: false, ...options.playground })
  const seen = new Set<string>()
  const world: World = { slack, face: undefined as never, asked: [], log: [], audited: [], restart: begin }

  async function begin(): Promise<SlackFace> {
    await world.face?.stop()
    const mode = modes.get(t) === 'http' ? overHttp(slack) : {}
    const connection = connectionTo(slack, { ...mode, ...options.connection })
    world.face = startSlack({
      connection,
      routing: () => routing,
      routings: () => [routing],
      gate: smallGate,
      record: async (entries) => void world.audited.push(...entries),
      groupsToAsk: () => options.groups ?? [],
      ...(options.messageAt && { messageAt: options.messageAt }),
      ...(options.changes && { changes: options.changes }),
      clock: options.clock ?? systemClock,
      log: lines(world.log),
      firstTime: options.firstTime ?? (async (key) => !seen.has(key) && seen.add(key).has(key)),
      async ask(asked, person) {
        const { inGroup: _, ...who } = person
        world.asked.push({ asked, person: who })
        const command = nameOf(asked)
        if (!known.includes(command))
          throw new Fault('usage', `there is no command \`${command}\``, { hint: 'commands: help, list' })
        await smallGate.allow(person, {
          command,
          role: 'view',
          open: openCommands.has(command),
          strategy: null,
        })
        return options.answer?.(asked, person) ?? usualAnswer(asked)
      },
    })
    await world.face.start()
    slack.deliverTo(world.face.status().url)
    return world.face
  }

  await begin()
  t.after(async () => {
    await world.face.stop()
    await slack.close()
  })
  return world
}

const modes = new WeakMap<TestContext, 'socket' | 'http'>()

/** The same promise in Socket Mode and over signed HTTP. */
export function inBothModes(title: string, body: (t: TestContext) => Promise<void>): void {
  for (const mode of ['socket', 'http'] as const)
    test(mode === 'socket' ? title : `${title} (HTTP)`, async (t) => {
      modes.set(t, mode)
      await body(t)
    })
}

/** HTTP mode on a free port. */
export function overHttp(slack: Playground): Partial<SlackConnection> {
  const { signingSecret } = slack.tokens
  return { appToken: null, http: { signingSecret, listen: { bind: '127.0.0.1', port: 0 } } }
}

/** Waits a hundredth of the time. */
export const hurriedClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
}

export function connectionTo(slack: Playground, changes: Partial<SlackConnection> = {}): SlackConnection {
  const { bot, app } = slack.tokens
  return { botToken: bot, appToken: app, apiUrl: slack.apiUrl, blocks: 'basic', routing, ...changes }
}

export function message(body: Message['body'], changes: Partial<Message> = {}): Message {
  return {
    key: 'run/k3f9/card',
    strategy: 'production-db',
    audience: 'default',
    parent: null,
    priority: 3,
    version: 1,
    body,
    ...changes,
  }
}

/** The rules without an `access` section. */
const smallGate: Gate = {
  async allow(person, { command, open }) {
    if (person.outsider !== null) throw new Fault('denied', `not for ${person.outsider}`)
    if (!open && !person.admin)
      throw new Fault('denied', `\`${command}\` needs a workspace admin`, { hint: 'nothing was changed' })
  },
  may: (person, act) =>
    smallGate.allow(person, act).then(
      () => true,
      () => false,
    ),
}

const openCommands = new Set(['help', 'status', 'list', 'show', 'log', 'schedule', 'run', 'verify', 'crash'])
const known = [...openCommands, 'acknowledge', 'snooze', 'cancel', 'drill', 'restore', 'confirm', 'dismiss']

function nameOf(asked: Asked): string {
  return 'name' in asked ? asked.name : (asked.words.split(' ')[0] ?? '')
}

async function usualAnswer(asked: Asked): Promise<Reply> {
  switch (nameOf(asked)) {
    case 'status':
      return table([
        { id: 'production-db', data: strategy() },
        { id: 'shop', data: strategy({ name: 'shop' }) },
      ])
    case 'list':
      return table(
        Array.from({ length: 23 }, (_, index) => ({
          id: backupId(index),
          data: backup({ id: backupId(index) }),
        })),
      )
    case 'show':
      return { type: 'facts', title: 'Backup', facts: [], data: backup({ id: shownId(asked) }) }
    case 'run':
      return { type: 'run', run: run(), note: null }
    case 'drill':
      return { type: 'run', run: run({ kind: 'drill', state: 'queued' }), note: null }
    case 'cancel':
      return { type: 'run', run: run(), note: 'stopping' }
    case 'log':
      return { type: 'text', text: 'pg_dump: error: connection refused' }
    case 'restore':
      return { type: 'plan', request: request(), dryRun: false }
    case 'confirm':
      return { type: 'run', run: run({ kind: 'restore' }), note: null }
    case 'dismiss':
      return { type: 'plan', request: request({ state: 'cancelled' }), dryRun: false }
    default:
      throw new TypeError('x is not a function')
  }
}

function shownId(asked: Asked): string {
  return 'name' in asked && typeof asked.args.backup === 'string' ? asked.args.backup : backupId(1)
}

export function backupId(index: number): string {
  return `production-db-20261120T${String(60000 + index).padStart(6, '0')}Z-k3f9`
}

function table(rows: { id: string; data: unknown }[]): Reply {
  const columns = [{ key: 'name', label: 'Name' }]
  const withCells = rows.map(({ id, data }) => ({
    id,
    data,
    cells: { name: { kind: 'code' as const, text: id } },
  }))
  return {
    type: 'table',
    table: { title: 'Backups', summary: `${rows.length} in all`, columns, rows: withCells, empty: 'none' },
  }
}

function lines(into: string[]): Log {
  const say = (text: string, facts: LogFacts = {}): void => void into.push(`${text} ${JSON.stringify(facts)}`)
  const log: Log = { debug: () => undefined, info: say, warn: say, error: say, with: () => log }
  return log
}
