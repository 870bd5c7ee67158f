import assert from 'node:assert/strict'
import { readdirSync, type Dirent } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { DatabaseSync } from 'node:sqlite'
import { startPlayground, type Playground } from '../../playground/server.ts'
import { appDoor } from '../../src/app.ts'
import type { App } from '../../src/cli/app-contract.ts'
import { outcomes } from '../../src/core/model.ts'
import { runVariable, strays } from '../../src/sys/strays.ts'
import { makeBot, until, type Bot } from '../support/bot.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { randomFrom } from '../support/random.ts'

const rounds = Number(process.env.KILL_ROUNDS ?? 100)
const seed = Number(process.env.KILL_SEED ?? 20_261_120)

let postgres: PostgresServer
let playground: Playground
let bot: Bot

before(async () => {
  postgres = await startPostgres()
  await postgres.createDatabase('shop')
  await postgres.query(
    'CREATE TABLE orders AS SELECT g AS id, repeat(md5(g::text), 8) AS note FROM generate_series(1, 30000) g',
    'shop',
  )
  playground = await startPlayground({ rateLimits: false })
  bot = await makeBot({
    global: `  compression: zstd
  slack: { bot_token: ${playground.tokens.bot}, app_token: ${playground.tokens.app}, api_url: "${playground.apiUrl}", channel_id: C0BACKUPS }`,
    strategies: '  - { name: shop, database_url: "${SHOP_URL}", schedule: manual }',
    environment: { SHOP_URL: postgres.url('shop') },
  })
  process.env.SHOP_URL = postgres.url('shop')
})

after(async () => {
  await bot?.remove()
  await playground?.close()
  await postgres?.close()
})

test(`after kill -9 at ${rounds} random moments every run has one end, told, and nothing is left (seed ${seed})`, async () => {
  const random = randomFrom(seed)
  await bot.start()
  const first = await bot.command('run', 'shop', '--wait')
  assert.equal(first.code, 0, first.stderr)
  for (let round = 1; round <= rounds; round++) {
    await withApp(async (app) => {
      if (round % 3 === 0) await askRestore(app)
      else await app.engine.startBackup('shop', { trigger: 'person', actor: app.person.actor })
    })
    // a backup takes about half a second here: moments before, during and after each of its steps
    await new Promise((next) => setTimeout(next, random() * 700))
    await bot.end('SIGKILL')
    await bot.start()
    await withApp((app) => until(async () => (await openCount(app)) === 0, 'every run has ended'))
    await assertNothingLeft(`round ${round} of seed ${seed}`)
  }
  await assertAllTold()
})

async function withApp(work: (app: App) => Promise<void>): Promise<void> {
  const app = await appDoor.openApp({ configPath: bot.configPath, role: 'command', verbose: false })
  try {
    assert.ok(app.besideService, 'the service leads')
    await work(app)
  } finally {
    await app.close()
  }
}

async function askRestore(app: App): Promise<void> {
  const ask = {
    backup: 'latest',
    strategy: 'shop',
    targetDb: null,
    targetUrl: null,
    noOwner: false,
    reason: null,
  }
  const request = await app.engine.requestRestore(ask, app.person.actor)
  await app.engine.confirm(request.id, request.version, app.person.actor)
}

async function openCount(app: App): Promise<number> {
  const runs = await app.engine.runs({ limit: 20 })
  return runs.filter((run) => !(outcomes as readonly string[]).includes(run.state)).length
}

async function assertNothingLeft(when: string): Promise<void> {
  // the new service may be storing the head of its audit log: what a dead one left would stay
  await until(() => partials().length === 0, 'no partial file is left').catch(() => undefined)
  assert.deepEqual(partials(), [], `partial files (${when})`)
  const files = storedFiles()
  const heads = join(bot.storageDir, 'audit')
  const backups = files.filter(({ parentPath }) => !parentPath.startsWith(heads))
  const folders = new Set(
    backups.filter((entry) => entry.name !== 'easy-backup.json').map((entry) => entry.parentPath),
  )
  const withManifest = new Set(
    files.filter((entry) => entry.name === 'manifest.json').map((entry) => entry.parentPath),
  )
  assert.deepEqual([...folders].toSorted(), [...withManifest].toSorted(), `a dump without manifest (${when})`)
  const { catalogued, runs } = readState()
  assert.deepEqual(
    [...withManifest].map((path) => path.split('/').at(-1)!).toSorted(),
    catalogued,
    `catalogue = storage (${when})`,
  )
  // an empty folder, whose maker died before it wrote its name into it, goes after an hour
  const left = (): string[] =>
    readdirSync(bot.tempDir, { recursive: true })
      .map(String)
      .filter((path) => path.includes('/'))
  await until(() => left().length === 0, 'no temp folder is left').catch(() => undefined) // they go right after the end
  assert.deepEqual(left(), [], `temp folders (${when})`)
  assert.deepEqual(strays(new Set(runs)), [], `processes with ${runVariable} (${when})`)
  const sessions = await postgres.query(
    "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'easy-backup%'",
  )
  assert.equal(sessions.length, 0, `server sessions (${when}): ${JSON.stringify(sessions)}`)
}

function storedFiles(): Dirent[] {
  const entries = readdirSync(bot.storageDir, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile())
}

function partials(): string[] {
  const left = storedFiles().filter(({ name }) => name.startsWith('.'))
  return left.map(({ parentPath, name }) => join(parentPath, name))
}

function readState(): { catalogued: string[]; runs: string[] } {
  const state = new DatabaseSync(join(bot.stateDir, 'state.db'), { readOnly: true })
  const column = (sql: string): string[] =>
    state
      .prepare(sql)
      .all()
      .map((row) => String(Object.values(row)[0]))
  const result = {
    catalogued: column('SELECT DISTINCT id FROM backups ORDER BY id'),
    runs: column('SELECT id FROM runs'),
  }
  state.close()
  return result
}

/** Each backup has one card that shows its end; nothing was posted twice, because no outcome was unknown for long. */
async function assertAllTold(): Promise<void> {
  const state = new DatabaseSync(join(bot.stateDir, 'state.db'), { readOnly: true })
  const owed = (): unknown[] =>
    state
      .prepare(
        'SELECT m.key FROM messages m LEFT JOIN deliveries d USING (key) WHERE d.sent_version IS NULL OR d.sent_version < m.version',
      )
      .all()
  await until(() => owed().length === 0, 'every message was delivered')
  const runs = state.prepare("SELECT id, state FROM runs WHERE kind = 'backup'").all() as {
    id: string
    state: string
  }[]
  state.close()
  const cards = playground.messages('C0BACKUPS')
  const shown: Record<string, RegExp> = {
    succeeded: /backed up/,
    interrupted: /interrupted/,
    failed: /failed/,
    cancelled: /cancelled/,
  }
  for (const run of runs) {
    const mine = cards.filter(
      (card) => JSON.stringify(card.blocks).includes(run.id) || card.text.includes(run.id),
    )
    assert.ok(mine.length >= 1 && mine.length <= 2, `${run.id} has ${mine.length} cards`)
    assert.ok(
      mine.some((card) => shown[run.state]!.test(card.text)),
      `${run.id} ended ${run.state}: ${mine.map((card) => card.text).join(' | ')}`,
    )
  }
  const outcomesSeen = new Map(
    Object.entries(Object.groupBy(runs, (run) => run.state)).map(([state, list]) => [state, list!.length]),
  )
  assert.ok((outcomesSeen.get('interrupted') ?? 0) > 0 || rounds < 10, 'some kill met a running backup')
}
