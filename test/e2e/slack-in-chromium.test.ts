import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBrowser, openSlack, type SlackPage } from './support/browser.ts'
import { startWorld, type World } from './support/world.ts'

test('the main job, in the page, with a real bot and a real server', { timeout: 300_000 }, async (t) => {
  const world = await startWorld(t)
  const browser = await openBrowser()
  t.after(() => browser.close())
  const slack = await openSlack(browser, world.slack.url)
  for (const [title, walk] of walks) await t.test(title, () => walk(slack, world))
  assert.deepEqual(slack.errors, [], 'the page stumbled over nothing')
})

type Walk = (slack: SlackPage, world: World) => Promise<void>

const walks: [string, Walk][] = [
  ['run: a thread with its result', runs],
  ['list, status, schedule, show and verify answer', asks],
  ['restore: dialog, plan, Confirm, and every row is there again', restores],
  ['a drill restores for real, tells its numbers in its thread, and leaves nothing', drills],
  ['a backup is cancelled in the middle and leaves nothing', cancels],
  ['a failure is told in its thread, and heard in #alerts', fails],
  ['a member may not restore, a guest may nothing', refuses],
  ['Confirm works after kill -9, and a second click explains itself', survives],
  ['the home shows every strategy', home],
]

async function runs(slack: SlackPage): Promise<void> {
  await slack.open('backups')
  await slack.say('/backup run shop')
  const card = await slack.sees(/shop · backed up in .* · [\d.]+ kB/)
  await slack.seesReply(card, /kB stored \(.* raw\) in disk/)
  await slack.seesReply(card, /decoded whole · 2 tables, 12,000 rows/)
}

async function asks(slack: SlackPage): Promise<void> {
  await slack.say('/backup list')
  const list = await slack.seesPrivately('1 backup')
  await list.getByRole('rowheader', { name: /^shop-\d{8}T\d{6}Z-[a-z0-9]{4}$/ }).waitFor()
  await slack.say('/backup status')
  const status = await slack.seesPrivately(/2 strategies/)
  await status.getByRole('rowheader', { name: 'broken' }).waitFor()
  await slack.say('/backup schedule')
  await slack.seesPrivately(/^.*Schedule|nothing is planned/is)
  await slack.say('/backup show latest --strategy shop')
  await slack.seesPrivately(/pg_restore .*'shop\.dump'/)
  await slack.say('/backup verify shop')
  await slack.sees(/shop · verified in .* decoded whole, 2 tables, 12,000 rows/)
}

async function restores(slack: SlackPage, world: World): Promise<void> {
  await slack.message(/shop · backed up/).getByRole('button', { name: 'Restore…' }).click() // prettier-ignore
  await askForRestore(slack, 'look at last week')
  await slack.sees(/Restore shop into shop_restore_\w+\?/)
  await slack
    .message(/Restore shop into/)
    .getByRole('button', { name: 'Confirm' })
    .click()
  const database = await restored(slack, 'look at last week')
  assert.equal(await world.hashOf(database), await world.hashOf('shop'))
}

async function drills(slack: SlackPage, world: World): Promise<void> {
  await slack.say('/backup drill shop')
  const card = await slack.sees(/shop · drill passed · restored in .* · 2 tables, 12,000 rows/)
  await slack.seesReply(card, /equal to what was dumped .* a scratch PostgreSQL .*evidence in disk/s)
  await slack.say('/backup list shop')
  await slack.seesPrivately(/restored just now/)
  assert.deepEqual((await world.files()).unfinished, [])
}

async function askForRestore(slack: SlackPage, reason: string): Promise<void> {
  const form = slack.dialog()
  assert.ok(await form.getByRole('radio', { name: /A new database beside it/ }).isChecked())
  await form.getByRole('textbox', { name: /Reason/ }).fill(reason)
  await form.getByRole('button', { name: 'Show the plan' }).click()
  await form.getByText('confirm it there').waitFor()
  await slack.closeDialog()
}

