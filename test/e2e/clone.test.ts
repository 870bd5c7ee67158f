import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { startPlayground, type Playground } from '../../playground/server.ts'
import { actions } from '../../src/slack/actions.ts'
import { makeBot, type Bot } from '../support/bot.ts'

const staff = ['U0ALICE01', 'U0BOB0001', 'U0CAROL01', 'U0EASYBKP']
const patient = { timeoutMs: 30_000 }

interface Scene {
  slack: Playground
  bot: Bot
  staging: string
}

/** A real service with a protected place for copies, in a Slack with three colleagues. */
async function scene(t: TestContext): Promise<Scene> {
  const slack = await startPlayground({
    rateLimits: false,
    channels: [{ id: 'C0BACKUPS', name: 'backups', members: staff }],
  })
  const { tokens, apiUrl } = slack
  const folder = await mkdtemp(join(tmpdir(), 'eb-clone-'))
  const staging = join(folder, 'staging.db')
  const bot = await makeBot({
    global: `  slack: { bot_token: ${tokens.bot}, app_token: ${tokens.app}, api_url: "${apiUrl}", channel_id: C0BACKUPS }
  access: { restore: [U0ALICE01], approve: [U0CAROL01], admin: [U0BOB0001] }
  schedule: manual`,
    strategies: `  - name: shop
    database_url: "sqlite://${folder}/shop.db"
    clones:
      staging: { database_url: "sqlite://${staging}", sanitize: [clean.sql], drop_after: 7d, protected: true }`,
  })
  writeFileSync(join(bot.folder, 'clean.sql'), `UPDATE people SET name = 'nobody'`)
  const database = new DatabaseSync(join(folder, 'shop.db'))
  database.exec(`CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob')`)
  database.close()
  t.after(async () => {
    await bot.remove()
    await slack.close()
    await rm(folder, { recursive: true })
  })
  return { slack, bot, staging }
}

function namesIn(path: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database.prepare('SELECT name FROM people ORDER BY id').all()
  database.close()
  return rows.map(({ name }) => name)
}

const shown = (slack: Playground): string => JSON.stringify(slack.openViews('U0ALICE01'))
const cards = (slack: Playground) => slack.messages('C0BACKUPS')
const said = (slack: Playground): string => JSON.stringify(cards(slack).map(({ text }) => text))

test('a copy is asked for in Slack; over another one it needs the typed name, a reason and a second person', async (t) => {
  const { slack, bot, staging } = await scene(t)
  await bot.start()
  const backup = await bot.command('run', 'shop', '--wait')
  assert.equal(backup.code, 0, backup.stderr)

  await slack.command('alice', 'C0BACKUPS', '/backup clone shop staging')
  await slack.until(() => shown(slack).includes('Ask for it'), patient)
  assert.match(shown(slack), /run clean\.sql/)
  await slack.submitView('alice', { reason: 'a bug to look at' })
  await slack.until(() => /Copy shop into staging/.test(said(slack)), patient)
  await slack.closeView('alice')
  const first = cards(slack).findLast(({ text }) => text.includes('Copy shop into staging'))!
  assert.equal(existsSync(staging), false)
  await slack.click('alice', first, actions.confirmRequest)
  await slack.until(() => /✅ Copied shop into staging/.test(said(slack)), { what: 'copied', ...patient })
  assert.deepEqual(namesIn(staging), ['nobody', 'nobody'])
  const thread = (): string =>
    JSON.stringify(
      cards(slack)
        .find(({ ts }) => ts === first.ts)!
        .replies.map(({ text }) => text),
    )
  const isTold = () => /sanitized: clean\.sql \(2 rows changed\)[^]*it is dropped /i.test(thread())
  await slack.until(isTold, { what: `what was sanitized, not ${thread()}`, ...patient })

  await slack.command('alice', 'C0BACKUPS', '/backup clone shop staging')
  await slack.until(() => shown(slack).includes('type staging.db'), patient)
  const wrong = await slack.submitView('alice', { typed: 'stagign', reason: 'fresher data' })
  assert.deepEqual(wrong.views.at(-1)?.errors, { typed: 'Type staging.db, exactly, to overwrite it.' })
  await slack.submitView('alice', { typed: 'staging.db', reason: 'fresher data' })
  await slack.until(() => /Needs a second person/.test(said(slack)), patient)
  const second = cards(slack).findLast(({ text }) => text.includes('Needs a second person'))!
  await slack.click('alice', second, actions.approveRequest)
  await slack.until(() => slack.ephemerals('U0ALICE01').some(({ text }) => text.startsWith('⛔ ')), patient)
  await slack.click('carol', second, actions.approveRequest)
  const isDone = () => /✅ Copied/.test(cards(slack).find(({ ts }) => ts === second.ts)!.text)
  await slack.until(isDone, { what: 'copied again', ...patient })
  assert.deepEqual(readdirSync(join(staging, '..')).toSorted(), ['shop.db', 'staging.db'])

  const unknown = await bot.command('clone', 'shop', 'stagign', '--yes')
  assert.deepEqual([unknown.code, /did you mean staging\?/.test(unknown.stderr)], [5, true], unknown.stderr)
  const dry = await bot.command('clone', 'shop', 'staging', '--dry-run')
  assert.equal(dry.code, 0, dry.stderr)
  assert.match(dry.stdout, /Copy shop into staging[^]*EXISTS AND IS OVERWRITTEN[^]*run clean\.sql/)
  const glass = await bot.command('clone', 'shop', 'staging', '--yes', '--reason', 'the demo is at ten')
  assert.equal(glass.code, 0, glass.stderr)
  assert.match(glass.stdout + glass.stderr, /copied into .*staging\.db \(staging\)/)
  const status = await bot.command('status', 'shop')
  assert.match(status.stdout, /Copy +staging: .*staging\.db on .* is dropped/)
})

test('a pipeline waits for its backup beside a running service, and alone: id, pin and exit code', async (t) => {
  const { bot } = await scene(t)
  const alone = await bot.command('run', 'shop', '--pin', 'before 2.13', '--wait')
  assert.equal(alone.code, 0, alone.stderr)
  await bot.start()
  const made = await bot.command('run', 'shop', '--pin', 'before 2.14', '--wait')
  assert.equal(made.code, 0, made.stderr)
  const [id] = /shop-\d{8}T\d{6}Z-[a-z0-9]{4}/.exec(made.stdout) ?? []
  assert.ok(id, made.stdout)
  const all = made.stdout + made.stderr
  assert.equal(stripVTControlCharacters(all).replace('\r', ''), all)
  const json = await bot.command('run', 'shop', '--pin', 'before 2.15', '--wait', '--json')
  assert.equal(json.code, 0, json.stderr)
  const facts = JSON.parse(json.stdout) as { backup: { id: string }; state: string }
  assert.equal(facts.state, 'succeeded')
  const listed = JSON.parse((await bot.command('list', 'shop', '--json')).stdout) as {
    id: string
    pin: { note: string } | null
  }[]
  const notes = new Map(listed.map(({ id: one, pin }) => [one, pin?.note]))
  assert.equal(notes.get(id), 'before 2.14')
  assert.equal(notes.get(facts.backup.id), 'before 2.15')
  assert.ok([...notes.values()].includes('before 2.13'))
  await rm(join(bot.folder, 'storage'), { recursive: true })
  const failed = await bot.command('run', 'shop', '--pin', 'never', '--wait')
  assert.notEqual(failed.code, 0)
  assert.ok(failed.stderr !== '')
})
