import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import type { App, AppDoor, OpenOptions } from './cli/app-contract.ts'
import { createAsk, type Ask } from './commands/ask.ts'
import { loadConfig } from './config/load.ts'
import type { Clock } from './core/clock.ts'
import type { Config, SlackConnection } from './core/config.ts'
import { Fault, withoutSecrets } from './core/faults.ts'
import type { Log } from './core/log.ts'
import { createScrub } from './core/secret.ts'
import { createBus } from './engine/bus.ts'
import { installationKey } from './engine/catalogue.ts'
import type { EngineContext } from './engine/context.ts'
import { createRunLogs } from './engine/run-logs.ts'
import { createService, type Service } from './engine/service.ts'
import { filters } from './filters/registry.ts'
import { createGate } from './gate/create-gate.ts'
import type { Gate, Person } from './gate/gate.ts'
import { startHttp } from './http/server.ts'
import { createLog } from './observe/log.ts'
import type { SlackFace } from './slack/app.ts'
import { routingTable } from './slack/routing.ts'
import { sources } from './sources/registry.ts'
import { openDatabase, type Database } from './state/database.ts'
import { firstTime, recall, remember } from './state/memory.ts'
import { storages } from './storages/registry.ts'
import { systemClock } from './sys/clock.ts'
import { createProcesses } from './sys/process.ts'
import { identityOf } from './sys/strays.ts'

/** The composition root: reads file and environment, builds every part, wires them. */
export const appDoor: AppDoor = {
  openApp,
  readConfig: async ({ configPath }) => readConfig(configPath),
  starterFile: async () => (await import('./config/starter.ts')).starterFile(),
  redactedYaml: async (config) => (await import('./config/print.ts')).redactedYaml(config),
}

const usualPaths = ['./easy-backup.yml', '/etc/easy-backup/config.yml']

function readConfig(configPath: string | null): Config {
  const path = configPath ?? usualPaths.find((candidate) => existsSync(candidate))
  if (!path)
    throw new Fault('config-invalid', `there is no configuration file (${usualPaths.join(', ')})`, {
      hint: '`easy-backup init` writes one to start from; --config names another',
    })
  const dotenv = join(dirname(path), '.env')
  const readFile = (file: string): string => readFileSync(file, 'utf8')
  return loadConfig(
    {
      path,
      text: readText(path),
      environment: process.env,
      dotenv: existsSync(dotenv) ? readFile(dotenv) : null,
      readFile,
    },
    { sources, storages, filters },
  )
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Fault('config-invalid', `${path} cannot be read: ${(error as Error).message}`, {
      hint: '`easy-backup init` writes a configuration to start from',
      cause: error,
    })
  }
}

async function openApp(options: OpenOptions): Promise<App> {
  const config = readConfig(options.configPath)
  const scrub = createScrub(config.secrets)
  const serving = options.role === 'serve'
  const log = createLog({
    level: options.verbose ? 'debug' : serving ? config.logLevel : 'error',
    scrub,
    destination: serving ? process.stdout : process.stderr,
    pretty: serving ? process.stdout.isTTY : true,
  })
  const database = await openDatabase(config.stateDir, systemClock)
  mkdirSync(config.tempDir, { recursive: true, mode: 0o700 })
  const context = await buildContext({
    config,
    scrub,
    log,
    database,
    clock: systemClock,
    environment: process.env,
  })
  const service = await createService(context, options.role)
  const gate = createGate({ log })
  const plainAsk = createAsk({ engine: service.engine, gate, clock: systemClock })
  const ask: Ask = (asked, person) =>
    plainAsk(asked, person).catch((error: unknown) => Promise.reject(withoutSecrets(error, scrub)))
  const slack = once(async () => (config.slack ? connectSlack(context, config.slack, { ask, gate }) : null))
  context.notifiers = once(async () =>
    [(await slack())?.notifier].filter((notifier) => notifier !== undefined),
  )
  return {
    ask,
    engine: service.engine,
    config,
    clock: systemClock,
    log,
    person: osUser(),
    besideService: service.besideService,
    serve: async (signal) => serve({ config, log, service, slack: await slack() }, signal),
    close: async () => {
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
}): Promise<EngineContext> {
  const { environment, ...same } = parts
  const { config, scrub, log, database, clock } = same
  return {
    ...same,
    processes: createProcesses(environment, clock),
    sourceDrivers: sources,
    filters,
    storages: new Map(
      config.storages.map(({ name, kind, options }) => [
        name,
        storages.find((driver) => driver.kind === kind)!.open(name, options, { clock, log }),
      ]),
    ),
    notifiers: () => Promise.resolve([]),
    bus: createBus(),
    logs: createRunLogs(join(config.stateDir, 'logs'), clock, scrub),
    self: identityOf(process.pid),
    host: hostname(),
    version: packageJson.version,
    installation: await installationOf(database),
  }
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
  { ask, gate }: { ask: Ask; gate: Gate },
): Promise<SlackFace> {
  const { startSlack } = await import('./slack/app.ts') // Bolt takes a third of the time to load everything
  const { clock, log, database, config } = context
  const firstTimeOnly = (key: string): Promise<boolean> =>
    database.write((tx) => firstTime(tx, key, clock.now()))
  return startSlack({
    connection,
    routing: routingTable(connection.routing, config.strategies),
    ask,
    gate,
    firstTime: firstTimeOnly,
    clock,
    log,
  })
}

interface Serving {
  config: Config
  log: Log
  service: Service
  slack: SlackFace | null
}

/** The long-running service: the engine leads, the faces answer, until the signal. */
async function serve({ config, log, service, slack }: Serving, signal: AbortSignal): Promise<void> {
  // a library that loses a promise must never end the backups (slack.md: Socket Mode rejects unhandled)
  process.on('unhandledRejection', (reason) =>
    log.error('an error was not handled', { error: String(reason) }),
  )
  for (const warning of config.warnings) log.warn('the configuration is doubtful', { warning })
  const http = await startHttp({
    listen: config.health,
    health: () => service.engine.health(),
    live: () => ({ ok: true, text: 'alive' }),
    ready: () => ({ ok: service.ready(), text: service.ready() ? 'scheduling' : 'starting' }),
    log,
  })
  try {
    await service.lead(signal, () => {
      // not before: Slack would share out clicks between two instances. And it is not waited for: its absence delays no work
      void slack?.start()
      log.info('easy-backup serves', { strategies: config.strategies.length, version: packageJson.version })
    })
  } finally {
    await slack?.stop()
    await http.close()
    log.info('easy-backup stopped', {})
  }
}
