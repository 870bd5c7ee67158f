import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import pg from 'pg'
import { startBot, type Bot } from '../../../playground/demo/bot.ts'
import { makeFolder, type DemoFolder } from '../../../playground/demo/folder.ts'
import { startPlayground, type Playground } from '../../../playground/server.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'

/** A real server, a real bot and the playground between them. */
export interface World {
  slack: Playground
  server: PostgresServer
  folder: string
  bot(): Bot
  /** Ends the bot without warning and starts it again on the same files. */
  killAndRestart(): Promise<void>
  /** Every row of every table of a database, as one hash. */
  hashOf(database: string): Promise<string>
  /** Holds a table so that pg_dump has to wait. @returns how to let go */
  lock(): Promise<() => Promise<void>>
  /** Sessions of easy-backup on the server. */
  sessions(): Promise<number>
  /** Files in storage and in the folder for unfinished work. */
  files(): Promise<{ stored: string[]; unfinished: string[] }>
}

export async function startWorld(t: TestContext): Promise<World> {
  const endings: (() => Promise<void>)[] = []
  // last started, first ended: a bot without its Slack would wait for it
  t.after(async () => {
    for (const end of endings.toReversed()) await end()
  })
  const server = await startPostgres()
  endings.push(() => server.close())
  await fillShop(server)
  const slack = await startPlayground()
  endings.push(() => slack.close())
  const folder = await makeFolder()
  endings.push(() => folder.remove())
  const configFile = await writeConfiguration(folder.path, slack, server)
  let bot = await start(folder, slack, configFile)
  endings.push(() => bot.stop())
  return {
    slack,
    server,
    folder: folder.path,
    bot: () => bot,
    killAndRestart: async () => {
      process.kill(bot.pid, 'SIGKILL')
      await bot.gone
      await slack.until(() => slack.connections() === 0, { what: 'the socket closed' })
      bot = await start(folder, slack, configFile)
    },
    hashOf: (database) => hashOf(server, database),
    lock: () => lock(server),
    sessions: async () => {
      const [row] = await server.query(
        `SELECT count(*)::integer AS n FROM pg_stat_activity WHERE application_name LIKE 'easy-backup%'`,
      )
      return Number(row!['n'])
    },
    files: async () => ({
      // the head of the audit log comes once a day, whenever that is
      stored: (await filesIn(join(folder.path, 'backups'))).filter((path) => !path.includes('/audit/')),
      unfinished: await filesIn(join(folder.path, 'temp')),
    }),
  }
}

async function start(folder: DemoFolder, slack: Playground, configFile: string): Promise<Bot> {
  const bot = startBot(configFile, join(folder.path, 'bot.log'))
  folder.guard(bot.pid)
  await slack.until(() => slack.connections() > 0, { what: 'the bot connected', timeoutMs: 60_000 })
  return bot
}

async function fillShop(server: PostgresServer): Promise<void> {
  await server.createDatabase('shop')
  await server.query(
    `CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL);
     CREATE TABLE orders (id integer PRIMARY KEY, customer integer REFERENCES customers, cents bigint, note jsonb);
     INSERT INTO customers SELECT n, 'Zoë ' || md5(n::text), now() - n * interval '1 hour' FROM generate_series(1, 3000) n;
     INSERT INTO orders SELECT n, 1 + n % 3000, n * 17, jsonb_build_object('n', n) FROM generate_series(1, 9000) n`,
    'shop',
  )
}

async function writeConfiguration(
  folder: string,
  { apiUrl, tokens }: Playground,
  server: PostgresServer,
): Promise<string> {
  const url = server.url('shop')
  const path = join(folder, 'easy-backup.yml')
  await mkdir(join(folder, 'temp'))
  await writeFile(
    path,
    `global:
  slack:
    bot_token: ${tokens.bot}
    app_token: ${tokens.app}
    channel_id: C0BACKUPS
    channels: { failure: C0ALERTS1 }
    mention_on_failure: [S0DBA0001]
    blocks: rich
    api_url: ${apiUrl}
  schedule: manual
  compression: zstd
  retry: { max_attempts: 1 }
  storages: { disk: { type: local, path: ${folder}/backups } }
  state_dir: ${folder}/state
  temp_dir: ${folder}/temp
strategies:
  - { name: shop, database_url: "${url}" }
  - { name: broken, database_url: "${url.replace(server.password, 'wrong')}" }
`,
  )
  return path
}

async function hashOf(server: PostgresServer, database: string): Promise<string> {
  const [row] = await server.query(
    `SELECT md5(
      (SELECT string_agg(customers::text, '|' ORDER BY id) FROM customers) ||
      (SELECT string_agg(orders::text, '|' ORDER BY id) FROM orders)) AS hash`,
    database,
  )
  return String(row!['hash'])
}

async function lock(server: PostgresServer): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: server.url('shop') })
  client.on('error', () => undefined) // the server ends before the client when a test fails
  await client.connect()
  await client.query('BEGIN; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE')
  return () => client.end()
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
