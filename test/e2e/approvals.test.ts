import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { startPlayground, type Playground } from '../../playground/server.ts'
import { actions } from '../../src/slack/actions.ts'
import { makeBot, until, type Bot } from '../support/bot.ts'

const approvals = 'C0APPROVE'
const leads = 'S0LEADS01'
const staff = ['U0ALICE01', 'U0BOB0001', 'U0CAROL01', 'U0GUS0001', 'U0EASYBKP']

interface Scene {
  slack: Playground
  bot: Bot
  /** Where the databases are. */
  folder: string
}

/** On a busy machine. */
const patient = { timeoutMs: 20_000 }

type Card = ReturnType<Playground['messages']>[number]

/** A real service on a protected database, in a Slack with three colleagues and a guest. */
async function scene(t: TestContext): Promise<Scene> {
  const slack = await startPlayground({
    rateLimits: false,
    channels: ['C0BACKUPS', approvals].map((id) => ({ id, name: id.toLowerCase(), members: staff })),
    usergroups: [{ id: leads, handle: 'leads', name: 'Leads', members: ['U0CAROL01'] }],
  })
  const { tokens, apiUrl } = slack
  const folder = await mkdtemp(join(tmpdir(), 'eb-approvals-'))
  const bot = await makeBot({
    global: `  slack: { bot_token: ${tokens.bot}, app_token: ${tokens.app}, api_url: "${apiUrl}", channel_id: C0BACKUPS, channels: { approvals: ${approvals} } }
  access: { restore: [U0BOB0001], approve: [${leads}], admin: [U0ALICE01] }
  schedule: manual`,
    strategies: `  - { name: shop, database_url: "sqlite://${folder}/shop.db", protected: true }`,
  })
  t.after(async () => {
    await bot.remove()
    await slack.close()
    await rm(folder, { recursive: true })
  })
  return { slack, bot, folder }
}

