import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import { buildContext } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { Config } from '../../src/core/config.ts'
import type { Actor, RunView } from '../../src/core/model.ts'
import { createScrub } from '../../src/core/secret.ts'
import type { EngineContext } from '../../src/engine/context.ts'
import { deliverOnce } from '../../src/engine/deliver.ts'
import { createEngine } from '../../src/engine/engine.ts'
import type { Engine } from '../../src/engine/facade.ts'
import { createHealth } from '../../src/engine/health.ts'
import { createWorker, type Worker } from '../../src/engine/worker.ts'
import { filters } from '../../src/filters/registry.ts'
import { notifiers } from '../../src/notifiers/registry.ts'
import type { Notifier } from '../../src/notifiers/notifier.ts'
import { createLog } from '../../src/observe/log.ts'
import { sources } from '../../src/sources/registry.ts'
import { openDatabase } from '../../src/state/database.ts'
import { storages } from '../../src/storages/registry.ts'
import { tunnels } from '../../src/tunnels/registry.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { removeLast } from './ended.ts'
import { fastClock } from './fast-clock.ts'
import type { PostgresServer } from './postgres.ts'
import { recordingNotifier, type RecordingNotifier } from './recording-notifier.ts'

/** The engine as app.ts builds it, in a folder of its own: real configuration, state, storage and databases. */
export interface World {
  folder: string
  storageDir: string
  tempDir: string
  stateDir: string
  config: Config
  context: EngineContext
  engine: Engine
  worker: Worker
  notifier: RecordingNotifier
  /** Lines of the log. */
  logged: string[]
  /** A secret of the configuration that must be nowhere. */
  canary: string
  postgres: PostgresServer | null
  /** Accepts a backup, carries it out here, and returns its end. */
  backup(strategy?: string): Promise<RunView>
  /** Carries out an accepted run here. */
  finish(run: string): Promise<RunView>
  /** Delivers until nothing more is due now. */
  deliver(): Promise<void>
  close(): Promise<void>
}

export interface WorldOptions {
  /** Kept when given: another world lives or lived there. */
  folder?: string
  global?: Record<string, unknown>
  /** name → settings; `shop` is a SQLite file when nothing is said, or the database of this name on `postgres`. */
  strategies?: Record<string, Record<string, unknown>>
  postgres?: PostgresServer
  clock?: Clock
  /** Folders looked through for programs before the usual ones. */
  path?: readonly string[]
  /** The only folder with programs. */
  onlyPath?: string
  storageDir?: string
  tempDir?: string
  /** Changes the parts before the engine is built from them. */
  adjust?: (context: EngineContext) => EngineContext
}

export const person: Actor = { via: 'cli', id: 'ann' }
const quiet = new AbortController().signal
export const usualSpeed = 50

/** A world that is closed and removed after the test. */
export async function makeWorld(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const folder = options.folder ?? (await makeWorldFolder(t))
  const world = await openWorld(folder, options)
  t.after(() => world.close())
  return world
}

export async function makeWorldFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'easy-backup-world-'))
  removeLast(t, folder)
  return folder
}

export async function openWorld(folder: string, options: WorldOptions = {}): Promise<World> {
  const storageDir = options.storageDir ?? join(folder, 'storage')
  await mkdir(storageDir, { recursive: true })
  const config = configure(folder, storageDir, options)
  const scrub = createScrub(config.secrets)
  const logged: string[] = []
  const destination = { write: (line: string) => void logged.push(line) }
  const log = createLog({ level: 'debug', scrub, destination, pretty: false })
  const database = await openDatabase(config.stateDir, systemClock)
  await mkdir(config.tempDir, { recursive: true, mode: 0o700 })
  const clock = options.clock ?? fastClock(usualSpeed)
  const path = options.onlyPath ?? [...(options.path ?? []), process.env.PATH].join(':')
  const environment = { ...process.env, PATH: path }
  const built = await buildContext({ config, scrub, log, database, clock, environment })
  const context = options.adjust?.(built) ?? built
  const notifier = recordingNotifier()
  context.notifiers = () => Promise.resolve([notifier])
  const worker = createWorker(context)
  const engine = createEngine(context, createHealth(context, null), () => worker.nudge())

  async function finish(run: string): Promise<RunView> {
    await worker.runOne(run, quiet)
    return engine.run(run)
  }

  let closed = false
  return {
    folder,
    storageDir,
    tempDir: config.tempDir,
    stateDir: config.stateDir,
    config,
    context,
    engine,
    worker,
    notifier,
    logged,
    canary,
    postgres: options.postgres ?? null,
    finish,
    backup: async (strategy = config.strategies[0]!.name) =>
      finish((await engine.startBackup(strategy, { trigger: 'person', actor: person })).id),
    deliver: () => deliverAll(context, notifier),
    close: async () => {
      if (!closed) await database.close()
      closed = true
    },
  }
}

const canary = 'xoxb-canary-7Kq/w+9:very"secret'

async function deliverAll(context: EngineContext, notifier: Notifier): Promise<void> {
  while ((await deliverOnce(context, notifier, quiet)) > 0);
}

function configure(folder: string, storageDir: string, options: WorldOptions): Config {
  const text = JSON.stringify({
    global: {
      slack: { bot_token: canary, channel_id: 'C0123456789' },
      state_dir: join(folder, 'state'),
      temp_dir: options.tempDir ?? join(folder, 'temp'),
      storages: { disk: { type: 'local', path: storageDir } },
      retry: { max_attempts: 1 },
      timeout: { stall: '1h' },
      schedule: 'manual',
      ...options.global,
    },
    strategies: Object.entries(options.strategies ?? { shop: {} }).map(([name, settings]) => ({
      name,
      ...settings,
      database_url: settings.database_url ?? options.postgres?.url(name) ?? sampleFile(folder, name),
    })),
  })
  const path = join(folder, 'easy-backup.yml')
  const readFile = (name: string): string => readFileSync(name, 'utf8')
  return loadConfig(
    { path, text, environment: {}, dotenv: null, readFile },
    { sources, storages, filters, notifiers, tunnels },
  )
}

/** @returns the URL of a small SQLite file, made when it is not there */
function sampleFile(folder: string, name: string): string {
  const file = join(folder, `${name}.db`)
  const database = new DatabaseSync(file)
  database.exec(`
    CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT);
    CREATE TABLE IF NOT EXISTS people (id INTEGER PRIMARY KEY, name TEXT);
    INSERT OR IGNORE INTO orders SELECT value, 'item ' || value FROM (
      WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 500) SELECT value FROM n);
    INSERT OR IGNORE INTO people VALUES (1, 'Ann'), (2, 'Bob');`)
  database.close()
  return `sqlite://${file}`
}

/** Fills a database of PostgreSQL with two tables. */
export async function fillSample(server: PostgresServer, database: string, rows = 2_000): Promise<void> {
  await server.createDatabase(database)
  await server.query(
    `CREATE TABLE orders (id int PRIMARY KEY, item text);
     INSERT INTO orders SELECT n, md5(n::text) || repeat('x', 100) FROM generate_series(1, ${rows}) n;
     CREATE TABLE people (id int PRIMARY KEY, name text); INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob')`,
    database,
  )
}
