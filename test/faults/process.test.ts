import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import pg from 'pg'
import { assertBot } from '../support/bot-scene.ts'
import { makeBot, until, type Bot, type BotSettings } from '../support/bot.ts'
import { makeFolder } from '../support/local.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'

/** The real service with one PostgreSQL database of a table that a test can hold. */
async function serve(
  t: TestContext,
  settings: Partial<BotSettings> = {},
): Promise<{ bot: Bot; postgres: PostgresServer }> {
  const postgres = await startPostgres()
  t.after(() => postgres.close())
  await postgres.createDatabase('shop')
  await postgres.query('CREATE TABLE orders AS SELECT g AS id FROM generate_series(1, 5000) g', 'shop')
  const bot = await makeBot({
    strategies: '  - { name: shop, database_url: "${SHOP_URL}", schedule: manual }',
    environment: { SHOP_URL: postgres.url('shop') },
    ...settings,
  })
  t.after(() => bot.remove())
  await bot.start()
  return { bot, postgres }
}

async function hold(postgres: PostgresServer): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: postgres.url('shop') })
  client.on('error', () => undefined)
  await client.connect()
  await client.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE')
  return () => client.end()
}

const lastRun = async (bot: Bot): Promise<{ id: string; state: string }> => {
  const { stdout } = await bot.command('status', 'shop', '--json')
  const id = /"id":\s*"(r[^"]+)"/.exec(stdout)?.[1] ?? ''
  const state = /"state":\s*"(\w+)"/.exec(stdout)?.[1] ?? ''
  return { id, state }
}

suite('the real service', () => {
  test('stopped for longer than anything waits, it keeps its run, and nobody else takes it', async (t) => {
    const here = await serve(t)
    const letGo = await hold(here.postgres)
    await here.bot.command('run', 'shop')
    await sessionOf(here.postgres)
    process.kill(here.bot.pid(), 'SIGSTOP')
    const other = await here.bot.command('run', 'shop')
    assert.equal(other.code, 7, `the run is still somebody's: ${other.stderr}`)
    await letGo()
    await new Promise((next) => setTimeout(next, 2_000)) // its dump ends meanwhile
    process.kill(here.bot.pid(), 'SIGCONT')
    await until(async () => (await lastRun(here.bot)).state !== 'running', 'the run ended')
    const { stdout } = await here.bot.command('list', '--json')
    assert.equal((JSON.parse(stdout) as unknown[]).length, 1)
    await assertBot(here.bot, here.postgres)
  })

  test('an error that nobody handled is logged, and ends neither the service nor its backups', async (t) => {
    const trap = join(await makeFolder(t), 'lose-a-promise.mjs')
    writeFileSync(trap, `process.on('SIGUSR2', () => void Promise.reject(new Error('lost by a library')))`)
    const here = await serve(t, { serviceEnvironment: { NODE_OPTIONS: `--import=${trap}` } })
    process.kill(here.bot.pid(), 'SIGUSR2')
    await until(() => readFileSync(here.bot.logPath, 'utf8').includes('lost by a library'), 'it was logged')
    const run = await here.bot.command('run', 'shop', '--wait')
    assert.equal(run.code, 0, run.stderr)
    await assertBot(here.bot, here.postgres)
  })

  test('with few file descriptors a backup ends well or is told, and the service lives', async (t) => {
    const here = await serve(t, { prefix: ['prlimit', '--nofile=48'] })
    const ends = []
    for (let round = 0; round < 3; round++) {
      const asked = [here.bot.command('run', 'shop', '--wait'), here.bot.command('verify', 'shop', '--wait')]
      ends.push(...(await Promise.all(asked)).map(({ code }) => code))
    }
    t.diagnostic(`exit codes ${ends.join(' ')}`)
    assert.ok((await fetch(here.bot.healthUrl)).status > 0, 'health answers')
    await until(async () => (await lastRun(here.bot)).state !== 'running', 'every run ended')
    await assertBot(here.bot, here.postgres)
  })

  test('SIGTERM in the middle of a dump: it exits 0 in time, and the run is told as interrupted', async (t) => {
    const here = await serve(t)
    const letGo = await hold(here.postgres)
    await here.bot.command('run', 'shop')
    await sessionOf(here.postgres)
    const begun = performance.now()
    assert.equal(await here.bot.end('SIGTERM'), 0)
    assert.ok(performance.now() - begun < 30_000)
    await letGo()
    await here.bot.start()
    assert.equal((await lastRun(here.bot)).state, 'interrupted')
    await assertBot(here.bot, here.postgres)
  })
})

async function sessionOf(postgres: PostgresServer): Promise<void> {
  const sql =
    "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'easy-backup %' AND wait_event_type = 'Lock'"
  await until(async () => (await postgres.query(sql)).length > 0, 'the dump waits for the table')
}