function makeDatabase(path: string, table: string): void {
  const database = new DatabaseSync(path)
  database.exec(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY); INSERT INTO ${table} VALUES (1), (2)`)
  database.close()
}

function tablesOf(path: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database.prepare('SELECT name FROM sqlite_master').all()
  database.close()
  return rows.map(({ name }) => name)
}

/** Waits until this person alone was told so; a busy machine answers late. */
function hears(slack: Playground, user: string, words: RegExp): Promise<void> {
  const isTold = (): boolean => slack.ephemerals(user).some(({ text }) => words.test(text))
  return slack.until(isTold, { what: `${user} hears ${words.source}`, timeoutMs: 20_000 })
}
const inPerson = (slack: Playground, user: string): string =>
  slack.messages(`D${user.slice(1)}`).at(-1)?.text ?? ''

/** Alice fills in the dialog, and the plan is in the approvals channel. */
async function asks({ slack }: Scene, reason: string): Promise<Card> {
  const before = slack.messages(approvals).length
  await slack.command('alice', 'C0BACKUPS', '/backup restore shop')
  await slack.until(() => JSON.stringify(slack.openViews('U0ALICE01')).includes('Show the plan'), patient)
  const filled = { target: 'overwrite', database: 'precious.db', typed: 'precious', reason: '' }
  const wrong = await slack.submitView('alice', filled)
  assert.deepEqual(wrong.views.at(-1)?.errors, {
    typed: 'Type precious.db, exactly, to overwrite it.',
    reason: 'Say why: somebody else decides by it.',
  })
  await slack.submitView('alice', { ...filled, typed: 'precious.db', reason })
  await slack.until(() => slack.messages(approvals).length > before, { what: 'the card', timeoutMs: 20_000 })
  await slack.until(
    () => JSON.stringify(slack.openViews('U0ALICE01')).includes('somebody else has to approve it'),
    patient,
  )
  await slack.closeView('alice')
  return slack.messages(approvals).at(-1)!
}

const cardNow = (slack: Playground, { ts }: Card): Card =>
  slack.messages(approvals).find((one) => one.ts === ts)!
const says = (slack: Playground, card: Card, words: RegExp) => (): boolean =>
  words.test(cardNow(slack, card).text)

test(
  'three people and one protected database, with the bot killed between each two steps',
  { timeout: 180_000 },
  async (t) => {
    const here = await scene(t)
    const { slack, bot, folder } = here
    makeDatabase(join(folder, 'shop.db'), 'orders')
    const precious = join(folder, 'precious.db')
    makeDatabase(precious, 'precious')
    await again(here)
    const backup = await bot.command('run', 'shop', '--wait')
    assert.equal(backup.code, 0, backup.stderr)

    const card = await asks(here, 'bad migration at 10:40')
    assert.match(
      card.text,
      /^🟡 Restore shop into \S*precious\.db\?  asked by <@U0ALICE01> · "bad migration at 10:40"/,
    )
    assert.match(card.text, /Needs a second person from <!subteam\^S0LEADS01> · expires/)

    await again(here)
    await slack.click('alice', card, actions.approveRequest)
    await hears(
      slack,
      'U0ALICE01',
      /^⛔ You can ask for this restore but not approve it: somebody else of <!subteam\^S0LEADS01> has to\./,
    )

    await again(here)
    await slack.click('bob', card, actions.approveRequest)
    await hears(slack, 'U0BOB0001', /^⛔ .*approve.* of shop is for <!subteam\^S0LEADS01> or <@U0ALICE01>/)
    await slack.click('gus', card, actions.approveRequest)
    await hears(slack, 'U0GUS0001', /^⛔ .* not for guests/)
    assert.deepEqual(tablesOf(precious), ['precious'])

    await again(here)
    slack.misbehave({ method: 'interactive', kind: 'duplicate-envelopes', times: 20 })
    const clicks = Array.from({ length: 6 }, () => slack.click('carol', card, actions.approveRequest))
    await Promise.all([...clicks, slack.click('alice', card, actions.approveRequest)])
    slack.behave()
    await slack.until(says(slack, card, /^✅ Restored shop into/), { what: 'restored', timeoutMs: 30_000 })
    const late = (): number =>
      slack.ephemerals('U0CAROL01').filter(({ text }) => /already (approved|done)/.test(text)).length
    await slack.until(() => late() === 5, { what: 'each click but one is told so, once', timeoutMs: 20_000 })
    assert.match(cardNow(slack, card).text, /approved by <@U0CAROL01> · .* · done · run/)
    assert.ok(!JSON.stringify(cardNow(slack, card).blocks).includes('"button"'), 'the card is a record')
    assert.deepEqual(tablesOf(precious), ['orders'])
    await slack.until(() => /carried out/.test(inPerson(slack, 'U0ALICE01')), {
      what: 'Alice is told',
      timeoutMs: 20_000,
    })

    await again(here)
    await slack.click('carol', card, actions.approveRequest)
    await hears(
      slack,
      'U0CAROL01',
      /^ℹ️ This restore is already done \(approved by <@U0CAROL01> at \d\d:\d\d UTC\)\./,
    )

    const taken = await asks(here, 'once more')
    slack.setGroup(leads, [])
    await slack.click('carol', taken, actions.approveRequest)
    await hears(slack, 'U0CAROL01', /^⛔ /)
    const onHost = await bot.command('approve', idIn(taken), '--reason', 'carol is on holiday', '--wait')
    assert.equal(onHost.code, 0, onHost.stderr)
    await slack.until(says(slack, taken, /^🚨 Restored shop/), {
      what: 'the card follows',
      timeoutMs: 20_000,
    })
    assert.match(cardNow(slack, taken).text, /Done on the host without the second person it needs/)
    await slack.click('alice', cardNow(slack, taken), actions.reviewRequest)
    await slack.until(says(slack, taken, /^✅ Restored shop[^]*reviewed by <@U0ALICE01>/), {
      what: 'reviewed',
    })

    slack.setGroup(leads, ['U0CAROL01'])
    const refused = await asks(here, 'and again')
    await slack.click('carol', refused, actions.rejectRequest)
    await slack.until(() => JSON.stringify(slack.openViews('U0CAROL01')).includes('"Reject"'), patient)
    await slack.submitView('carol', { reason: 'the shop is open' })
    await slack.until(says(slack, refused, /^⛔ Not restored: shop/), { what: 'rejected', timeoutMs: 20_000 })
    await slack.until(
      () => /rejected by <@U0CAROL01> · "the shop is open"/.test(inPerson(slack, 'U0ALICE01')),
      {
        what: 'Alice reads why',
      },
    )

    const voided = await asks(here, 'too late')
    makeDatabase(join(folder, 'other.db'), 'other')
    renameSync(join(folder, 'other.db'), precious)
    await slack.click('carol', voided, actions.approveRequest)
    await hears(
      slack,
      'U0CAROL01',
      /is another database now than the one that was shown; nothing was touched/,
    )
    await slack.until(says(slack, voided, /^⚪ Not restored: shop[^]*void: \S*precious\.db on /), {
      what: 'void',
    })
    assert.deepEqual(tablesOf(precious), ['other'])
  },
)

/** Killed and started; Slack has it again. */
async function again({ bot, slack }: Scene): Promise<void> {
  await bot.end('SIGKILL')
  await bot.start()
  await until(() => slack.connections() > 0, 'the bot is in Slack')
}

/** The request of a card, as its buttons carry it. */
function idIn({ blocks }: Card): string {
  return /\\"id\\":\\"(rq-[a-z0-9]+)\\"/.exec(JSON.stringify(blocks))![1]!
}
