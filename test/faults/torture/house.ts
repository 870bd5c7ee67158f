import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startPlayground, type Playground } from '../../../playground/server.ts'
import { appDoor } from '../../../src/app.ts'
import type { App } from '../../../src/cli/app-contract.ts'
import { makeBot, type Bot } from '../../support/bot.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'
import { startS3, type S3Server } from '../../support/s3/server.ts'
import type { Place } from '../../support/scene.ts'
import { localPlace } from '../../world.ts'

/** What this machine lets us do; a fault that needs more is left out and named in the ledger. */
export type Ability = 'mount' | 'faketime'

/** The real service with everything around it: databases, storage on small disks, Slack. */
export interface House {
  bot: Bot
  postgres: PostgresServer
  slack: Playground
  s3: S3Server
  abilities: ReadonlySet<Ability>
  /** The folder that outlives an unmount of `bot.storageDir`. */
  diskDir: string
  /** Where backups lie, seen from behind the service; `shop` goes to both, `crm` to the bucket, `notes` to the disk. */
  places: Record<'disk' | 'bucket', BehindPlace>
  /** What every restore must bring back, by strategy. */
  original: Record<StrategyName, string>
  /** Sets the service's clock off by so much; null = right again. */
  setClock(offset: string | null): void
  /** A second process on the same state, as a command is. */
  withApp<T>(work: (app: App) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface BehindPlace extends Place {
  overwrite(key: string, bytes: Buffer): void
  drop(key: string): void
}

export type StrategyName = 'shop' | 'crm' | 'notes'
export const strategyNames: readonly StrategyName[] = ['shop', 'crm', 'notes']
export const channel = 'C0BACKUPS'
const faketime = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1'
const diskSize = '160m'

export async function furnish(): Promise<House> {
  const abilities = abilitiesHere()
  const postgres = await startPostgres()
  await fillPostgres(postgres)
  const slack = await startPlayground({ rateLimits: false })
  const s3 = await startS3(null)
  const environment = { SHOP_URL: postgres.url('shop'), CRM_URL: postgres.url('crm') }
  const bot = await makeBot({
    global: globalSettings(slack),
    strategies: strategySettings,
    storages: `bucket: ${JSON.stringify({ type: 's3', ...s3.options({ part_size: '5MiB' }) })}`,
    environment,
    ...(abilities.has('faketime') ? { prefix: clockPrefix } : {}),
  })
  Object.assign(process.env, environment)
  const notesFile = join(bot.folder, 'notes.db')
  fillNotes(notesFile)
  appendFileSync(
    bot.configPath,
    `  - { name: notes, database_url: "sqlite://${notesFile}", schedule: 30s, storage: disk }\n`,
  )
  if (abilities.has('mount')) mountDisks(bot)
  const clockFile = join(bot.folder, 'clock')
  writeFileSync(clockFile, '+0')
  process.env.TORTURE_CLOCK = clockFile
  const diskDir = abilities.has('mount') ? join(bot.folder, 'disk') : bot.storageDir
  const house: House = {
    bot,
    postgres,
    slack,
    s3,
    abilities,
    diskDir,
    places: { disk: behindDisk(diskDir), bucket: behindBucket(s3) },
    original: { shop: '', crm: '', notes: '' },
    setClock: (offset) => writeFileSync(clockFile, offset ?? '+0'),
    withApp: async (work) => {
      const app = await appDoor.openApp({ configPath: bot.configPath, role: 'command', verbose: false })
      try {
        return await work(app)
      } finally {
        await app.close()
      }
    },
    close: async () => {
      await bot.end('SIGKILL')
      if (abilities.has('mount')) unmountDisks(bot)
      await bot.remove()
      await slack.close()
      await s3.stop()
      await postgres.close()
    },
  }
  house.original = {
    shop: await hashOfPostgres(postgres, 'shop'),
    crm: await hashOfPostgres(postgres, 'crm'),
    notes: hashOfSqlite(notesFile),
  }
  return house
}

function behindDisk(folder: string): BehindPlace {
  return {
    ...localPlace('disk', folder),
    overwrite: (key, bytes) => writeFileSync(join(folder, key), bytes),
    drop: (key) => {
      rmSync(join(folder, key), { force: true })
      if (readdirSync(join(folder, dirname(key))).length === 0) rmdirSync(join(folder, dirname(key)))
    },
  }
}

/** Unfinished uploads count as objects that nobody knows. */
function behindBucket(s3: S3Server): BehindPlace {
  return {
    name: 'bucket',
    keys: () =>
      Promise.resolve([...s3.objects(), ...s3.openUploads().map(({ key }) => `unfinished upload of ${key}`)]),
    read: async (key) => s3.read(key),
    overwrite: s3.overwrite,
    drop: s3.drop,
  }
}

function abilitiesHere(): Set<Ability> {
  const here = new Set<Ability>()
  const isAlone = process.env.TORTURE_OWN_MOUNTS === '1' // scripts/torture.ts gave us a mount namespace
  if (isAlone && spawnSync('mount', ['--version']).status === 0) here.add('mount')
  if (existsSync(faketime)) here.add('faketime')
  return here
}

/** The service alone lives in a time of its own; its clock follows a file that a fault writes. */
const clockPrefix = [
  'sh',
  '-c',
  `exec env LD_PRELOAD=${faketime} FAKETIME_TIMESTAMP_FILE="$TORTURE_CLOCK" FAKETIME_NO_CACHE=1 NO_FAKE_STAT=1 FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"`,
  'sh',
]

function globalSettings({ tokens, apiUrl }: Playground): string {
  return `  slack: { bot_token: ${tokens.bot}, app_token: ${tokens.app}, api_url: "${apiUrl}", channel_id: ${channel} }
  retention: { max_age: 90s, min_keep: 2 }
  retry: { max_attempts: 2, delay: 1s, max_delay: 2s }
  timeout: { stall: 20s }
  max_parallel_strategies: 2`
}

const strategySettings = `  - { name: shop, database_url: "\${SHOP_URL}", schedule: manual, compression: zstd, storage: [disk, bucket] }
  - { name: crm, database_url: "\${CRM_URL}", schedule: manual, compression: gzip, storage: bucket }`

async function fillPostgres(postgres: PostgresServer): Promise<void> {
  await postgres.createDatabase('shop')
  await postgres.query(
    `CREATE TABLE orders AS SELECT g AS id, md5(g::text) || md5((g * 7)::text) AS note FROM generate_series(1, 170000) g;
     ALTER TABLE orders ADD PRIMARY KEY (id)`,
    'shop',
  )
  await postgres.createDatabase('crm')
  await postgres.query(
    `CREATE TABLE people (id integer PRIMARY KEY, name text);
     CREATE TABLE calls (id integer PRIMARY KEY, person integer REFERENCES people, said text);
     INSERT INTO people SELECT g, 'Zoë ' || md5(g::text) FROM generate_series(1, 4000) g;
     INSERT INTO calls SELECT g, 1 + g % 4000, md5((g * 3)::text) FROM generate_series(1, 20000) g`,
    'crm',
  )
}

function fillNotes(file: string): void {
  const notes = new DatabaseSync(file)
  notes.exec(`CREATE TABLE notes (id INTEGER PRIMARY KEY, words TEXT);
    INSERT INTO notes SELECT value, 'note ' || hex(randomblob(40)) FROM (
      WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 4000) SELECT value FROM n)`)
  notes.close()
}

/** Storage, temp and state lie on small disks of their own, so that each can be full, read-only or gone. */
function mountDisks({ folder, storageDir, tempDir, stateDir }: Bot): void {
  const disk = join(folder, 'disk')
  for (const path of [disk, tempDir, stateDir]) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskSize},mode=0700`, 'tmpfs', path])
  }
  execFileSync('mount', ['--bind', disk, storageDir])
}

function unmountDisks({ folder, storageDir, tempDir, stateDir }: Bot): void {
  for (const path of [storageDir, join(folder, 'disk'), tempDir, stateDir]) spawnSync('umount', ['-l', path])
}

const hashes: Record<'shop' | 'crm', string> = {
  shop: "SELECT md5(string_agg(o::text, '|' ORDER BY id)) AS hash FROM orders o",
  crm: `SELECT md5((SELECT string_agg(p::text, '|' ORDER BY id) FROM people p) ||
                   (SELECT string_agg(c::text, '|' ORDER BY id) FROM calls c)) AS hash`,
}

/** Every row of a database, as one hash. @param database the original or what was restored from it */
export async function hashOfPostgres(
  postgres: PostgresServer,
  strategy: 'shop' | 'crm',
  database: string = strategy,
): Promise<string> {
  const [row] = await postgres.query(hashes[strategy], database)
  return String(row!['hash'])
}

export function hashOfSqlite(file: string): string {
  const notes = new DatabaseSync(file, { readOnly: true })
  const rows = notes.prepare('SELECT id, words FROM notes ORDER BY id').all()
  notes.close()
  return JSON.stringify(rows)
}

/** The most memory the service has held since its start, in MiB. */
export function peakMemory(pid: number): number {
  try {
    const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return Math.round(Number(line?.[1] ?? 0) / 1024)
  } catch {
    return 0 // not running now
  }
}
