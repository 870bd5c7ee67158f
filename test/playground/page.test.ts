import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { App, BlockAction } from '@slack/bolt'
import { chromium } from 'playwright-core'
import type { Page } from 'playwright-core'
import { boltIn, plain } from './bolt-app.ts'
import type { Playground } from '../../playground/server.ts'

const executablePath = '/usr/bin/chromium'
const skip = existsSync(executablePath) ? false : `no Chromium at ${executablePath}`
const quietly = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
const alone = ['--disable-background-networking', '--disable-component-update', '--disable-sync']

async function pageFor(
  t: TestContext,
  slack: Playground,
  person: string,
): Promise<{ page: Page; foreign: string[] }> {
  const browser = await chromium.launch({ executablePath, args: [...quietly, ...alone] })
  t.after(() => browser.close())
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.setDefaultTimeout(30_000)
  const foreign: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(slack.url) && !request.url().startsWith('data:'))
      foreign.push(request.url())
  })
  page.on('pageerror', (error) => foreign.push(`error on the page: ${error.message}`))
  await page.goto(`${slack.url}/?as=${person}`)
  return { page, foreign }
}

const hostile = '&lt;script&gt;alert(1)&lt;/script&gt; <img src=x onerror=alert(1)> <javascript:alert(1)|run>'

/** A tiny app: a command that offers a button, a dialog that asks for a name, a thread that tells the end. */
function restoreApp(app: App): void {
  app.command('/backup', async ({ ack, respond, command }) => {
    await ack()
    const button = { type: 'button' as const, action_id: 'restore', text: plain('Restore…'), value: 'k3f9' }
    await respond({
      text: 'one backup',
      blocks: [
        {
          type: 'section',
          text: { type: 'mrkdwn', text: `*production-db* · ${command.text} · ${hostile}` },
        },
        { type: 'actions', elements: [button] },
      ],
    })
  })
  app.action('restore', async ({ ack, body, client }) => {
    await ack()
    const name = { type: 'plain_text_input' as const, action_id: 'name' }
    await client.views.open({
      trigger_id: (body as BlockAction).trigger_id,
      view: {
        type: 'modal',
        callback_id: 'restore',
        title: plain('Restore'),
        submit: plain('Restore it'),
        blocks: [{ type: 'input', block_id: 'target', label: plain('Target'), element: name }],
      },
    })
  })
  app.view('restore', async ({ ack, view, client }) => {
    const target = view.state.values['target']?.['name']?.value
    if (target !== 'production-db')
      return ack({ response_action: 'errors', errors: { target: 'type production-db' } })
    await ack()
    const { ts } = await client.chat.postMessage({
      channel: 'C0BACKUPS',
      text: ':hourglass: *production-db* · restoring',
    })
    await client.chat.postMessage({
      channel: 'C0BACKUPS',
      thread_ts: ts!,
      text: ':white_check_mark: restored in 9 s',
    })
  })
}

test('a person types a command, clicks, fills the dialog and reads the thread', { skip }, async (t) => {
  const { slack, app } = await boltIn(t)
  restoreApp(app)
  const { page, foreign } = await pageFor(t, slack, 'alice')
  const composer = page.getByRole('textbox', { name: 'Message #backups' })
  await composer.fill('/ba')
  await page.getByRole('option', { name: /\/backup/ }).waitFor()
  await composer.press('Enter')
  await composer.pressSequentially('list')
  await composer.press('Enter')
  await page.getByText('Only visible to you').waitFor()
  await page.getByText('production-db · list · <script>alert(1)</script>').waitFor()
  assert.equal(await page.locator('.content :is(img, script, [href^="javascript"])').count(), 0)

  await page.getByRole('button', { name: 'Restore…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Restore' })
  await dialog.getByRole('textbox', { name: 'Target' }).fill('staging')
  await dialog.getByRole('button', { name: 'Restore it' }).click()
  await dialog.getByRole('alert').getByText('type production-db').waitFor()
  await dialog.getByRole('textbox', { name: 'Target' }).fill('production-db')
  await dialog.getByRole('textbox', { name: 'Target' }).press('Enter')
  await dialog.waitFor({ state: 'detached' })

  await page.getByRole('button', { name: /1 reply · last reply today/ }).click()
  const thread = page.getByRole('region', { name: 'Thread' })
  await thread.getByText('restored in 9 s').waitFor()
  assert.deepEqual(foreign, [])
})

test('another person sees neither private messages nor channels they are not in', { skip }, async (t) => {
  const { slack, app } = await boltIn(t)
  restoreApp(app)
  await slack.command('alice', 'C0BACKUPS', '/backup list')
  await app.client.chat.postMessage({ channel: 'C0BACKUPS', text: 'for everybody' })
  const { page } = await pageFor(t, slack, 'gus')
  await page.getByText('for everybody').waitFor()
  assert.equal(await page.getByText('Only visible to you').count(), 0)
  assert.equal(await page.getByRole('navigation').getByRole('button', { name: 'alerts' }).count(), 0)
  await page
    .getByRole('combobox', { name: 'You are' })
    .selectOption({ label: 'Alice Martin (workspace owner)' })
  await page.getByText('Only visible to you').waitFor()
  await page.getByRole('navigation').getByRole('button', { name: 'alerts' }).waitFor()
})

test(
  'a message that is edited changes in place, and menus, tables and confirmations work',
  { skip },
  async (t) => {
    const { slack, app } = await boltIn(t)
    const chosen: string[] = []
    app.action(/./, async ({ ack, action }) => {
      await ack()
      chosen.push(JSON.stringify(action))
    })
    const cell = (text: string): { type: 'raw_text'; text: string } => ({ type: 'raw_text', text })
    const rows = [['Strategy'], ...Array.from({ length: 7 }, (_one, index) => [`db-${index}`])].map((row) =>
      row.map(cell),
    )
    const confirm = {
      title: plain('Sure?'),
      text: plain('It stops.'),
      confirm: plain('Yes'),
      deny: plain('No'),
    }
    const { ts } = await app.client.chat.postMessage({
      channel: 'C0BACKUPS',
      text: 'list',
      blocks: [
        { type: 'data_table', caption: 'All', rows },
        {
          type: 'actions',
          elements: [
            { type: 'button', action_id: 'cancel', text: plain('Cancel'), confirm },
            { type: 'overflow', action_id: 'more', options: [{ text: plain('Verify'), value: 'v' }] },
          ],
        },
      ],
    })
    const { page, foreign } = await pageFor(t, slack, 'bob')
    await page.getByRole('button', { name: 'Strategy' }).click()
    await page.getByRole('button', { name: 'Strategy' }).click()
    await page.getByRole('rowheader', { name: 'db-6' }).waitFor()
    await page.getByRole('button', { name: 'Next page' }).click()
    await page.getByRole('rowheader', { name: 'db-0' }).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'No' }).click()
    await page.getByRole('button', { name: 'More options' }).click()
    await page.getByRole('menuitem', { name: 'Verify' }).click()
    await slack.until(() => chosen.length === 1)
    assert.match(chosen[0] ?? '', /"selected_option":\{[^}]*\}?.*"value":"v"/)
    await app.client.chat.update({ channel: 'C0BACKUPS', ts: ts!, text: 'cancelled', blocks: [] })
    await page.getByText('cancelled', { exact: true }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Cancel' }).count(), 0)
    assert.deepEqual(foreign, [])
  },
)
