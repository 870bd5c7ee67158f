import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startPlayground } from '../../playground/server.ts'
import type { Playground } from '../../playground/server.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Message } from '../../src/core/messages.ts'
import type { Delivery, Notifier } from '../../src/notifiers/notifier.ts'
import { createAnnouncer } from '../../src/slack/announcer.ts'
import { createClients } from '../../src/slack/clients.ts'
import { routingTable } from '../../src/slack/routing.ts'
import { createStyle } from '../../src/slack/style.ts'
import { fakeClock } from '../support/clock.ts'
import type { FakeClock } from '../support/clock.ts'
import { failedRun, request, run, succeeded } from './samples.ts'
import { connectionTo, message, routing } from './world.ts'

interface Announced {
  slack: Playground
  announcer: Notifier
  clock: FakeClock
  /** Warnings. */
  logged: string[]
  tell(message: Message, receipt?: unknown, parent?: unknown): Promise<Delivery>
}

async function announcing(t: TestContext, blocks: 'basic' | 'rich' = 'basic'): Promise<Announced> {
  const slack = await startPlayground({ rateLimits: false })
  t.after(() => slack.close())
  const clock = fakeClock(Date.parse('2026-11-20T06:00:05Z')) // the runs below began a moment ago
  const logged: string[] = []
  const own = { ...routing, channel: 'C0GENERAL', failure: null }
  const table = routingTable(routing, [
    { name: 'shop', slack: own },
    { name: 'production-db', slack: null },
  ])
  const announcer = createAnnouncer({
    client: createClients(connectionTo(slack), silentLog).delivery,
    routing: table,
    style: createStyle(blocks, { ...silentLog, warn: (text) => void logged.push(text) }),
    workspace: () => 'https://acme.slack.com/',
    clock,
    log: silentLog,
  })
  const tell = (one: Message, receipt: unknown = null, parent: unknown = null): Promise<Delivery> =>
    announcer.deliver(one, receipt, parent, new AbortController().signal)
  return { slack, announcer, clock, logged, tell }
}

const card = message({ type: 'run.card', run: run() })
const done = message({ type: 'run.card', run: succeeded() }, { version: 2 })
const progress = (bytes: number, key = 'run/k3f9/progress'): Message =>
  message(
    {
      type: 'run.progress',
      run: run({
        progress: { stage: 'dump', bytes, expectedBytes: 100e6, bytesPerSecond: null, remainingMs: null },
      }),
    },
    { key, parent: 'run/k3f9/card', priority: 4 },
  )
const alarm = message(
  { type: 'run.alarm', run: failedRun() },
  { key: 'run/k3f9/alarm', audience: 'failure', parent: 'run/k3f9/card', priority: 1 },
)

test('a run is one message that changes, with its progress below it', async (t) => {
  const { slack, tell } = await announcing(t)
  const posted = await tell(card)
  assert.equal(posted.outcome, 'sent')
  const below = await tell(progress(50e6), null, posted.receipt)
  assert.equal(below.outcome, 'sent')
  assert.equal((await tell(done, posted.receipt)).outcome, 'sent')
  const [thread, ...others] = slack.messages('C0BACKUPS')
  assert.deepEqual(others, [])
  assert.match(thread!.text, /^✅ production-db · backed up in 9 s/)
  assert.deepEqual(
    thread!.replies.map(({ text }) => text.slice(0, 20)),
    ['▓▓▓▓▓▓░░░░░░ 50 %  d'],
  )
})

test('what was sent is not sent again, also after a restart', async (t) => {
  const { slack, tell } = await announcing(t)
  const posted = await tell(card)
  const stored: unknown = JSON.parse(JSON.stringify(posted.receipt))
  assert.match((stored as { link: string }).link, /^https:\/\/acme\.slack\.com\/archives\/C0BACKUPS\/p\d+$/)
  const again = await tell({ ...card, version: 9 }, stored)
  assert.deepEqual([again.outcome, again.receipt], ['sent', stored])
  assert.equal(slack.transcript('chat.update').length, 0)
})

