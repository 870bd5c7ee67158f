import assert from 'node:assert/strict'
import type { Message, Playground, Seen } from '../../playground/server.ts'
import { Fault } from '../../src/core/faults.ts'
import { actions } from '../../src/slack/actions.ts'
import { drawMessage } from '../../src/slack/blocks/message.ts'
import { failedRun, request, run, succeeded } from './samples.ts'
import { backupId, inBothModes, message, slackWorld } from './world.ts'
import type { World } from './world.ts'

function words(seen: Seen): string[] {
  return seen.ephemerals.map(({ text }) => text)
}

/** Posts a message as delivery does. */
async function post({ slack, face }: World, body: Parameters<typeof drawMessage>[0]): Promise<Message> {
  const delivered = await face.notifier.deliver(message(body), null, null, new AbortController().signal)
  assert.equal(delivered.outcome, 'sent')
  return slack.messages('C0BACKUPS').at(-1)!
}

function dialogText(slack: Playground, user: string): string {
  return JSON.stringify(slack.openViews(user).at(-1)?.view ?? null)
}

inBothModes('a command is acknowledged at once and answered only to the asker', async (t) => {
  const { slack, asked, face } = await slackWorld(t)
  const seen = await slack.command('bob', 'C0BACKUPS', '/backup run production-db')
  assert.equal(seen.trouble, null)
  assert.deepEqual(words(seen), ['🔵 production-db: backing up\nrun k3f9 · its thread is in <#C0BACKUPS>'])
  assert.deepEqual(slack.messages('C0BACKUPS'), [])
  assert.deepEqual(asked[0], {
    asked: { words: 'run production-db' },
    person: { actor: { via: 'slack', id: 'U0BOB0001', team: 'T0EASYBKP' }, admin: false, outsider: null },
  })
  assert.equal(face.status().state, 'ok')
  assert.equal(face.status().acks.count, 1)
})

inBothModes('a command is acknowledged before anything is looked up, however slow the answer', async (t) => {
  const answer = Promise.withResolvers<never>()
  const { slack, face } = await slackWorld(t, { answer: () => answer.promise })
  const seen = await slack.command('bob', 'C0BACKUPS', '/backup status', { silent: true })
  assert.equal(seen.trouble, null)
  answer.reject(new Fault('timed-out', 'the state did not answer'))
  await slack.until(() => slack.ephemerals('bob').length === 1)
  assert.match(slack.ephemerals('bob')[0]!.text, /^⚠️ The state did not answer\.$/)
  assert.equal(face.status().acks.count, 1)
})

inBothModes('what Slack escaped in a command is read as it was typed', async (t) => {
  const { slack, asked } = await slackWorld(t)
  await slack.command('bob', 'C0BACKUPS', '/backup list --search "a<b&c"')
  assert.deepEqual(asked[0]?.asked, { words: 'list --search "a<b&c"' })
})

inBothModes('a mistake is answered in private with what to do instead, a defect is logged too', async (t) => {
  const { slack, log } = await slackWorld(t)
  const seen = await slack.command('bob', 'C0BACKUPS', '/backup lst')
  assert.deepEqual(words(seen), ['⚠️ There is no command lst.\nCommands: help, list.'])
  const crashed = await slack.command('alice', 'C0BACKUPS', '/backup crash')
  assert.deepEqual(words(crashed), [
    '❌ This is a defect in easy-backup: x is not a function.\nThe log of the service has more.',
  ])
  assert.ok(log.some((line) => line.startsWith('a command failed')))
})

inBothModes('a duplicate envelope is acted on once', async (t) => {
  const { slack, asked } = await slackWorld(t)
  slack.misbehave({ method: 'slash_commands', kind: 'duplicate-envelopes' })
  await slack.command('bob', 'C0BACKUPS', '/backup run production-db')
  await slack.until(() => slack.acks().length === 2)
  assert.equal(asked.length, 1)
  assert.equal(slack.ephemerals('bob').length, 1)
})

inBothModes('an envelope that comes again after a restart is acted on once', async (t) => {
  const world = await slackWorld(t)
  const card = await post(world, { type: 'run.card', run: run() })
  world.slack.misbehave({ method: 'interactive', kind: 'duplicate-envelopes' })
  await world.slack.click('alice', card, actions.cancelRun)
  await world.restart()
  assert.equal(world.asked.filter(({ asked }) => 'name' in asked && asked.name === 'cancel').length, 1)
})

