import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { App } from '@slack/bolt'
import type { BlockAction } from '@slack/bolt'
import { boltIn, plain } from './bolt-app.ts'
import { startPlayground } from '../../playground/server.ts'

const goButton = {
  type: 'actions' as const,
  elements: [{ type: 'button' as const, action_id: 'go', text: plain('Go'), value: 'v1' }],
}

const reasonDialog = {
  type: 'modal' as const,
  callback_id: 'why',
  title: plain('Why'),
  submit: plain('Send'),
  blocks: [
    {
      type: 'input' as const,
      block_id: 'reason',
      label: plain('Reason'),
      element: { type: 'plain_text_input' as const, action_id: 'text' },
    },
  ],
}

test('a command reaches Bolt with people as ids, and its private answer is seen by the asker only', async (t) => {
  const { slack, app } = await boltIn(t)
  app.command('/backup', async ({ ack, respond, command }) => {
    await ack()
    await respond({ text: `got ${command.text} from ${command.user_name}` })
  })
  const seen = await slack.command('alice', 'C0BACKUPS', '/backup run @bob <now>')
  assert.equal(seen.trouble, null)
  assert.deepEqual(
    seen.ephemerals.map((one) => one.text),
    ['got run <@U0BOB0001|bob> &lt;now&gt; from alice'],
  )
  assert.deepEqual(slack.ephemerals('bob'), [])
  assert.equal(slack.acks()[0]?.late, false)
})

test('a button in a message opens a dialog; its submission is refused, then taken', async (t) => {
  const { slack, app } = await boltIn(t)
  app.action('go', async ({ ack, body, client }) => {
    await ack()
    await client.views.open({ trigger_id: (body as BlockAction).trigger_id, view: reasonDialog })
  })
  app.view('why', async ({ ack, view, client, body }) => {
    const reason = view.state.values['reason']?.['text']?.value
    if (reason === 'because') return ack({ response_action: 'errors', errors: { reason: 'say more' } })
    await ack()
    await client.chat.postMessage({ channel: 'C0BACKUPS', text: `${body.user.name}: ${reason}` })
  })
  await app.client.chat.postMessage({ channel: 'C0BACKUPS', text: 'start', blocks: [goButton] })
  const { views } = await slack.click('alice', slack.messages('C0BACKUPS')[0]!, 'go')
  assert.equal(views.length, 1)
  assert.equal((await slack.submitView('alice')).trouble, 'Please complete this required field.')
  assert.equal((await slack.submitView('alice', { reason: 'because' })).trouble, 'say more')
  assert.deepEqual(slack.openViews('alice')[0]?.errors, { reason: 'say more' })
  assert.equal((await slack.submitView('alice', { reason: 'bad migration' })).trouble, null)
  await slack.until(() => slack.messages('C0BACKUPS')[1]?.text === 'alice: bad migration')
  assert.deepEqual(slack.openViews('alice'), [])
})

test('a submission may stack dialogs up to three, and close them all', async (t) => {
  const { slack, app } = await boltIn(t)
  app.command('/backup', async ({ ack, body, client }) => {
    await ack()
    await client.views.open({ trigger_id: body.trigger_id, view: reasonDialog })
  })
  app.view('why', async ({ ack, view }) => {
    const last = view.state.values['reason']?.['text']?.value === 'end'
    await (last ? ack({ response_action: 'clear' }) : ack({ response_action: 'push', view: reasonDialog }))
  })
  await slack.command('bob', 'C0BACKUPS', '/backup')
  await slack.submitView('bob', { reason: 'a' })
  assert.equal((await slack.submitView('bob', { reason: 'b' })).views.length, 3)
  assert.equal(
    (await slack.submitView('bob', { reason: 'c' })).trouble,
    'We had some trouble connecting. Try again?',
  )
  assert.equal((await slack.submitView('bob', { reason: 'end' })).views.length, 0)
})

test('a trigger opens one dialog, within three seconds', async (t) => {
  const clock = { at: Date.UTC(2026, 10, 20), now: () => clock.at }
  const { slack, app } = await boltIn(t, { clock })
  const answers: unknown[] = []
  app.command('/backup', async ({ ack, body, client, command }) => {
    await ack()
    clock.at += Number(command.text)
    for (let turn = 0; turn < 2; turn += 1) {
      const answer = await client.views
        .open({ trigger_id: body.trigger_id, view: reasonDialog })
        .catch((error: unknown) => error)
      answers.push((answer as { data?: { error: string } }).data?.error ?? 'ok')
    }
  })
  await slack.command('alice', 'C0BACKUPS', '/backup 2900', { silent: true })
  await slack.until(() => answers.length === 2)
  await slack.command('alice', 'C0BACKUPS', '/backup 3100', { silent: true })
  await slack.until(() => answers.length === 4)
  assert.deepEqual(answers, ['ok', 'exchanged_trigger_id', 'expired_trigger_id', 'expired_trigger_id'])
})

test('a click on a message that was redrawn meanwhile still reaches the app', async (t) => {
  const { slack, app } = await boltIn(t)
  const clicked: string[] = []
  app.action('go', async ({ ack, body }) => {
    await ack()
    clicked.push((body as BlockAction).message?.text ?? '')
  })
  const { ts } = await app.client.chat.postMessage({
    channel: 'C0BACKUPS',
    text: 'before',
    blocks: [goButton],
  })
  const picture = structuredClone(slack.messages('C0BACKUPS')[0]!)
  await app.client.chat.update({ channel: 'C0BACKUPS', ts: ts!, text: 'after', blocks: [] })
  await slack.click('bob', picture, 'go', { silent: true })
  await slack.until(() => clicked.length > 0)
  assert.deepEqual(clicked, ['after'])
})

