import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { controls, dialog, pictures, texts } from './gallery.ts'
import { startPlayground } from '../../playground/server.ts'
import type { Playground, PlaygroundOptions } from '../../playground/server.ts'

type Json = Record<string, unknown>

async function slackFor(t: TestContext, options: PlaygroundOptions = {}): Promise<Playground> {
  const slack = await startPlayground({ rateLimits: false, ...options })
  t.after(() => slack.close())
  return slack
}

async function call(slack: Playground, method: string, args: Json, token = slack.tokens.bot): Promise<Json> {
  const response = await fetch(slack.apiUrl + method, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(args),
  })
  return (await response.json()) as Json
}

const post = (slack: Playground, more: Json): Promise<Json> =>
  call(slack, 'chat.postMessage', { channel: 'C0BACKUPS', text: 'x', ...more })

function why(answer: Json): string {
  const messages = (answer['response_metadata'] as { messages?: string[] } | undefined)?.messages ?? []
  return [answer['error'], ...messages].join(' | ')
}

const section = (text: string): Json => ({ type: 'section', text: { type: 'mrkdwn', text } })
const button = (more: Json = {}): Json => ({
  type: 'button',
  text: { type: 'plain_text', text: 'Go' },
  ...more,
})
const cell = (text: string): Json => ({ type: 'raw_text', text })

const refused: Array<[string, Json[], RegExp]> = [
  [
    '51 blocks',
    Array.from({ length: 51 }, () => ({ type: 'divider' })),
    /no more than 50 items .*\/blocks\]/,
  ],
  ['a section of 3,001', [section('x'.repeat(3001))], /less than 3001 characters .*\/blocks\/0\/text\/text/],
  [
    'a header of 151',
    [{ type: 'header', text: { type: 'plain_text', text: 'x'.repeat(151) } }],
    /less than 151 .*\/blocks\/0\/text\/text/,
  ],
  ['an unknown block', [{ type: 'cards' }], /unsupported type: cards/],
  ['an unknown field', [{ type: 'divider', colour: 'red' }], /invalid additional property: colour/],
  [
    'two blocks of one id',
    [
      { type: 'divider', block_id: 'a' },
      { type: 'divider', block_id: 'a' },
    ],
    /block_id a already exists/,
  ],
  [
    'two actions of one id',
    [{ type: 'actions', elements: [button({ action_id: 'a' }), button({ action_id: 'a' })] }],
    /action_id a already exists/,
  ],
  [
    'a button text of 76',
    [{ type: 'actions', elements: [button({ text: { type: 'plain_text', text: 'x'.repeat(76) } })] }],
    /less than 76/,
  ],
  [
    'a button in mrkdwn',
    [{ type: 'actions', elements: [button({ text: { type: 'mrkdwn', text: 'x' } })] }],
    /must be one of plain_text/,
  ],
  [
    'an alert outside a dialog',
    [{ type: 'alert', text: { type: 'mrkdwn', text: 'x' } }],
    /unsupported type: alert/,
  ],
  [
    'rows of different length',
    [{ type: 'data_table', caption: 'c', rows: [[cell('a'), cell('b')], [cell('1')]] }],
    /all rows must have the same number/,
  ],
  [
    'a table without caption',
    [{ type: 'data_table', rows: [[cell('a')], [cell('1')]] }],
    /missing required field: caption/,
  ],
  [
    'two tasks of one id',
    [
      {
        type: 'plan',
        title: 'p',
        tasks: [1, 2].map(() => ({ type: 'task_card', task_id: 't', title: 't', status: 'pending' })),
      },
    ],
    /task_id t already exists/,
  ],
  ['three charts', [1, 2, 3].map(() => pie()), /no more than 2 data_visualization/],
]

function pie(): Json {
  return {
    type: 'data_visualization',
    title: 't',
    chart: { type: 'pie', segments: [{ label: 'a', value: 1 }] },
  }
}