test('an alarm is heard in the failure channel with a mention, or below the run when that is its channel', async (t) => {
  const { slack, tell } = await announcing(t)
  const elsewhere = await tell(card)
  await tell(alarm, null, elsewhere.receipt)
  assert.equal(slack.messages('C0BACKUPS')[0]!.replies.length, 0)
  const [top] = slack.messages('C0ALERTS1')
  assert.match(top!.text, /^❌ <!subteam\^S0DBA0001> production-db has no new backup/)
  const own = { strategy: 'shop' }
  const there = await tell({ ...card, ...own })
  await tell({ ...alarm, ...own }, null, there.receipt)
  const [thread] = slack.messages('C0GENERAL')
  assert.equal(thread!.replies[0]!.broadcast, true)
})

test('a strategy with its own channel uses nothing else, and one that was removed uses the global ones', async (t) => {
  const { slack, tell } = await announcing(t)
  await tell({ ...alarm, strategy: 'shop', parent: null })
  await tell({ ...card, strategy: 'removed' })
  assert.equal(slack.messages('C0GENERAL').length, 1)
  assert.equal(slack.messages('C0BACKUPS').length, 1)
  assert.equal(slack.messages('C0ALERTS1').length, 0)
})

test('a 429 stops that method for as long as Slack says, and nothing else', async (t) => {
  const { slack, tell, clock } = await announcing(t)
  const posted = await tell(card)
  slack.misbehave({ method: 'chat.postMessage', kind: '429', retryAfter: 30 })
  const limited = await tell(alarm)
  assert.deepEqual([limited.outcome, limited.retryAfterMs], ['later', 30_000])
  assert.equal((await tell(done, posted.receipt)).outcome, 'sent')
  const calls = slack.transcript('chat.postMessage').length
  assert.equal((await tell(alarm)).outcome, 'later')
  assert.equal(slack.transcript('chat.postMessage').length, calls)
  await clock.advance(30_001)
  assert.equal((await tell(alarm)).outcome, 'sent')
})

test('a 429 on an edit is told with its time and the receipt is kept', async (t) => {
  const { slack, tell } = await announcing(t)
  const posted = await tell(card)
  slack.misbehave({ method: 'chat.update', kind: '429', retryAfter: 7 })
  const limited = await tell(done, posted.receipt)
  assert.deepEqual([limited.outcome, limited.retryAfterMs, limited.receipt], ['later', 7000, posted.receipt])
})

test('a post that was done but not answered is unknown; an edit may simply be repeated', async (t) => {
  const { slack, tell, clock } = await announcing(t)
  for (const kind of ['drop-after', '500', '503', 'malformed'] as const) {
    await clock.advance(2000)
    slack.misbehave({ method: 'chat.postMessage', kind })
    assert.equal((await tell({ ...card, strategy: 'shop' })).outcome, 'unknown', kind)
  }
  assert.ok(slack.messages('C0GENERAL').length > 0)
  const posted = await tell(card)
  for (const kind of ['drop-after', '500', '503'] as const) {
    slack.misbehave({ method: 'chat.update', kind })
    const edit = await tell(done, posted.receipt)
    assert.deepEqual([edit.outcome, edit.receipt], ['later', posted.receipt], kind)
  }
  assert.equal(slack.transcript('chat.postMessage').length, 5)
})

test('nobody there is later, never unknown', async (t) => {
  const { slack, tell } = await announcing(t)
  await slack.close()
  assert.equal((await tell(card)).outcome, 'later')
})

test('a deleted message is gone, and can be posted again', async (t) => {
  const { slack, tell } = await announcing(t)
  const posted = await tell(card)
  slack.deleteMessage(slack.messages('C0BACKUPS')[0]!)
  const edit = await tell(done, posted.receipt)
  assert.deepEqual([edit.outcome, edit.receipt], ['gone', null])
  assert.equal((await tell(done)).outcome, 'sent')
  assert.match(slack.messages('C0BACKUPS')[0]!.text, /^✅/)
})

