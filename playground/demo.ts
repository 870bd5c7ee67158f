/** `npm run demo`: real databases, a real bot and a Slack of one's own, with nothing to set up and nothing left behind. */
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { easyBackup, startBot, type Bot } from './demo/bot.ts'
import { configuration, environmentFile, type DemoPlaces } from './demo/configuration.ts'
import { startSamples, type SampleServer } from './demo/databases.ts'
import { makeFolder, type DemoFolder } from './demo/folder.ts'
import { summary } from './demo/summary.ts'
import { createCrm } from './samples/crm.ts'
import { createNewsletter, createPayroll } from './samples/small.ts'
import { startPlayground, type Playground } from './server.ts'
import { postgresMajors } from './servers/postgres.ts'

const usualPort = 3210
const readyMs = 30_000
const parentLookMs = 500

/** What has to be ended, in the order of starting. */
type Ending = () => Promise<void>

const endings: Ending[] = []
let stopping: Promise<void> | null = null

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void leave(0))
watchParent()
await run().catch((error: unknown) => {
  if (stopping) return
  process.stderr.write(`easy-backup: the demo did not start: ${(error as Error).message}\n`)
  return leave(1)
})

async function run(): Promise<void> {
  const folder = await begin(makeFolder(), (made) => made.remove())
  const samples = await startDatabases()
  const playground = await begin(startAtUsualPort(), (started) => started.close())
  const configFile = await writeFiles(folder, playground, samples)
  const logFile = join(folder.path, 'bot.log')
  const bot = startBot(configFile, logFile)
  endings.push(() => bot.stop())
  folder.guard(bot.pid)
  await untilReady(bot, playground, logFile)
  await easyBackup(['run', 'all', '--config', configFile])
  process.stdout.write(
    summary({
      url: playground.url,
      folder: folder.path,
      postgres: samples && { version: samples.server.version, url: samples.server.url('shop') },
      colours: process.stdout.isTTY,
    }),
  )
  void bot.gone.then(() => deserted(logFile))
}

/** Waits for a part, and remembers how it is ended. */
async function begin<Part>(starting: Promise<Part>, end: (part: Part) => Promise<void>): Promise<Part> {
  const part = await starting
  endings.push(() => end(part))
  return part
}

async function startDatabases(): Promise<SampleServer | null> {
  const version = postgresMajors()[0]
  if (version === undefined) {
    say(
      'PostgreSQL is not installed, so the demo shows SQLite alone. With it: sudo apt-get install postgresql',
    )
    return null
  }
  say(`Starting a throw-away PostgreSQL ${version} and filling two sample databases …`)
  return begin(startSamples(), ({ server }) => server.close())
}

/** The usual port can be remembered and bookmarked; any other will do. */
async function startAtUsualPort(): Promise<Playground> {
  try {
    return await startPlayground({ port: usualPort })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    say(`Port ${usualPort} is taken; the page is on another one.`)
    return startPlayground()
  }
}

/** @returns the path of easy-backup.yml */
async function writeFiles(
  { path: folder }: DemoFolder,
  { apiUrl, tokens }: Playground,
  samples: SampleServer | null,
): Promise<string> {
  const places: DemoPlaces = {
    folder,
    apiUrl,
    tokens,
    healthPort: await freePort(),
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    postgresPort: samples?.server.port ?? null,
  }
  const passwords = samples && { backup: samples.backupPassword, owner: samples.ownerPassword }
  createCrm(join(folder, 'crm.db'), Date.now())
  createNewsletter(join(folder, 'newsletter.db'))
  createPayroll(join(folder, 'payroll.db'))
  await writeFile(join(folder, '.env'), environmentFile(places, passwords), { mode: 0o600 })
  const configFile = join(folder, 'easy-backup.yml')
  await writeFile(configFile, configuration(places))
  return configFile
}

/** The bot is in when it holds a connection to the playground. */
async function untilReady(bot: Bot, playground: Playground, logFile: string): Promise<void> {
  const what = `the bot did not connect; its log is ${logFile}`
  const connected = playground.until(() => playground.connections() > 0, { what, timeoutMs: readyMs })
  const died = bot.gone.then(() => {
    throw new Error(`the bot ended; its log is ${logFile}`)
  })
  await Promise.race([connected, died])
}

function deserted(logFile: string): void {
  if (stopping) return
  process.stderr.write(
    `\neasy-backup: the bot ended by itself; its log is ${logFile}. Ctrl-C ends the demo.\n`,
  )
}

/** Ends everything, last started first. A second call waits for the first. */
function leave(exitCode: number): Promise<void> {
  stopping ??= endAll(exitCode)
  return stopping
}

async function endAll(exitCode: number): Promise<void> {
  if (process.stdout.isTTY) process.stdout.write('\n')
  for (const end of endings.toReversed()) await end().catch(() => undefined)
  process.exit(exitCode)
}

/** npm passes no signal on when it is ended itself; then nobody would be left to press Ctrl-C. */
function watchParent(): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) void leave(0)
  }, parentLookMs).unref()
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
