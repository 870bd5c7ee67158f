import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startPlayground, type Playground } from '../../playground/server.ts'
import { makeBot, until, type Bot } from '../support/bot.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'

/** Every secret begins and ends with a word of its own: a form that is only half hidden is found too. */
const odd = `'"\\ :@/%$ü#?&+`
const passwords = {
  backup: `CaNaRyOne${odd}TaIlOne`,
  owner: `CaNaRyTwo${odd}TaIlTwo`,
  weak: `CaNaRySix${odd}TaIlSix`,
  wrong: `CaNaRyThree${odd}TaIlThree`,
}
const tokens = { bot: 'xoxb-CaNaRyFour-1', app: 'xapp-CaNaRyFive-1' }
const canaries = ['CaNaRy', 'TaIl']

test(
  'a password or token is nowhere: logs, Slack, arguments, files, state, health, answers',
  { timeout: 120_000 },
  async (t) => {
    const { bot, slack, server } = await furnish(t)
    const watched = watchProcesses()
    await bot.start()
    const said = [
      await bot.command('run', 'shop', '--wait'),
      await bot.command('run', 'broken', '--wait', '--verbose'),
      await bot.command('run', 'leaky', '--wait'),
      await bot.command('restore', 'shop', '--yes', '--reason', 'canary'),
    ]
    assert.deepEqual(
      said.map(({ code }) => code),
      [0, 27, 27, 0],
      JSON.stringify(said),
    )
    await askInSlack(slack)
    for (const words of [
      'status broken',
      'show shop',
      'log leaky',
      'config print',
      'status --json',
      'config print --json',
    ])
      said.push(await bot.command(...words.split(' ')))
    const health = await (await fetch(bot.healthUrl)).text()
    await server.query('ALTER ROLE backup NOLOGIN')
    said.push(await bot.command('run', 'shop', '--wait'), await bot.command('restore', 'shop', '--yes'))
    assert.equal(await bot.end('SIGTERM'), 0)
    const seen = watched.stop()
    assert.ok(
      seen.some((line) => line.includes('pg_dump')) && seen.some((line) => line.includes('pg_restore')),
    )
    const left = filesIn(bot.folder).filter((path) => !path.endsWith('/.env'))
    assert.ok(left.some((path) => path.endsWith('state.db')) && left.includes(bot.logPath))
    const places: [string, string][] = [
      ['arguments and environments of processes', seen.join('\n')],
      ['Slack', everythingIn(slack)],
      ['answers of the command line', JSON.stringify(said)],
      ['health', health],
      ...left.map((path): [string, string] => [path, readFileSync(path, 'latin1')]),
    ]
    for (const [place, text] of places)
      for (const canary of canaries) assert.ok(!text.includes(canary), `${place}: …${around(text, canary)}…`)
  },
)

async function furnish(t: TestContext): Promise<{ bot: Bot; slack: Playground; server: PostgresServer }> {
  const server = await startPostgres()
  t.after(() => server.close())
  await server.createDatabase('shop')
  await server.query(
    `CREATE ROLE backup LOGIN PASSWORD ${literal(passwords.backup)}; GRANT pg_read_all_data TO backup;
     CREATE ROLE weak LOGIN PASSWORD ${literal(passwords.weak)};
     CREATE ROLE owner LOGIN CREATEDB PASSWORD ${literal(passwords.owner)}`,
  )
  await server.query(
    `CREATE TABLE orders AS SELECT n AS id, repeat(md5(n::text), 20) AS note FROM generate_series(1, 20000) n`,
    'shop',
  )
  await server.createDatabase('leaky') // the server itself tells the password to whoever may not read this table
  await server.query(`CREATE TABLE "${passwords.weak.replaceAll('"', '""')}" (id int)`, 'leaky')
  const slack = await startPlayground({ rateLimits: false, tokens })
  t.after(() => slack.close())
  const at = `127.0.0.1:${server.port}/shop`
  const bot = await makeBot({
    global: `  schedule: manual
  retry: { max_attempts: 1 }
  slack: { bot_token: "\${SLACK_BOT_TOKEN}", app_token: "\${SLACK_APP_TOKEN}", api_url: "${slack.apiUrl}", channel_id: C0BACKUPS }`,
    strategies: `  - name: shop
    database_url: postgres://backup:\${DB_PASSWORD}@${at}
    restore: { database_url: "postgres://owner:\${OWNER_PASSWORD}@${at}" }
  - { name: leaky, database_url: "postgres://weak:\${WEAK_PASSWORD}@${at.replace('/shop', '/leaky')}" }
  - { name: broken, database_url: "\${BROKEN_URL}" }`,
  })
  t.after(() => bot.remove())
  const variables = {
    SLACK_BOT_TOKEN: tokens.bot,
    SLACK_APP_TOKEN: tokens.app,
    DB_PASSWORD: passwords.backup,
    OWNER_PASSWORD: passwords.owner,
    WEAK_PASSWORD: passwords.weak,
    BROKEN_URL: `postgres://backup:${encodeURIComponent(passwords.wrong)}@${at}`,
  }
  const lines = Object.entries(variables).map(([name, value]) => `${name}=\`${value}\``) // its own quotes are the back-ticks
  writeFileSync(join(bot.folder, '.env'), `${lines.join('\n')}\n`)
  return { bot, slack, server }
}

async function askInSlack(slack: Playground): Promise<void> {
  for (const words of [
    '',
    'status',
    'status broken',
    'list',
    'show shop',
    'run broken',
    'verify shop',
    'help',
  ])
    await slack.command('alice', 'C0BACKUPS', `/backup ${words}`)
  await slack.openHome('alice')
  const failures = () =>
    slack.messages('C0BACKUPS').filter(({ text }) => text.includes('broken · backup failed'))
  await until(() => failures().length === 2, 'both failures are told')
  const log = buttonOf(failures()[0]!.blocks, 'View Log')
  await slack.click('alice', failures()[0]!, log)
  await until(() => JSON.stringify(slack.openViews('alice')).includes('prints all of it'), 'the log is shown')
}

function buttonOf(blocks: unknown[], label: string): string {
  const text = JSON.stringify(blocks)
  const buttons = blocks.flatMap((block) => (block as { elements?: unknown[] }).elements ?? []) as {
    action_id?: string
    text?: { text?: string }
  }[]
  const found = buttons.find((button) => button.text?.text === label)?.action_id
  assert.ok(found, `${label} in ${text}`)
  return found
}

/** All that was sent to it, whatever became of it. */
function everythingIn(slack: Playground): string {
  return JSON.stringify([
    slack.transcript().map(({ method, args }) => [method, args]),
    slack.acks(),
    ['C0BACKUPS', 'C0ALERTS1', 'C0GENERAL'].map((channel) => slack.messages(channel)),
    slack.ephemerals('alice'),
    slack.openViews('alice'),
    slack.home('alice'),
  ])
}

/** Arguments and environments of every process, looked at again and again. */
function watchProcesses(): { stop(): string[] } {
  const seen = new Set<string>()
  const look = (): void => {
    for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      for (const file of ['cmdline', 'environ'])
        try {
          seen.add(readFileSync(`/proc/${id}/${file}`, 'utf8').replaceAll('\0', ' '))
        } catch {
          // it has ended, or belongs to somebody else
        }
  }
  const timer = setInterval(look, 10)
  timer.unref()
  return {
    stop() {
      clearInterval(timer)
      return [...seen]
    },
  }
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function around(text: string, canary: string): string {
  const at = text.indexOf(canary)
  return text.slice(Math.max(0, at - 100), at + 60)
}