test('an archived channel, a revoked token or a missing scope loses nothing: it is tried again', async (t) => {
  const { slack, tell, clock } = await announcing(t)
  for (const error of [
    'is_archived',
    'channel_not_found',
    'not_in_channel',
    'token_revoked',
    'invalid_auth',
    'missing_scope',
    'never_heard_of',
  ]) {
    slack.misbehave({ method: 'chat.postMessage', kind: 'error', error })
    const refused = await tell(card)
    assert.deepEqual([refused.outcome, refused.retryAfterMs, refused.detail], ['later', 300_000, error])
    await clock.advance(1000)
  }
})

test('when Slack refuses blocks the words alone are sent', async (t) => {
  const { slack, tell } = await announcing(t)
  slack.misbehave({ method: 'chat.postMessage', kind: 'error', error: 'invalid_blocks' })
  assert.equal((await tell(card)).outcome, 'sent')
  const [posted] = slack.messages('C0BACKUPS')
  assert.deepEqual(posted!.blocks, [])
  assert.match(posted!.text, /^🔵 production-db · backing up/)
  slack.misbehave({ method: 'chat.postMessage', kind: 'error', error: 'invalid_blocks', times: 2 })
  const refused = await tell(alarm)
  assert.deepEqual([refused.outcome, refused.detail], ['refused', 'invalid_blocks'])
})

test('with rich blocks progress is a list of tasks, and a bar when Slack refuses that', async (t) => {
  const { slack, tell } = await announcing(t, 'rich')
  await tell(progress(50e6))
  slack.misbehave({ method: 'chat.postMessage', kind: 'error', error: 'invalid_blocks' })
  await tell(progress(60e6, 'run/other/progress'))
  const [rich, basic] = slack.messages('C0BACKUPS')
  assert.deepEqual(
    (rich!.blocks[0] as { tasks?: { title: string; status: string }[] }).tasks?.map(({ status }) => status),
    ['complete', 'in_progress', 'pending', 'pending'],
  )
  assert.match(JSON.stringify(basic!.blocks), /▓▓▓▓▓▓▓░░░░░ 60 %/)
  assert.match(rich!.text, /50 %/)
})

test('moving progress never takes the edits that ends need', async (t) => {
  const { tell, clock } = await announcing(t)
  const posted = await tell(card)
  const receipts = new Map<string, unknown>()
  let edits = 0
  for (let second = 0; second < 60; second++) {
    for (let index = 0; index < 40; index++) {
      const key = `run/${index}/progress`
      const known = receipts.get(key) ?? {
        channel: 'C0BACKUPS',
        ts: (posted.receipt as { ts: string }).ts,
        digest: 'old',
      }
      const moved = await tell(progress(second * 1e6 + index, key), known)
      if (moved.outcome === 'sent') edits += 1
    }
    await clock.advance(1000)
  }
  assert.ok(edits <= 40, `${edits} edits of progress in a minute`)
  assert.equal((await tell(done, posted.receipt)).outcome, 'sent')
})

test('one run alone shows its progress every five seconds or so', async (t) => {
  const { tell, clock } = await announcing(t)
  const posted = await tell(card)
  let below = await tell(progress(1e6), null, posted.receipt)
  let edits = 0
  for (let second = 0; second < 60; second++) {
    await clock.advance(1000)
    const moved = await tell(progress(second * 1e6 + 2e6), below.receipt, posted.receipt)
    if (moved.outcome === 'sent') edits += 1
    if (moved.outcome === 'sent') below = moved
  }
  assert.ok(edits >= 9 && edits <= 13, `${edits} edits`)
})

