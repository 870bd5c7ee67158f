import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { startPlayground, type Playground } from '../../playground/server.ts'
import { makeBot, until, type Bot } from '../support/bot.ts'

const minute = 60_000

interface Scene {
  slack: Playground
  bot: Bot
  /** Slack's clock goes on by itself, and by this. */
  pass(ms: number): void
  alarms(): string[]
}

async function scene(t: TestContext): Promise<Scene> {
  let ahead = 0
  const slack = await startPlayground({ clock: { now: () => Date.now() + ahead }, rateLimits: false })
  const { tokens, apiUrl } = slack
  const bot = await makeBot({
    global: `  slack: { bot_token: ${tokens.bot}, app_token: ${tokens.app}, api_url: "${apiUrl}", channel_id: C0BACKUPS, channels: { failure: C0ALERTS1 }, mention_on_failure: [S0DBA0001] }`,
    strategies: `  - { name: shop, database_url: "sqlite:///nowhere/shop.db", schedule: 1d }`,
  })
  t.after(async () => {
    await bot.remove()
    await slack.close()
  })
  return {
    slack,
    bot,
    pass: (ms) => {
      ahead += ms
      slack.tick()
    },
    alarms: () => slack.messages('C0ALERTS1').map(({ text }) => text),
  }
}

const held = ({ slack }: Scene): Promise<void> =>
  until(() => slack.scheduled().length === 1, 'Slack holds one message')

test('killed: Slack says so at its time, and the bot closes it with a new message when it is back', async (t) => {
  const here = await scene(t)
  await here.bot.start()
  await held(here)
  await here.bot.end('SIGKILL')
  here.pass(29 * minute)
  assert.deepEqual(here.alarms(), [])
  here.pass(13 * minute)
  assert.match(here.alarms()[0]!, /^🚨 <!subteam\^S0DBA0001> \*No heartbeat from easy-backup on \S+ since /)
  assert.equal(here.slack.scheduled().length, 0)
  await here.bot.start()
  await until(() => here.alarms().length === 2, 'it says that it is back')
  assert.match(here.alarms()[1]!, /^ℹ️ easy-backup on \S+ is back after 42 min\nNo backup was missed\./)
  await held(here)
})

test('SIGTERM: stopped on purpose, nothing stays scheduled; a restart is no news', async (t) => {
  const here = await scene(t)
  await here.bot.start()
  await held(here)
  assert.equal(await here.bot.end('SIGTERM'), 0, (await readFile(here.bot.logPath, 'utf8')).slice(-2_000))
  assert.deepEqual(here.slack.scheduled(), [])
  assert.match(here.alarms()[0]!, /^ℹ️ easy-backup on \S+ was stopped on purpose\nNo backup runs until/)
  here.pass(60 * minute)
  await here.bot.start()
  await held(here)
  await until(() => /is back after/.test(here.alarms()[0]!), 'the message is edited')
  assert.equal(here.alarms().length, 1)
})