for (const [what, blocks, words] of refused) {
  test(`${what}: refused, naming the block and the limit`, async (t) => {
    const slack = await slackFor(t)
    const answer = await post(slack, { blocks })
    assert.match(why(answer), /^invalid_blocks/)
    assert.match(why(answer), words)
    assert.deepEqual(slack.messages('C0BACKUPS'), [])
  })
}

test('texts that are too long are refused by their own names', async (t) => {
  const slack = await slackFor(t)
  assert.match(why(await post(slack, { text: 'x'.repeat(4001) })), /^msg_too_long/)
  const blocks = Array.from({ length: 5 }, () => section('x'.repeat(2900)))
  assert.match(why(await post(slack, { blocks })), /^msg_blocks_too_long .*12001/)
  assert.match(why(await post(slack, { text: '' })), /^no_text/)
})

test('tokens, scopes, methods and arguments are checked as Slack does', async (t) => {
  const slack = await slackFor(t, { scopes: ['commands'] })
  assert.equal((await call(slack, 'auth.test', {}, 'xoxb-wrong'))['error'], 'invalid_auth')
  assert.equal((await call(slack, 'auth.test', {}, slack.tokens.app))['error'], 'not_allowed_token_type')
  assert.equal(
    (await fetch(`${slack.apiUrl}auth.test`).then((one) => one.json() as Promise<Json>))['error'],
    'not_authed',
  )
  assert.deepEqual(await post(slack, {}), {
    ok: false,
    error: 'missing_scope',
    needed: 'chat:write',
    provided: 'commands',
  })
  assert.equal((await call(slack, 'chat.shout', {}))['error'], 'unknown_method')
  const scopes = await fetch(`${slack.apiUrl}auth.test`, {
    headers: { authorization: `Bearer ${slack.tokens.bot}` },
  })
  assert.equal(scopes.headers.get('x-oauth-scopes'), 'commands')
})

test('arguments of a wrong type or name are refused', async (t) => {
  const slack = await slackFor(t)
  assert.match(
    why(await post(slack, { thread_ts: 12.5 })),
    /invalid_arguments .*must be a string .*\/thread_ts/,
  )
  assert.match(why(await post(slack, { txet: 'typo' })), /unknown argument: txet/)
  assert.match(why(await call(slack, 'chat.postMessage', { text: 'x' })), /missing required field: channel/)
  assert.equal((await post(slack, { channel: 'C0NOWHERE' }))['error'], 'channel_not_found')
})

test('the app edits and deletes only what it wrote', async (t) => {
  const slack = await slackFor(t)
  const foreign = slack.say('bob', 'C0BACKUPS', 'hello')
  const target = { channel: 'C0BACKUPS', ts: foreign.ts }
  assert.equal((await call(slack, 'chat.update', { ...target, text: 'x' }))['error'], 'cant_update_message')
  assert.equal((await call(slack, 'chat.delete', target))['error'], 'cant_delete_message')
  assert.equal(
    (await call(slack, 'chat.update', { ...target, ts: '1.000001', text: 'x' }))['error'],
    'message_not_found',
  )
})

test('without its scope the app writes only where it was invited', async (t) => {
  const slack = await slackFor(t, { scopes: ['chat:write'] })
  assert.equal((await post(slack, { channel: 'C0GENERAL' }))['error'], 'not_in_channel')
  assert.equal((await post(slack, {}))['ok'], true)
})

test('commands do not work in threads, nor unknown ones anywhere', async (t) => {
  const slack = await slackFor(t)
  const parent = slack.say('bob', 'C0BACKUPS', 'hello')
  const inThread = await slack.command('bob', 'C0BACKUPS', '/backup list', { threadTs: parent.ts })
  assert.match(inThread.trouble ?? '', /not supported in threads/)
  assert.match((await slack.command('bob', 'C0BACKUPS', '/restore')).trouble ?? '', /not a valid command/)
  assert.equal(
    (await slack.command('bob', 'C0BACKUPS', '/backup')).trouble,
    '/backup failed with the error "dispatch_failed"',
  )
})