/** @returns the name of the database that is there now */
async function restored(slack: SlackPage, reason: string): Promise<string> {
  const card = await slack.sees(new RegExp(`Restored shop into shop_restore_\\w+.*${reason}`, 's'))
  assert.equal(await card.getByRole('button', { name: 'Confirm' }).count(), 0, 'the card is a record now')
  const reply = await slack.seesReply(card, /2 tables, 12,000 rows in/)
  return /shop_restore_\w+/.exec(await reply.innerText())![0]
}

async function cancels(slack: SlackPage, world: World): Promise<void> {
  const before = await world.files()
  const release = await world.lock()
  try {
    await slack.say('/backup run shop')
    const card = await slack.sees(/shop · backing up/)
    await slack.say('/backup run shop')
    await slack.seesPrivately(/already under way/)
    await card.getByRole('button', { name: 'Cancel' }).click()
    await slack.page.getByRole('alertdialog').getByRole('button', { name: 'Cancel it' }).click()
    await slack.sees(/shop · (backup )?cancelled/)
  } finally {
    await release()
  }
  assert.equal(await world.sessions(), 0)
  assert.deepEqual(await world.files(), { stored: before.stored, unfinished: [] })
}

async function fails(slack: SlackPage): Promise<void> {
  await slack.say('/backup run broken')
  const card = await slack.sees(/broken · backup failed/)
  await slack.open('alerts')
  const alarm = await slack.sees(/@dba.*broken has no new backup/s)
  await alarm.getByRole('button', { name: 'View Log' }).click()
  await slack.dialog().getByText('prints all of it').waitFor()
  await slack.closeDialog()
  await alarm.getByRole('button', { name: 'Retry' }).click()
  await slack.sees(/2nd failure in a row/)
  await slack.open('backups')
  await slack.seesReply(card, /password/)
}

async function refuses(slack: SlackPage, world: World): Promise<void> {
  await slack.be('Bob Okafor')
  await slack.open('backups')
  await slack.say('/backup restore shop')
  await slack
    .dialog()
    .getByText(/needs an admin or owner/)
    .waitFor()
  await slack.closeDialog()
  await slack.say('/backup list')
  await slack.seesPrivately('Backups')
  await slack.be('Gus Romero (guest)')
  await slack.open('backups')
  for (const command of ['list', 'run shop', 'help']) {
    await slack.say(`/backup ${command}`)
    await slack.seesPrivately(/for full members of this workspace, not for/)
  }
  await slack.be('Alice Martin (workspace owner)')
  await slack.open('backups')
  assert.equal(
    await slack.message(/for full members/).count(),
    0,
    'what one person was told is not shown to another',
  )
  assert.equal(
    world.slack.messages('C0BACKUPS').filter((one) => /asked by <@U0GUS0001>/.test(one.text)).length,
    0,
  )
}

async function survives(slack: SlackPage, world: World): Promise<void> {
  await slack.say('/backup restore shop')
  await askForRestore(slack, 'after the crash')
  const card = slack.message('after the crash')
  await card.getByRole('button', { name: 'Confirm' }).waitFor()
  await world.killAndRestart()
  await card.getByRole('button', { name: 'Confirm' }).dblclick()
  await slack.seesPrivately(/already|was decided|no longer/i)
  const database = await restored(slack, 'after the crash')
  assert.equal(await world.hashOf(database), await world.hashOf('shop'))
  const made = await world.server.query(`SELECT datname FROM pg_database WHERE datname LIKE 'shop_restore_%'`)
  assert.equal(made.length, 2, 'one restore per request, however often it was clicked')
}

async function home(slack: SlackPage): Promise<void> {
  await slack.page.getByRole('navigation').getByRole('button', { name: /easy-backup/ }).click() // prettier-ignore
  const panel = slack.page.getByRole('tabpanel', { name: 'Home' })
  await panel.getByText('shop', { exact: true }).waitFor()
  await panel.getByText('broken', { exact: true }).first().waitFor() // in its incident, and in the list
}
