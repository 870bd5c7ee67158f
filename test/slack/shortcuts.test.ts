import assert from 'node:assert/strict'
import type { Message, Seen } from '../../playground/server.ts'
import { Fault } from '../../src/core/faults.ts'
import type { MessageBody } from '../../src/core/messages.ts'
import { actions, shortcuts } from '../../src/slack/actions.ts'
import { failedRun, request, run, succeeded } from './samples.ts'
import { inBothModes, message, slackWorld, type World, type WorldOptions } from './world.ts'

type Slack = World['slack']

async function post({ slack, face }: World, body: MessageBody): Promise<Message> {
  const delivered = await face.notifier.deliver(message(body), null, null, new AbortController().signal)
  assert.equal(delivered.outcome, 'sent')
  return slack.messages('C0BACKUPS').at(-1)!
}

/** A world that knows what its messages show, as the state does. */
function knowing(shown: Map<string, MessageBody>): Pick<WorldOptions, 'messageAt'> {
  return {
    messageAt: async (which) => shown.get('run' in which ? which.run : which.ts) ?? null,
  }
}

const labels = ({ ephemerals }: Seen): string[] =>
  [...JSON.stringify(ephemerals.at(-1)?.blocks ?? []).matchAll(/"type":"button".*?"text":"([^"]+)"/g)].map(
    ([, label]) => label!,
  )
const dialog = (slack: Slack, user: string): string =>
  JSON.stringify(slack.openViews(user).at(-1)?.view ?? null)