test('views keep their limits: title, missing submit, expired triggers', async (t) => {
  const clock = { at: Date.UTC(2026, 10, 20), now: () => clock.at }
  const slack = await slackFor(t, { clock })
  const view = { type: 'modal', title: { type: 'plain_text', text: 'x'.repeat(25) }, blocks: [] }
  const tooLong = await call(slack, 'views.open', { trigger_id: '1', view })
  assert.match(why(tooLong), /invalid_arguments .*less than 25 characters .*\/view\/title\/text/)
  const input = {
    type: 'input',
    label: { type: 'plain_text', text: 'l' },
    element: { type: 'plain_text_input' },
  }
  const noSubmit = { type: 'modal', title: { type: 'plain_text', text: 't' }, blocks: [input] }
  assert.match(why(await call(slack, 'views.open', { trigger_id: '1', view: noSubmit })), /submit/)
  const fine = { type: 'modal', title: { type: 'plain_text', text: 't' }, blocks: [] }
  assert.equal(
    (await call(slack, 'views.open', { trigger_id: '1', view: fine }))['error'],
    'invalid_trigger_id',
  )
})

test('rates are counted per method and channel, and say when to come back', async (t) => {
  const clock = { at: Date.UTC(2026, 10, 20), now: () => clock.at }
  const slack = await slackFor(t, { clock, rateLimits: true })
  const answers = await Promise.all(Array.from({ length: 7 }, () => post(slack, {})))
  assert.equal(answers.filter((one) => one['error'] === 'ratelimited').length, 2)
  assert.equal((await post(slack, { channel: 'C0ALERTS1' }))['ok'], true)
  clock.at += 1000
  assert.equal((await post(slack, {}))['ok'], true)
})

test('scheduled messages keep their limits, and one with metadata is never posted', async (t) => {
  const clock = { at: Date.UTC(2026, 10, 20), now: () => clock.at }
  const slack = await slackFor(t, { clock })
  const inSeconds = (seconds: number): number => clock.at / 1000 + seconds
  const schedule = (more: Json): Promise<Json> =>
    call(slack, 'chat.scheduleMessage', {
      channel: 'C0ALERTS1',
      text: 'no heartbeat',
      post_at: inSeconds(600),
      ...more,
    })
  assert.equal((await schedule({ post_at: inSeconds(-1) }))['error'], 'time_in_past')
  assert.equal((await schedule({ post_at: inSeconds(121 * 86_400) }))['error'], 'time_too_far')
  await schedule({ metadata: { event_type: 'e', event_payload: {} } })
  await schedule({ text: 'posted' })
  const gone = await schedule({ text: 'taken back' })
  await call(slack, 'chat.deleteScheduledMessage', {
    channel: 'C0ALERTS1',
    scheduled_message_id: gone['scheduled_message_id'],
  })
  const late = await schedule({ text: 'posted' })
  clock.at += 541_000
  const tooLate = { channel: 'C0ALERTS1', scheduled_message_id: late['scheduled_message_id'] }
  const refused = await call(slack, 'chat.deleteScheduledMessage', tooLate)
  assert.equal(refused['error'], 'invalid_scheduled_message_id')
  clock.at += 60_000
  slack.tick()
  assert.deepEqual(
    slack.messages('C0ALERTS1').map((one) => one.text),
    ['posted', 'posted'],
  )
  const many = await Promise.all(Array.from({ length: 31 }, () => schedule({ post_at: inSeconds(600) })))
  assert.equal(many.filter((one) => one['error'] === 'restricted_too_many').length, 1)
})

test('whatever Slack takes is taken: one of everything, in messages, homes and dialogs', async (t) => {
  const slack = await slackFor(t)
  for (const blocks of [texts, pictures, controls]) assert.equal(why(await post(slack, { blocks })), '')
  const view = { type: 'home', blocks: controls.filter((one) => one['type'] !== 'context_actions') }
  assert.equal(why(await call(slack, 'views.publish', { user_id: 'U0BOB0001', view })), '')
  const answer = await call(slack, 'views.open', { trigger_id: 'none', view: dialog })
  assert.equal(why(answer), 'invalid_trigger_id')
})
