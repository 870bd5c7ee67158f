import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import type { Manifest } from '../../src/core/model.ts'
import { makeBot, type Bot } from '../support/bot.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'

/** Acceptance: each compression with each encryption, restored equal by easy-backup and by stock programs with the printed commands.
 * The suite takes two of them; `EVERY=1 SAMPLE_MB=200` takes all of them with that much data. */
const all = ['gzip', 'zstd', 'none'].flatMap((compression) =>
  ['none', 'age', 'age-passphrase', 'gpg', 'gpg-passphrase'].map((encryption) => ({
    compression,
    encryption,
  })),
)
const few = ['gzip/age', 'zstd/gpg-passphrase']
const named = ({ compression, encryption }: (typeof all)[number]): string => `${compression}/${encryption}`
const cases = process.env.EVERY ? all : all.filter((each) => few.includes(named(each)))
const rows = Math.ceil(Number(process.env.SAMPLE_MB ?? 1) * 6_500)

const passphrase = 'nobody guesses this sentence'
let folder: string
let server: PostgresServer
let bot: Bot
const keyFiles: Record<string, string> = {}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'eb-keys-'))
  server = await startPostgres()
  await server.createDatabase('shop')
  await server.query(
    `CREATE TABLE orders (id int PRIMARY KEY, item text, made timestamptz);
     INSERT INTO orders SELECT n, md5(n::text) || md5((n * 7)::text) || repeat(md5((n / 3)::text), 2), now()
       FROM generate_series(1, ${rows}) n;
     CREATE TABLE people (id int PRIMARY KEY, name text); INSERT INTO people VALUES (1, 'Zoë'), (2, NULL)`,
    'shop',
  )
  const rules = { age: ageRule(), gpg: gpgRule() }
  const strategies = cases.map(({ compression, encryption }) => {
    const type = encryption.slice(0, 3) as 'age' | 'gpg'
    const key = encryption.endsWith('passphrase') ? `passphrase: ${passphrase}` : rules[type]
    const rule = encryption === 'none' ? 'none' : `{ type: ${type}, ${key}, waive_decrypt_test: true }`
    const url = `database_url: "${server.url('shop')}"`
    return `  - { name: ${compression}-${encryption}, ${url}, schedule: manual, compression: ${compression}, encryption: ${rule} }`
  })
  bot = await makeBot({ strategies: strategies.join('\n') })
})

after(async () => {
  execFileSync('gpgconf', ['--kill', 'all'], { env: environment() })
  await bot?.remove()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

for (const { compression, encryption } of cases)
  test(`${compression} with ${encryption}: restored equal by easy-backup, and by stock programs with the printed commands`, async () => {
    const strategy = `${compression}-${encryption}`
    const made = await bot.command('run', strategy)
    assert.equal(made.code, 0, made.stderr)

    const key = keyFiles[encryption] ? ['--key-file', keyFiles[encryption]] : []
    const target = `by_us_${strategy.replaceAll('-', '_')}`
    const restored = await bot.command('restore', strategy, '--target-db', target, ...key, '--yes')
    assert.equal(restored.code, 0, restored.stderr)
    assert.deepEqual(await contentOf(target), await contentOf('shop'))
    await server.query(`DROP DATABASE ${target}`, 'postgres')

    await byHand(strategy, encryption)
    assert.deepEqual(await contentOf('restored'), await contentOf('shop'))
    await server.query('DROP DATABASE restored', 'postgres')
  })

/** What `show` prints, in the folder of the copied files, as whoever has the key. */
async function byHand(strategy: string, encryption: string): Promise<void> {
  const shown = JSON.parse((await bot.command('show', strategy, '--json')).stdout) as {
    manifest: Manifest
    copies: { location: string }[]
  }
  const work = join(folder, strategy)
  cpSync(shown.copies[0]!.location, work, { recursive: true })
  const commands = shown.manifest.restoreCommands.map((command) =>
    command.replaceAll('KEYFILE', keyFiles[encryption] ?? ''),
  )
  assert.match(commands.join('\n'), /pg_restore/)
  for (const command of commands) {
    const asks = encryption.endsWith('passphrase') && /^(age|gpg) /.test(command)
    if (asks) await onTerminal(command, work)
    else await promisify(execFile)('sh', ['-ec', command], { cwd: work, env: environment() })
  }
  rmSync(work, { recursive: true })
}

/** The program asks the person who sits there, on a pseudo-terminal; what was typed before it asks, it throws away. */
function onTerminal(command: string, cwd: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const words = ['--quiet', '--return', '--command', command, '/dev/null']
  const child = spawn('script', words, { cwd, env: environment(), stdio: ['pipe', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    if (/passphrase[^\n]*: ?$/i.test(said)) child.stdin.write(`${passphrase}\n`)
  })
  child.once('error', reject)
  child.once('exit', (code) =>
    code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}: ${said}`)),
  )
  return promise
}

function environment(): NodeJS.ProcessEnv {
  const { hostname, port, username, password } = new URL(server.url('postgres'))
  return {
    ...process.env,
    PGHOST: decodeURIComponent(hostname),
    PGPORT: port,
    PGUSER: username,
    PGPASSWORD: decodeURIComponent(password),
    GNUPGHOME: join(folder, 'gnupg'),
  }
}

function ageRule(): string {
  const file = join(folder, 'age.txt')
  execFileSync('age-keygen', ['-o', file], { stdio: 'ignore' })
  keyFiles.age = file
  return `recipients: [${execFileSync('age-keygen', ['-y', file]).toString().trim()}]`
}

/** gpg asks on the terminal itself: no window, no helper. */
function gpgRule(): string {
  const home = join(folder, 'gnupg')
  mkdirSync(home, { mode: 0o700 })
  writeFileSync(join(home, 'gpg.conf'), 'pinentry-mode loopback\n')
  const gpg = (...words: string[]): Buffer =>
    execFileSync('gpg', ['--batch', '--quiet', ...words], { env: { ...process.env, GNUPGHOME: home } })
  gpg('--passphrase', '', '--quick-gen-key', 'backup@example.org', 'future-default', 'default', 'never')
  const file = join(folder, 'public.asc')
  writeFileSync(file, gpg('--export', '--armor'))
  keyFiles.gpg = join(folder, 'private.asc')
  writeFileSync(keyFiles.gpg, gpg('--export-secret-keys', '--armor'), { mode: 0o600 })
  return `recipients: [${file}]`
}

async function contentOf(database: string): Promise<unknown> {
  return server.query(
    `SELECT (SELECT concat(count(*), ' ', sum(hashtextextended(o::text, 0))) FROM orders o) AS orders,
            (SELECT string_agg(p::text, ';' ORDER BY id) FROM people p) AS people`,
    database,
  )
}
