import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { startPlayground, type Playground } from '../../playground/server.ts'
import { actions, askPrefix } from '../../src/slack/actions.ts'
import { makeBot, until } from '../support/bot.ts'

const channel = 'C0BACKUPS'

function ordersIn(file: string, sql = ''): unknown {
  const database = new DatabaseSync(file)
  database.exec(sql)
  const { n } = database.prepare('SELECT count(*) AS n FROM orders').get()!
  database.close()
  return n
}

/** Messages of the request's thread, as people see them. */
const thread = (slack: Playground) => slack.messages(channel).flatMap(({ replies }) => replies)

test(
  'in Slack: restored in place from the dialog, undone by the button, done again after a crash',
  { timeout: 240_000 },
  async (t) => {
    const slack = await startPlayground({ rateLimits: false })
    const folder = await mkdtemp(join(tmpdir(), 'eb-undo-'))
    const { tokens, apiUrl } = slack
    const file = join(folder, 'shop.db')
    ordersIn(file, `CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1), (2), (3)`)
    const bot = await makeBot({
      global: `  slack: { bot_token: ${tokens.bot}, app_token: ${tokens.app}, api_url: "${apiUrl}", channel_id: ${channel} }
  schedule: manual`,
      strategies: `  - { name: shop, database_url: "sqlite://${file}" }`,
    })
    t.after(async () => {
      await bot.remove()
      await slack.close()
      await rm(folder, { recursive: true })
    })
    await bot.start()
    await until(() => slack.connections() > 0, 'the bot is in Slack')
    assert.equal((await bot.command('run', 'shop', '--wait')).code, 0)
    assert.equal(ordersIn(file, 'DELETE FROM orders WHERE id > 1'), 1)

    await slack.command('alice', channel, '/backup restore shop')
    await slack.until(() => JSON.stringify(slack.openViews('U0ALICE01')).includes('Show the plan'))
    const sent = await slack.submitView('alice', {
      target: 'in-place',
      typed: 'shop.db',
      reason: 'bad migration',
    })
    assert.deepEqual(sent.views.at(-1)?.errors, {})
    const card = () => slack.messages(channel).find(({ text }) => text.includes('in place of'))
    await slack.until(() => card() !== undefined, { what: 'the card', timeoutMs: 60_000 })
    assert.match(
      card()!.text,
      /safety backup → fetch and verify the backup → restore beside → compare 1 table → swap → keep the old one for 1 d/,
    )
    await slack.click('alice', card()!, actions.confirmRequest)
    const result = () => thread(slack).find(({ text }) => text.includes('is kept as'))
    await slack.until(() => result() !== undefined, { what: 'the result', timeoutMs: 60_000 })
    assert.equal(ordersIn(file), 3)
    assert.match(JSON.stringify(result()!.blocks), /Undo…/)

    const late = structuredClone(result()!)
    await slack.click('alice', late, `${askPrefix}undo`)
    await slack.until(() => JSON.stringify(result()?.blocks).includes('Redo…'), {
      what: 'undone',
      timeoutMs: 60_000,
    })
    assert.equal(ordersIn(file), 1)
    await slack.click('alice', late, `${askPrefix}undo`)
    const isTold = (): boolean =>
      slack
        .ephemerals('alice')
        .some(({ text }) => /already undone, or done again, by somebody else/.test(text))
    await slack.until(isTold, { what: 'told that it was too late', timeoutMs: 15_000 })
    assert.equal(ordersIn(file), 1)

    await bot.end('SIGKILL')
    await bot.start()
    await until(() => slack.connections() > 0, 'the bot is in Slack')
    await slack.click('alice', result()!, `${askPrefix}undo`)
    await slack.until(() => JSON.stringify(result()?.blocks).includes('Undo…'), {
      what: 'done again',
      timeoutMs: 60_000,
    })
    assert.equal(ordersIn(file), 3)
    assert.deepEqual((await readdir(folder)).length, 2, 'the one in place and the one that is kept')
  },
)