test('an answer can replace or delete the private message it came from, five times at most', async (t) => {
  const { slack, app } = await boltIn(t)
  const outcomes: string[] = []
  app.command('/backup', async ({ ack }) => ack({ blocks: [goButton], text: 'first' }))
  app.action('go', async ({ ack, respond }) => {
    await ack()
    for (let turn = 1; turn <= 6; turn += 1) {
      await respond({ replace_original: true, text: `turn ${turn}`, blocks: [goButton] }).then(
        () => outcomes.push('ok'),
        () => outcomes.push('refused'),
      )
    }
  })
  const { ephemerals } = await slack.command('alice', 'C0BACKUPS', '/backup')
  await slack.click('alice', ephemerals[0]!, 'go')
  await slack.until(() => outcomes.length === 6)
  assert.deepEqual(outcomes, ['ok', 'ok', 'ok', 'ok', 'ok', 'refused'])
  assert.deepEqual(
    slack.ephemerals('alice').map((one) => one.text),
    ['turn 5'],
  )
})

test('duplicated envelopes arrive twice, each to be acknowledged', async (t) => {
  const { slack, app } = await boltIn(t)
  const triggers: string[] = []
  app.command('/backup', async ({ ack, body }) => {
    await ack()
    triggers.push(body.trigger_id)
  })
  slack.misbehave({ method: 'slash_commands', kind: 'duplicate-envelopes' })
  await slack.command('alice', 'C0BACKUPS', '/backup run x', { silent: true })
  await slack.until(() => triggers.length === 2 && slack.acks().length === 2)
  assert.equal(new Set(triggers).size, 1)
  assert.equal(slack.acks().length, 2)
})

test('a dropped socket comes back by itself, and commands meanwhile fail as in Slack', async (t) => {
  const { slack, app } = await boltIn(t, { reconnectMs: 1_000 })
  app.command('/backup', async ({ ack }) => ack('here'))
  slack.dropSockets()
  await slack.until(() => slack.connections() === 0)
  const lost = await slack.command('alice', 'C0BACKUPS', '/backup')
  assert.equal(lost.trouble, '/backup failed with the error "dispatch_failed"')
  await slack.until(() => slack.connections() === 1)
  assert.equal((await slack.command('alice', 'C0BACKUPS', '/backup')).ephemerals[0]?.text, 'here')
  slack.refreshSockets()
  await slack.until(() => slack.transcript('apps.connections.open').length === 3 && slack.connections() === 1)
  assert.equal((await slack.command('alice', 'C0BACKUPS', '/backup')).ephemerals[0]?.text, 'here')
})

test('an acknowledgement later than Slack waits is told to the person', async (t) => {
  const { slack, app } = await boltIn(t, { ackMs: 60 })
  app.command('/backup', async ({ ack }) => {
    await sleep(120)
    await ack()
  })
  const seen = await slack.command('alice', 'C0BACKUPS', '/backup')
  assert.equal(seen.trouble, '/backup failed with the error "operation_timeout"')
  assert.equal(slack.acks()[0]?.late, true)
})

test('Slack can be told to refuse, fail, or do the work and never say so', async (t) => {
  const { slack, app } = await boltIn(t)
  const post = (text: string): Promise<unknown> => app.client.chat.postMessage({ channel: 'C0BACKUPS', text })
  slack.misbehave({ method: 'chat.postMessage', kind: '429', retryAfter: 7 })
  await assert.rejects(post('a'), { retryAfter: 7 })
  slack.misbehave({ method: 'chat.postMessage', kind: '500' })
  await assert.rejects(post('b'), { statusCode: 500 })
  slack.misbehave({ method: 'chat.postMessage', kind: 'drop-after' })
  await assert.rejects(post('c'))
  assert.deepEqual(
    slack.messages('C0BACKUPS').map((one) => one.text),
    ['c'],
  )
})

test('home, group events and files work as the app asks', async (t) => {
  const { slack, app } = await boltIn(t)
  app.event('app_home_opened', async ({ event, client }) => {
    await client.views.publish({ user_id: event.user, view: { type: 'home', blocks: [{ type: 'divider' }] } })
  })
  assert.equal((await slack.openHome('carol'))?.['type'], 'home')
  await app.client.chat.postMessage({ channel: 'C0BACKUPS', text: 'run' })
  const [parent] = slack.messages('C0BACKUPS')
  await app.client.filesUploadV2({
    channel_id: 'C0BACKUPS',
    thread_ts: parent!.ts,
    content: 'pg_dump: done',
    filename: 'run.log',
  })
  const file = slack.messages('C0BACKUPS')[0]?.replies[0]?.files?.[0]
  assert.equal(file?.bytes.toString(), 'pg_dump: done')
})

test('requests can come signed over HTTP instead', async (t) => {
  const slack = await startPlayground({ rateLimits: false })
  const app = new App({
    token: slack.tokens.bot,
    signingSecret: slack.tokens.signingSecret,
    clientOptions: { slackApiUrl: slack.apiUrl },
  })
  t.after(async () => {
    await app.stop()
    await slack.close()
  })
  app.command('/backup', async ({ ack }) => ack('signed'))
  const server = (await app.start({ port: 0, host: '127.0.0.1' })) as { address(): { port: number } }
  slack.deliverTo(`http://127.0.0.1:${server.address().port}/slack/events`)
  assert.equal((await slack.command('alice', 'C0BACKUPS', '/backup')).ephemerals[0]?.text, 'signed')
})
