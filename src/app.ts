import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import packageJson from '../package.json' with { type: 'json' }
import { notifiersOf } from './app/notifiers.ts'
import { readConfig } from './app/read-config.ts'
import { serve } from './app/serve.ts'
import { silenceIn } from './app/silence.ts'
import type { App, AppDoor, OpenOptions } from './cli/app-contract.ts'
import { createAsk, type Ask } from './commands/ask.ts'
import { loadConfig } from './config/load.ts'
import { groupsToAsk } from './core/access.ts'
import type { Clock } from './core/clock.ts'
import type { Config, SlackConnection, Strategy } from './core/config.ts'
import { withoutSecrets } from './core/faults.ts'
import type { Log } from './core/log.ts'
import { createScrub, type Scrub } from './core/secret.ts'
import { createBus } from './engine/bus.ts'
import { installationKey } from './engine/catalogue.ts'
import type { EngineContext } from './engine/context.ts'
import { createRunLogs } from './engine/run-logs.ts'
import { lentPassphrases } from './engine/lent-passphrases.ts'
import { createService } from './engine/service.ts'
import { filters } from './filters/registry.ts'
import { createGate } from './gate/create-gate.ts'
import type { Gate, Person } from './gate/gate.ts'
import { createRecorder, type Recorder } from './gate/recorder.ts'
import { createLog } from './observe/log.ts'
import type { SlackFace } from './slack/app.ts'
import { routingsOf } from './slack/inspect.ts'
import { routingTable, type RoutingTable } from './slack/routing.ts'
import { sources } from './sources/registry.ts'
import { openDatabase, type Database } from './state/database.ts'
import { firstTime, recall, remember } from './state/memory.ts'
import { newestChange } from './state/messages.ts'
import { messageShown } from './state/receipts.ts'
import { storages } from './storages/registry.ts'
import { systemClock } from './sys/clock.ts'
import { createProcesses } from './sys/process.ts'
import { identityOf } from './sys/strays.ts'
import { tunnels } from './tunnels/registry.ts'

/** The composition root: reads file and environment, builds every part, wires them. */
export const appDoor: AppDoor = {
  openApp,
  readConfig: async ({ configPath }) => readConfig(configPath),
  starterFile: async () => (await import('./config/starter.ts')).starterFile(),
  redactedYaml: async (config) => (await import('./config/print.ts')).redactedYaml(config),
}

async function openApp(options: OpenOptions): Promise<App> {
  const config = readConfig(options.configPath, options.bare ?? false)
  const scrub = growingScrub(config.secrets)
  const serving = options.role === 'serve'
  const log = createLog({
    level: options.verbose ? 'debug' : serving ? config.logLevel : 'error',
    scrub: scrub.hide,
    destination: serving ? process.stdout : process.stderr,
    pretty: serving ? process.stdout.isTTY : true,
  })
  const database = await openDatabase(config.stateDir, systemClock)
  const context = await buildContext({
    config,
    scrub: scrub.hide,
    log,
    database,
    clock: systemClock,
    environment: process.env,
    readConfig: () => readConfig(options.configPath),
    taken: ({ secrets, logLevel }) => {
      scrub.learn(secrets)
      if (!options.verbose) log.setLevel(logLevel)
    },
  })
  const service = await createService(context, options.role)
  const record = createRecorder({ database, clock: systemClock, scrub: scrub.hide })
  const gate = createGate({ log, rules: () => context.config, record })
  const plainAsk = createAsk({ engine: service.engine, gate, clock: systemClock, record })
  const ask: Ask = (asked, person) =>
    plainAsk(asked, person).catch((error: unknown) => Promise.reject(withoutSecrets(error, scrub.hide)))
  const lent = lentPassphrases(context)
  const slack = once(async () =>
    config.slack ? connectSlack(context, config.slack, { ask, gate, record }) : null,
  )
  context.notifiers = notifiersOf(context, async () => (await slack())?.notifier ?? null)
  return {
    ask,
    engine: service.engine,
    config,
    clock: systemClock,
    log,
    person: osUser(),
    besideService: service.besideService,
    serve: async (signal) => serve({ context, log, service, slack: await slack() }, signal),
    lend: lent.keep,
    close: async () => {
      await lent.close()
      await service.close()
      await database.close()
    },
  }
}