test('a burst of posts into one channel waits its turn of one a second', async (t) => {
  const { tell, clock } = await announcing(t)
  const outcomes = []
  for (let index = 0; index < 6; index++)
    outcomes.push((await tell({ ...card, key: `run/${index}/card` })).outcome)
  assert.deepEqual(outcomes, ['sent', 'sent', 'sent', 'sent', 'later', 'later'])
  await clock.advance(1200)
  assert.equal((await tell({ ...card, key: 'run/5/card' })).outcome, 'sent')
})

test('the reply to a thread that is gone is told outside of it', async (t) => {
  const { slack, tell } = await announcing(t)
  const posted = await tell({ ...card, strategy: 'shop' })
  slack.misbehave({ method: 'chat.postMessage', kind: 'error', error: 'thread_not_found' })
  assert.equal((await tell({ ...alarm, strategy: 'shop' }, null, posted.receipt)).outcome, 'sent')
  assert.equal(slack.messages('C0GENERAL').length, 2)
})

test('a request goes to the approvals channel and links are never unfurled', async (t) => {
  const { slack, tell } = await announcing(t)
  await tell(
    message({ type: 'request.card', request: request() }, { key: 'request/1', audience: 'approvals' }),
  )
  const [call] = slack.transcript('chat.postMessage')
  assert.equal(String(call!.args['unfurl_links']), 'false')
  assert.equal(String(call!.args['unfurl_media']), 'false')
})

test('a stopped delivery ends at once', async (t) => {
  const { slack, announcer } = await announcing(t)
  slack.misbehave({ method: 'chat.postMessage', kind: 'timeout-after' })
  const stop = new AbortController()
  const delivery = announcer.deliver(card, null, null, stop.signal)
  await slack.until(() => slack.messages('C0BACKUPS').length === 1)
  stop.abort()
  assert.equal((await delivery).outcome, 'unknown')
})

test('reachability is asked at most once a minute', async (t) => {
  const { slack, announcer, clock } = await announcing(t)
  const { signal } = new AbortController()
  assert.deepEqual(await announcer.check(signal), { ok: true, text: 'signed in to Lumen Labs' })
  await announcer.check(signal)
  assert.equal(slack.transcript('auth.test').length, 1)
  await clock.advance(60_000)
  slack.misbehave({ method: 'auth.test', kind: 'error', error: 'token_revoked' })
  assert.deepEqual(await announcer.check(signal), { ok: false, text: 'token_revoked' })
})

test('rich blocks that Slack refuses are said once, and basic ones are used from then on', async (t) => {
  const { slack, tell, clock, logged } = await announcing(t, 'rich')
  slack.misbehave({ method: 'chat.postMessage', kind: 'error', error: 'invalid_blocks' })
  for (const key of ['run/a/progress', 'run/b/progress', 'run/c/progress']) {
    await clock.advance(10_000)
    assert.equal((await tell(progress(60e6, key))).outcome, 'sent')
  }
  assert.equal(slack.transcript('chat.postMessage').length, 4)
  assert.ok(slack.messages('C0BACKUPS').every(({ blocks }) => JSON.stringify(blocks).includes('▓')))
  assert.deepEqual(logged.filter((text) => text.includes('refuses the newest blocks')).length, 1)
})

test('while Slack does not answer, in whatever way, nothing more is posted into the void', async (t) => {
  for (const kind of ['500', '503', 'drop-socket', 'html', 'malformed', 'error'] as const) {
    const { slack, tell, clock } = await announcing(t)
    slack.misbehave({ method: '*', kind, times: 1_000 })
    for (let minute = 0; minute < 30; minute++) {
      const { outcome, waits } = await tell({ ...card, key: `run/${minute}/card` })
      assert.ok(minute === 0 ? outcome === 'unknown' : waits, `${kind}: ${outcome}`)
      await clock.advance(60_000)
    }
    assert.equal(slack.transcript('chat.postMessage').length, 1, kind)
    slack.behave()
    await clock.advance(15_000)
    assert.equal((await tell(card)).outcome, 'sent', kind)
  }
})