inBothModes('guests, and people Slack says nothing about, are refused in private and logged', async (t) => {
  const { slack, log } = await slackWorld(t)
  assert.deepEqual(words(await slack.command('gus', 'C0BACKUPS', '/backup list')), ['⛔ Not for guests.'])
  slack.misbehave({ method: 'users.info', kind: '500', times: 2 })
  assert.deepEqual(words(await slack.command('alice', 'C0BACKUPS', '/backup list')), [
    '⛔ Slack did not say who you are, so nothing was done.\nTry again in a moment.',
  ])
  assert.ok(log.some((line) => /^refused .*"U0ALICE01"/.test(line)))
})

inBothModes('a long list turns its pages in place, made anew for whoever turns them', async (t) => {
  const { slack, asked } = await slackWorld(t)
  const [first] = (await slack.command('bob', 'C0BACKUPS', '/backup list')).ephemerals
  assert.match(first!.text, /1–10 of 23/)
  const [second] = (await slack.click('bob', first!, actions.nextPage)).ephemerals
  assert.match(second!.text, /11–20 of 23/)
  const [third] = (await slack.click('bob', second!, actions.nextPage)).ephemerals
  assert.match(third!.text, /21–23 of 23/)
  assert.equal(slack.ephemerals('bob').length, 1)
  assert.equal(asked.length, 3)
})