/** Everything the engine is built from; tests hand in their own clock and environment. */
export async function buildContext(parts: {
  config: Config
  scrub: (text: string) => string
  log: Log
  database: Database
  clock: Clock
  environment: NodeJS.ProcessEnv
  /** How a reload reads; by default there is nothing to read again. */
  readConfig?: () => Config
  /** Is told of each configuration that a reload took over. */
  taken?: (config: Config) => void
}): Promise<EngineContext> {
  const { environment, readConfig: reread, taken, ...same } = parts
  const { config, scrub, log, database, clock } = same
  const openStorage: EngineContext['openStorage'] = (kind, name, options) =>
    storages.find((driver) => driver.kind === kind)!.open(name, options, { clock, log })
  const context: EngineContext = {
    ...same,
    readConfig: reread ?? (() => config),
    prepareConfig: (next) => {
      const places = openPlaces(next, openStorage, context)
      return () => {
        context.storages = places
        context.config = next
        taken?.(next)
      }
    },
    processes: createProcesses(environment, clock),
    sourceDrivers: sources,
    filters,
    storages: openPlaces(config, openStorage, null),
    openStorage: (kind, name, given) => openStorage(kind, name, { ...ambient(environment), ...given }),
    openTunnel: ({ kind, options }, broken) =>
      tunnels
        .find((driver) => driver.kind === kind)!
        .open(options, { clock, agentSocket: environment.SSH_AUTH_SOCK ?? null, broken }),
    standIn: (name, url) => standIn(name, url, config),
    notifiers: () => Promise.resolve([]),
    bus: createBus(),
    logs: createRunLogs(join(config.stateDir, 'logs'), clock, scrub),
    self: identityOf(process.pid),
    host: hostname(),
    version: packageJson.version,
    installation: await installationOf(database),
  }
  return context
}

/** Places that are as they were stay open as they are. */
function openPlaces(
  config: Config,
  open: EngineContext['openStorage'],
  before: Pick<EngineContext, 'config' | 'storages'> | null,
): EngineContext['storages'] {
  return new Map(
    config.storages.map((place) => {
      const { name, kind, options } = place
      const was = before?.config.storages.find((one) => one.name === name)
      const same = was && isDeepStrictEqual(was, place) ? before?.storages.get(name) : undefined
      return [name, same ?? open(kind, name, options)]
    }),
  )
}

/** Secrets of a configuration that was replaced stay hidden: what began with them may still speak of them. */
function growingScrub(secrets: readonly string[]): { hide: Scrub; learn(more: readonly string[]): void } {
  let known = secrets
  let hide = createScrub(known)
  return {
    hide: (text) => hide(text),
    learn: (more) => {
      known = [...new Set([...known, ...more])]
      hide = createScrub(known)
    },
  }
}

/** Where a bucket that no file describes answers: as the AWS tools, and a machine set up by its environment alone, are told. */
function ambient({ S3_ENDPOINT, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, S3_REGION }: NodeJS.ProcessEnv): {
  endpoint?: string
  region?: string
} {
  const endpoint = S3_ENDPOINT || AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL
  return { ...(endpoint ? { endpoint } : {}), ...(S3_REGION ? { region: S3_REGION } : {}) }
}

/** A file with this one strategy, read as any other: so that there is one place for defaults. */
function standIn(name: string, url: string, { tempDir }: Config): Strategy {
  const text = JSON.stringify({
    global: { storages: { none: { type: 'local', path: tempDir } }, schedule: 'manual' },
    strategies: [{ name, database_url: url.replaceAll('${', () => '$${') }],
  })
  const readFile = (path: string): string => readFileSync(path, 'utf8')
  const input = { path: join(tempDir, 'typed.yml'), text, environment: {}, dotenv: null, readFile }
  return loadConfig(input, { sources, storages, filters, tunnels }).strategies[0]!
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => (made ??= make())
}

async function installationOf(database: Database): Promise<string> {
  const known = await recall(database.read, installationKey)
  if (known) return known
  const fresh = randomUUID()
  await database.write((tx) => remember(tx, installationKey, fresh))
  return fresh
}

/** Who typed the command; on the host, one counts as an admin. */
function osUser(): Person {
  return { actor: { via: 'cli', id: userInfo().username }, admin: true, outsider: null }
}

async function connectSlack(
  context: EngineContext,
  connection: SlackConnection,
  { ask, gate, record }: { ask: Ask; gate: Gate; record: Recorder },
): Promise<SlackFace> {
  const { startSlack } = await import('./slack/app.ts') // Bolt takes a third of the time to load everything
  const { clock, log, database } = context
  const firstTimeOnly = (key: string): Promise<boolean> =>
    database.write((tx) => firstTime(tx, key, clock.now()))
  return startSlack({
    connection,
    routing: liveRouting(context, connection),
    routings: () =>
      routingsOf(context.config.slack?.routing ?? connection.routing, context.config.strategies),
    ask,
    gate,
    record,
    groupsToAsk: () => groupsOf(context.config),
    firstTime: firstTimeOnly,
    silence: silenceIn(context),
    changes: () => newestChange(database.read),
    messageAt: (which) => messageShown(database.read, which),
    clock,
    log,
  })
}

/** Every user group that some role names and whose members only Slack knows. */
function groupsOf({ access, strategies }: Config): string[] {
  const all = [access, ...strategies.map((strategy) => strategy.access)]
  return [...new Set(all.flatMap(groupsToAsk))]
}

/** A reload may send messages elsewhere; the table is made anew only then. */
function liveRouting(context: EngineContext, { routing }: SlackConnection): RoutingTable {
  let of: Config | null = null
  let table: RoutingTable = () => routing
  return (strategy) => {
    const { config } = context
    if (config !== of) table = routingTable(config.slack?.routing ?? routing, config.strategies)
    of = config
    return table(strategy)
  }
}
