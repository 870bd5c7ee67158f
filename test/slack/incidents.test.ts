import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IncidentView } from '../../src/core/incidents.ts'
import { drawMessage } from '../../src/slack/blocks/message.ts'
import { makeNight } from './night.ts'
import { failedRun, incident } from './samples.ts'
import { message, routing, slackWorld } from './world.ts'

const mention = '<!subteam^S0DBA0001>'

function words(view: IncidentView, note?: 'again' | 'late' | 'recovered'): string {
  const body = note
    ? ({ type: 'incident.note', note, incident: view } as const)
    : ({ type: 'incident', incident: view } as const)
  return drawMessage(body, { mentions: ['S0DBA0001'], blocks: 'basic', approvals: 'C0BACKUPS' }).text
}

test('thirty strategies fail for one reason: one thread in the channel of failures', async (t) => {
  const names = Array.from({ length: 30 }, (_, index) => `client-${index}`)
  const strategies = Object.fromEntries(
    names.map((name) => [name, { database_url: `sqlite:///nowhere/${name}.db` }]),
  )
  const slack = { channels: { failure: 'C0ALERTS1' }, mention_on_failure: ['S0DBA0001'] }
  const night = await makeNight(t, { strategies, global: { schedule: '1d' } }, slack)
  await night.fall('2026-11-20T00:00:01Z', 30)
  await night.ended()
  await night.told()
  const [thread, ...others] = night.slack.messages('C0ALERTS1')
  assert.deepEqual(others, [])
  assert.match(thread!.text, /30 strategies have no new backup, for one reason/)
  const mentioned = night.slack
    .transcript()
    .filter(({ method, args }) => method === 'chat.postMessage' && JSON.stringify(args).includes(mention))
  t.diagnostic(`${mentioned.length} mention, ${thread!.replies.length} replies`)
  // on a slow machine the first of them was posted before the fifth failed: then it is said once that it is many
  assert.ok(thread!.replies.length <= 1)
  assert.equal(mentioned.length, 1 + thread!.replies.length)
})

test('the head says what, since when and who looks after it; nobody is called when it was', () => {
  const first = words(incident())
  assert.equal(
    first,
    [
      `❌ ${mention} production-db has no new backup: password refused for user backup (database-refused)`,
      'Check DB_PASSWORD in the environment of the service.',
      'last good backup 11 h ago · next 13:00',
    ].join('\n'),
  )
  const seventh = words(
    incident({ failures: 7, acknowledged: { by: { via: 'slack', id: 'U0BOB0001' }, at: 0 } }),
  )
  assert.match(seventh, /7th failure in a row · since .*06|07.* · last good backup 11 h ago/)
  assert.match(seventh, /acknowledged by <@U0BOB0001>/)
  assert.doesNotMatch(words(incident({ quiet: true })), /subteam/)
})

test('an end is an edit of the head and a new message, and calls nobody', () => {
  const ended = incident({ state: 'recovered', failures: 7, closedAt: incident().openedAt + 31 * 3_600_000 })
  for (const said of [words(ended), words(ended, 'recovered')]) {
    assert.match(said, /^✅ production-db is backed up again: recovered after 7 failures, 1 d 7 h/)
    assert.doesNotMatch(said, /subteam/)
  }
})

test('Acknowledge and Snooze ask for the incident as it was shown, whoever clicks', async (t) => {
  const view = incident({ acts: 3 })
  const { slack, face, asked } = await slackWorld(t, {
    answer: async () => ({ type: 'text', text: 'production-db: done' }),
  })
  const body = { type: 'incident', incident: view } as const
  const told = message(body, { key: `incident/${view.id}`, audience: 'failure' })
  await face.notifier.deliver(told, null, null, new AbortController().signal)
  const [head] = slack.messages('C0ALERTS1')
  const seen = await slack.click('alice', head!, 'incident.acknowledge')
  assert.match(seen.ephemerals[0]!.text, /production-db: done/)
  await slack.click('alice', head!, 'incident.snooze', { value: `24h/3/${view.id}` })
  assert.deepEqual(
    asked.map(({ asked: one }) => one),
    [
      { name: 'acknowledge', args: { what: view.id, acts: 3 } },
      { name: 'snooze', args: { what: view.id, length: '24h', acts: 3 } },
    ],
  )
})

test('a note is heard below its head; the alarm of a run that counts in it is not', async (t) => {
  const { slack, face } = await slackWorld(t)
  const signal = new AbortController().signal
  const view = incident({ failures: 3 })
  const place = { key: `incident/${view.id}`, audience: 'failure' } as const
  const head = await face.notifier.deliver(
    message({ type: 'incident', incident: view }, place),
    null,
    null,
    signal,
  )
  const note = message(
    { type: 'incident.note', note: 'again', incident: view },
    { ...place, key: `${place.key}/1` },
  )
  await face.notifier.deliver(note, null, head.receipt, signal)
  const [thread] = slack.messages('C0ALERTS1')
  assert.deepEqual(
    thread!.replies.map(({ broadcast, text }) => [broadcast, text.slice(0, 60)]),
    [[true, `🚨 ${mention} production-db: 3rd failure in a row:`]],
  )
  const card = await face.notifier.deliver(
    message({ type: 'run.card', run: failedRun() }),
    null,
    null,
    signal,
  )
  const run = failedRun({ incident: view.id })
  const alarm = message(
    { type: 'run.alarm', run, quiet: true },
    { key: 'run/k3f9/alarm', audience: 'success' },
  )
  await face.notifier.deliver(alarm, null, card.receipt, signal)
  const [below] = slack.messages(routing.channel)[0]!.replies
  assert.equal(below!.broadcast, undefined)
  assert.match(below!.text, /told in <#C0ALERTS1>/)
  assert.doesNotMatch(below!.text, /subteam/)
})