inBothModes(
  'with rich blocks a list is a data table, and aligned text when Slack refuses that',
  async (t) => {
    const { slack, log } = await slackWorld(t, { connection: { blocks: 'rich' } })
    const [rich] = (await slack.command('bob', 'C0BACKUPS', '/backup list')).ephemerals
    assert.ok(rich!.blocks.some(({ type }) => type === 'data_table'))
    slack.misbehave({ method: 'response_url', kind: '400' })
    for (let again = 0; again < 2; again++) {
      const [basic] = (await slack.command('bob', 'C0BACKUPS', '/backup list')).ephemerals.slice(-1)
      assert.ok(!basic!.blocks.some(({ type }) => type === 'data_table'))
      assert.match(JSON.stringify(basic!.blocks), /```/)
    }
    assert.equal(slack.transcript('response_url').length, 4) // refused once, remembered
    assert.equal(log.filter((line) => line.includes('refuses the newest blocks')).length, 1)
  },
)

inBothModes('an answer finds its way when the response URL does not work', async (t) => {
  const { slack } = await slackWorld(t)
  slack.misbehave({ method: 'response_url', kind: '500', times: 9 })
  assert.equal(words(await slack.command('bob', 'C0BACKUPS', '/backup status')).length, 1)
  assert.equal(slack.transcript('chat.postEphemeral').length, 1)
})

inBothModes('restoring opens a dialog at once and fills it with the newest backups', async (t) => {
  const { slack } = await slackWorld(t)
  const seen = await slack.command('alice', 'C0BACKUPS', '/backup restore production-db')
  assert.equal(seen.trouble, null)
  await slack.until(() => dialogText(slack, 'alice').includes('initial_option'))
  const [open] = slack.transcript('views.open')
  assert.match(JSON.stringify(open!.args), /Looking for backups/)
  assert.ok(open!.at - slack.transcript()[0]!.at < 3000)
  assert.match(dialogText(slack, 'alice'), /A new database beside it: production-db_restore_<time>/)
})

inBothModes('a restore is planned from the dialog, and the asker is told where its card is', async (t) => {
  const { slack, asked } = await slackWorld(t)
  await slack.command('alice', 'C0BACKUPS', `/backup restore production-db ${backupId(3)}`)
  await slack.until(() => dialogText(slack, 'alice').includes('initial_option'))
  await slack.submitView('alice', { reason: 'bad migration' })
  await slack.until(() => dialogText(slack, 'alice').includes('The plan is in <#C0BACKUPS>'))
  assert.deepEqual(asked.at(-1)?.asked, {
    name: 'restore',
    args: { strategy: 'production-db', backup: backupId(3), reason: 'bad migration' },
  })
})

inBothModes('a named target must be named, and only when it is chosen', async (t) => {
  const { slack, asked } = await slackWorld(t)
  await slack.command('alice', 'C0BACKUPS', '/backup restore production-db')
  await slack.until(() => dialogText(slack, 'alice').includes('initial_option'))
  await slack.submitView('alice', { target: 'named' })
  assert.match(JSON.stringify(slack.openViews('alice')[0]!.errors), /Write the name/)
  await slack.submitView('alice', { target: 'new', database: 'other' })
  assert.match(JSON.stringify(slack.openViews('alice')[0]!.errors), /leave this empty/)
  await slack.submitView('alice', { target: 'named', database: 'other' })
  await slack.until(() => asked.some(({ asked }) => 'name' in asked && asked.name === 'restore'))
  const last = asked.at(-1)!.asked
  assert.equal('name' in last && last.args['targetDb'], 'other')
})

inBothModes('what is wrong with a plan is said in the dialog, with what was typed still there', async (t) => {
  const answer = (): Promise<never> =>
    Promise.reject(new Fault('target-exists', 'database other is not empty', { hint: 'choose another name' }))
  const { slack } = await slackWorld(t, {
    answer: (asked) => ('name' in asked && asked.name === 'restore' ? answer() : undefined),
  })
  await slack.command('alice', 'C0BACKUPS', '/backup restore production-db')
  await slack.until(() => dialogText(slack, 'alice').includes('initial_option'))
  await slack.submitView('alice', { target: 'named', database: 'other', reason: 'why' })
  await slack.until(() => dialogText(slack, 'alice').includes('Database other is not empty'))
  assert.match(dialogText(slack, 'alice'), /"initial_value":"other"/)
  assert.match(dialogText(slack, 'alice'), /"initial_value":"why"/)
})

inBothModes('who may not restore reads it in the dialog that is already open', async (t) => {
  const { slack, asked } = await slackWorld(t)
  await slack.command('bob', 'C0BACKUPS', '/backup restore production-db')
  await slack.until(() => dialogText(slack, 'bob').includes('⛔'))
  assert.match(dialogText(slack, 'bob'), /needs a workspace admin/)
  assert.ok(
    asked.every(({ asked: one }) => 'name' in one && one.name === 'status'),
    'no backup was looked at',
  )
})

inBothModes('with several strategies the person chooses first', async (t) => {
  const { slack } = await slackWorld(t)
  await slack.command('alice', 'C0BACKUPS', '/backup restore')
  await slack.until(() => dialogText(slack, 'alice').includes('Choose a strategy'))
  await slack.click('alice', slack.openViews('alice')[0]!, actions.chooseStrategy, { value: 'shop' })
  await slack.until(() => dialogText(slack, 'alice').includes('initial_option'))
  assert.match(dialogText(slack, 'alice'), /shop/)
})

inBothModes('a dialog that was closed while the plan was made is answered in private', async (t) => {
  const plan = Promise.withResolvers<void>()
  const { slack } = await slackWorld(t, {
    answer: (asked) =>
      'name' in asked && asked.name === 'restore'
        ? plan.promise.then(() => ({ type: 'plan' as const, request: request(), dryRun: false }))
        : undefined,
  })
  await slack.command('alice', 'C0BACKUPS', '/backup restore production-db')
  await slack.until(() => dialogText(slack, 'alice').includes('initial_option'))
  await slack.submitView('alice')
  await slack.closeView('alice')
  plan.resolve()
  await slack.until(() => slack.ephemerals('alice').length === 1)
  assert.match(slack.ephemerals('alice')[0]!.text, /The plan is in <#C0BACKUPS>/)
})

inBothModes('a trigger that came too late is explained, not lost', async (t) => {
  const { slack } = await slackWorld(t)
  slack.misbehave({ method: 'views.open', kind: 'error', error: 'expired_trigger_id' })
  const seen = await slack.command('alice', 'C0BACKUPS', '/backup restore production-db')
  assert.deepEqual(words(seen), ['⚠️ Slack did not open the dialog in time.\nTry again.'])
})

inBothModes(
  'buttons of a card work after a restart: they carry ids, everything else is looked up',
  async (t) => {
    const world = await slackWorld(t)
    const { slack } = world
    const running = await post(world, { type: 'run.card', run: run() })
    const broken = await post(world, { type: 'run.card', run: failedRun() })
    const good = await post(world, { type: 'run.card', run: succeeded() })
    const card = await post(world, { type: 'request.card', request: request() })
    await world.restart()
    for (const [message, action] of [
      [running, actions.cancelRun],
      [broken, actions.retryRun],
      [card, actions.confirmRequest],
      [card, actions.dismissRequest],
    ] as const) {
      const before = world.asked.length
      await slack.click('alice', message, action, { silent: true })
      await slack.until(() => world.asked.length > before)
    }
    assert.deepEqual(
      world.asked.map(({ asked }) => asked),
      [
        { name: 'cancel', args: { run: 'run-k3f9' } },
        { name: 'run', args: { what: 'production-db', retry: true } },
        { name: 'confirm', args: { request: 'req-1', version: 1 } },
        { name: 'dismiss', args: { request: 'req-1', version: 1 } },
      ],
    )
    await slack.click('alice', good, actions.restoreBackup)
    await slack.until(() => dialogText(slack, 'alice').includes('initial_option'))
    assert.match(
      dialogText(slack, 'alice'),
      /"initial_option":\{[^}]*\},"value":"20261120T060000Z-k3f9"|20261120T060000Z-k3f9/,
    )
  },
)

inBothModes('View Log shows the end of what the tools said', async (t) => {
  const world = await slackWorld(t)
  const card = await post(world, { type: 'run.card', run: failedRun() })
  await world.slack.click('bob', card, actions.viewLog)
  await world.slack.until(() => dialogText(world.slack, 'bob').includes('pg_dump: error'))
})

inBothModes('a refused or late click gets its reason in private, and the card stays as it is', async (t) => {
  const { slack, ...world } = await slackWorld(t, {
    answer: (asked, { admin }) =>
      admin && 'name' in asked && asked.name === 'confirm'
        ? Promise.reject(
            new Fault('stale', 'already started by @U0ALICE01 <!channel>', { hint: 'look at the card' }),
          )
        : undefined,
  })
  const card = await post({ slack, ...world }, { type: 'request.card', request: request() })
  const before = JSON.stringify(card.blocks)
  assert.match(
    words(await slack.click('bob', card, actions.confirmRequest))[0]!,
    /^⛔ confirm needs a workspace admin/,
  )
  assert.deepEqual(words(await slack.click('alice', card, actions.confirmRequest)), [
    'ℹ️ Already started by <@U0ALICE01> &lt;!channel&gt;.\nLook at the card.',
  ])
  assert.equal(JSON.stringify(slack.messages('C0BACKUPS')[0]!.blocks), before)
})

inBothModes('a button nobody knows any more is acknowledged and explained', async (t) => {
  const { slack, ...world } = await slackWorld(t)
  const card = await post({ slack, ...world }, { type: 'run.card', run: run() })
  card.blocks.push({
    type: 'actions',
    block_id: 'old',
    elements: [
      {
        type: 'button',
        action_id: 'gone.away',
        text: { type: 'plain_text', text: 'Old' },
        value: 'not json',
      },
    ],
  })
  const seen = await slack.click('bob', card, 'gone.away')
  assert.equal(seen.trouble, null)
  assert.match(words(seen)[0]!, /^ℹ️ This button is from another version of easy-backup/)
})

inBothModes('the home tab shows every strategy, runs a backup and opens the restore dialog', async (t) => {
  const { slack, asked } = await slackWorld(t)
  assert.match(JSON.stringify(await slack.openHome('alice')), /production-db/)
  await slack.click('alice', 'home', actions.runFromHome, { value: '{"strategy":"shop"}' })
  assert.ok(
    asked.some(({ asked }) => 'name' in asked && asked.name === 'run' && asked.args['what'] === 'shop'),
  )
  await slack.click('alice', 'home', actions.restoreFromHome)
  await slack.until(() => dialogText(slack, 'alice').includes('Choose a strategy'))
  assert.match(JSON.stringify(await slack.openHome('gus')), /⛔ Not for guests/)
})

inBothModes('a refused click in the home tab opens its reason', async (t) => {
  const { slack } = await slackWorld(t, {
    answer: (asked) =>
      'name' in asked && asked.name === 'run'
        ? Promise.reject(new Fault('busy', 'shop is already running'))
        : undefined,
  })
  await slack.openHome('bob')
  await slack.click('bob', 'home', actions.runFromHome, { value: '{"strategy":"shop"}' })
  await slack.until(() => dialogText(slack, 'bob').includes('Shop is already running'))
})

inBothModes(
  'when it cannot be known whether a click came before, nothing is done and that is said',
  async (t) => {
    const world = await slackWorld(t, {
      firstTime: () => Promise.reject(new Fault('state-locked', 'the state is locked')),
    })
    const seen = await world.slack.command('bob', 'C0BACKUPS', '/backup run production-db')
    assert.deepEqual(words(seen), ['⚠️ The state is locked.'])
    assert.deepEqual(world.asked, [])
  },
)

inBothModes(
  'a click that is repeated by an impatient person is asked again and answered in private',
  async (t) => {
    let confirmed = 0
    const { slack, ...world } = await slackWorld(t, {
      answer: (asked) =>
        'name' in asked && asked.name === 'confirm' && confirmed++ > 0
          ? Promise.reject(new Fault('stale', 'already confirmed'))
          : undefined,
    })
    const card = await post({ slack, ...world }, { type: 'request.card', request: request() })
    const [first, second] = await Promise.all([
      slack.click('alice', card, actions.confirmRequest),
      slack.click('alice', card, actions.confirmRequest),
    ])
    assert.equal(confirmed, 2)
    assert.ok([...words(first), ...words(second)].every((text) => text === 'ℹ️ Already confirmed.'))
    assert.equal(slack.ephemerals('alice').length, 1)
  },
)