inBothModes(
  '"Run a backup" opens a dialog from anywhere, starts what was chosen, and says where it is to be seen',
  async (t) => {
    const { slack, asked } = await slackWorld(t)
    await slack.shortcut('bob', shortcuts.run)
    await slack.until(() => dialog(slack, 'bob').includes('Choose a strategy'))
    assert.match(dialog(slack, 'bob'), /"production-db".*"shop"/)
    await slack.submitView('bob', { 'run.strategy': 'shop', 'run.note': ' before\n2.14 ' })
    await slack.until(() => dialog(slack, 'bob').includes('backing up'))
    assert.match(dialog(slack, 'bob'), /its thread is in <#C0BACKUPS>/)
    assert.deepEqual(asked.at(-1)!.asked, { name: 'run', args: { what: 'shop', pin: 'before 2.14' } })
    assert.equal(asked.at(-1)!.person.actor.id, 'U0BOB0001')
  },
)

inBothModes('what keeps a backup from starting is said in the dialog, with what was filled in', async (t) => {
  const { slack } = await slackWorld(t, {
    answer: (asked) =>
      'name' in asked && asked.name === 'run'
        ? Promise.reject(new Fault('busy', 'shop is already running', { hint: 'wait for it' }))
        : undefined,
  })
  await slack.shortcut('bob', shortcuts.run)
  await slack.until(() => dialog(slack, 'bob').includes('Choose a strategy'))
  await slack.submitView('bob', { 'run.strategy': 'shop', 'run.note': 'keep' })
  await slack.until(() => dialog(slack, 'bob').includes('already running'))
  assert.match(dialog(slack, 'bob'), /"initial_value":"keep"/)
  assert.match(dialog(slack, 'bob'), /"initial_option":\{[^}]*\{[^}]*"text":"shop"/)
})

inBothModes('a guest reads why in the dialog, and nothing is started', async (t) => {
  const { slack, asked } = await slackWorld(t)
  await slack.shortcut('gus', shortcuts.run)
  await slack.until(() => /guests/i.test(dialog(slack, 'gus')))
  assert.ok(asked.every(({ asked: what }) => !('name' in what && what.name === 'run')))
})

inBothModes('"Backup actions" offers what this person may do with what the message is about', async (t) => {
  const shown = new Map<string, MessageBody>()
  const world = await slackWorld(t, knowing(shown))
  const { slack, asked } = world
  const card = await post(world, { type: 'run.card', run: succeeded() })
  shown.set(card.ts, { type: 'run.card', run: succeeded() })
  const forAdmin = await slack.shortcut('alice', shortcuts.message, card)
  assert.deepEqual(labels(forAdmin), ['Restore…', 'Verify', 'Pin', 'Download', 'Details', 'View Log'])
  assert.match(forAdmin.ephemerals[0]!.text, /^✅ production-db: backed up in 9 s · 341 MB/)
  const forMember = await slack.shortcut('bob', shortcuts.message, card)
  assert.deepEqual(labels(forMember), ['Verify', 'Details', 'View Log'])
  assert.equal(slack.messages('C0BACKUPS').length, 1, 'nobody else sees it')
  await slack.click('bob', forMember.ephemerals[0]!, 'ask/show')
  assert.deepEqual(asked.at(-1)!.asked, {
    name: 'show',
    args: { backup: 'production-db-20261120T060000Z-k3f9' },
  })
})

inBothModes('of what failed it offers Retry, of what runs Cancel, of many the choice of one', async (t) => {
  const shown = new Map<string, MessageBody>()
  const world = await slackWorld(t, knowing(shown))
  const { slack } = world
  const at = async (body: MessageBody): Promise<Message> => {
    const posted = await post(world, body)
    shown.set(posted.ts, body)
    return posted
  }
  const failed: MessageBody = { type: 'run.card', run: failedRun() }
  assert.deepEqual(labels(await slack.shortcut('bob', shortcuts.message, await at(failed))), [
    'Retry',
    'View Log',
  ])
  const running = await at({ type: 'run.card', run: run() })
  assert.deepEqual(labels(await slack.shortcut('alice', shortcuts.message, running)), ['Cancel', 'View Log'])
  const planned = await at({ type: 'request.card', request: request() })
  assert.ok(labels(await slack.shortcut('alice', shortcuts.message, planned)).includes('Restore…'))
  const line = {
    run: 'run-k3f9',
    strategy: 'production-db',
    state: 'failed',
    endedAt: 1,
    tookMs: 1,
    storedBytes: null,
    backup: null,
    why: 'x',
  } as const
  const batch = await at({
    type: 'batch',
    batch: { startedAt: 0, timezone: 'UTC', catchUp: false, lines: [line] },
  })
  const choice = await slack.shortcut('bob', shortcuts.message, batch)
  shown.set('run-k3f9', failed)
  const chosen = await slack.click('bob', choice.ephemerals[0]!, actions.chooseRun, { value: 'run-k3f9' })
  assert.deepEqual(labels(chosen), ['Retry', 'View Log'])
})

inBothModes(
  'of a message that is older than our memory its buttons tell; of any other there is a private explanation',
  async (t) => {
    const world = await slackWorld(t)
    const { slack } = world
    const card = await post(world, { type: 'run.card', run: succeeded() })
    assert.ok(labels(await slack.shortcut('alice', shortcuts.message, card)).includes('Restore…'))
    const words = slack.say('bob', 'C0BACKUPS', 'is there a backup of yesterday?')
    const answer = await slack.shortcut('bob', shortcuts.message, words)
    assert.match(answer.ephemerals[0]!.text, /^ℹ️ Nothing can be done with this message\./)
    assert.equal(slack.ephemerals('alice').length, 1)
  },
)

inBothModes(
  'Share shows the list to everybody in the name of who asked, once, and takes the private one away',
  async (t) => {
    const { slack, asked } = await slackWorld(t)
    const list = await slack.command('bob', 'C0BACKUPS', '/backup list')
    assert.deepEqual(slack.messages('C0BACKUPS'), [])
    await slack.click('bob', list.ephemerals[0]!, actions.nextPage)
    const paged = slack.ephemerals('bob')[0]!
    await slack.click('bob', paged, actions.shareList)
    await slack.until(() => slack.ephemerals('bob').length === 0)
    const [shared, ...others] = slack.messages('C0BACKUPS')
    assert.deepEqual(others, [])
    const blocks = JSON.stringify(shared!.blocks)
    assert.match(blocks, /shared by <@U0BOB0001>/)
    assert.match(blocks, /11–20 of 23/)
    assert.doesNotMatch(blocks, /"type":"button"/)
    assert.deepEqual(asked.at(-1), { asked: { words: 'list' }, person: asked[0]!.person })
  },
)

inBothModes('a list that may not be seen any more is not shared', async (t) => {
  let refused = false
  const { slack } = await slackWorld(t, {
    answer: () => (refused ? Promise.reject(new Fault('denied', 'you may not look at this')) : undefined),
  })
  const list = await slack.command('bob', 'C0BACKUPS', '/backup list')
  refused = true
  const seen = await slack.click('bob', list.ephemerals[0]!, actions.shareList)
  assert.match(seen.ephemerals.at(-1)!.text, /^⛔ You may not look at this/)
  assert.deepEqual(slack.messages('C0BACKUPS'), [])
})
