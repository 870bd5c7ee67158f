import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import type { IncidentNote, IncidentView } from '../../src/core/incidents.ts'
import type { Message } from '../../src/core/messages.ts'
import type { NotificationConfig } from '../../src/core/notifications.ts'
import type { Notifier } from '../../src/notifiers/notifier.ts'
import { pagerduty } from '../../src/notifiers/pagerduty/index.ts'
import { notifierContract } from '../contracts/notifier.ts'
import { failedRun } from '../slack/samples.ts'
import { makeCertificate } from '../support/certificate.ts'
import { startPagerduty, type Duty } from '../support/pagerduty.ts'
import {
  canary,
  goodBackup,
  head,
  incident,
  makeHouse,
  member,
  message,
  settings,
  type House,
} from './house.ts'

const quiet = new AbortController().signal
const certificate = await makeCertificate('localhost')
const routingKey = 'R0123456789abcdefABCDEF012345678'

interface Scene {
  house: House
  server: Duty
  open(changes?: Partial<NotificationConfig>): Notifier
  actions(): string[]
}

async function scene(t: TestContext): Promise<Scene> {
  const house = makeHouse({ ca: certificate.cert })
  const server = await startPagerduty(t, certificate, routingKey)
  const options = { routing_key: routingKey, url: server.enqueue, allow_private: true }
  const on = [...pagerduty.usual]
  return {
    house,
    server,
    open: (changes = {}) =>
      pagerduty.open(settings({ kind: 'pagerduty', on, options, ...changes }), house.context),
    actions: () =>
      server.heard.map(({ body }) => (JSON.parse(body) as { event_action: string }).event_action),
  }
}

const note = (view: IncidentView, what: IncidentNote): Message =>
  message(`incident/${view.id}/${what}`, { type: 'incident.note', note: what, incident: view })

notifierContract('pagerduty', async (t) => {
  const { house, server, open } = await scene(t)
  return {
    house,
    open,
    told: () => server.heard.filter(({ status }) => status === 202).length,
    refuse: () => void (server.answer = { status: 403, body: `forbidden, ${canary}` }),
    take: () => void (server.answer = { status: 202 }),
    leave: () => server.close(),
    sample: brokenBackup,
  }
})

function brokenBackup(number = 1): Message {
  const run = failedRun({ id: `run-${number}`, kind: 'verify' })
  return message(`run/${run.id}/alarm`, { type: 'run.alarm', run })
}

suite('an incident at PagerDuty', () => {
  test('is opened once, acknowledged with the one here, and closed with it', async (t) => {
    const { open, server, actions } = await scene(t)
    const notifier = open()
    const opened = await notifier.deliver(head(incident()), null, null, quiet)
    assert.deepEqual([...server.incidents.values()], ['triggered'])
    const acknowledged = incident({
      acknowledged: { by: { face: 'slack', id: 'U1', name: 'ann' } as never, at: 0 },
    })
    const seen = await notifier.deliver(head(acknowledged), opened.receipt, null, quiet)
    assert.deepEqual([...server.incidents.values()], ['acknowledged'])
    assert.equal(notifier.wants(head({ ...acknowledged, acts: 2 }), seen.receipt), false)
    const over = incident({ state: 'recovered', closedAt: incident().openedAt + 60_000 })
    await notifier.deliver(note(over, 'recovered'), null, seen.receipt, quiet)
    assert.deepEqual([...server.incidents.values()], ['resolved'])
    assert.deepEqual(actions(), ['trigger', 'acknowledge', 'resolve'])
  })

  test('that becomes worse is the same incident, and what was overtaken by its end opens no other', async (t) => {
    const { open, server, actions } = await scene(t)
    const notifier = open()
    const opened = await notifier.deliver(head(incident()), null, null, quiet)
    await notifier.deliver(note(incident({ failures: 3 }), 'again'), null, opened.receipt, quiet)
    const { payload } = JSON.parse(server.heard[1]!.body) as { payload: { severity: string } }
    assert.equal(payload.severity, 'critical')
    await notifier.deliver(
      note(incident({ state: 'recovered', closedAt: incident().openedAt + 60_000 }), 'recovered'),
      null,
      opened.receipt,
      quiet,
    )
    await notifier.deliver(note(incident({ failures: 10 }), 'late'), null, opened.receipt, quiet)
    assert.deepEqual([...server.incidents.values()], ['resolved'])
    assert.deepEqual(actions(), ['trigger', 'trigger', 'resolve'])
  })

  test('that became a part of a larger one is closed there', async (t) => {
    const { open, server } = await scene(t)
    const notifier = open()
    const opened = await notifier.deliver(head(incident()), null, null, quiet)
    await notifier.deliver(head(incident({ state: 'joined', into: 'other' })), opened.receipt, null, quiet)
    assert.deepEqual([...server.incidents.values()], ['resolved'])
  })

  test('is closed for who asked for failures alone, and not opened by a good end', async (t) => {
    const { open, server } = await scene(t)
    const notifier = open({ on: ['failure'] })
    const opened = await notifier.deliver(head(incident()), null, null, quiet)
    const over = head(incident({ state: 'recovered', closedAt: incident().openedAt + 60_000 }))
    await notifier.deliver(over, opened.receipt, null, quiet)
    assert.deepEqual([...server.incidents.values()], ['resolved'])
    assert.equal(open({ on: ['failure'] }).wants(goodBackup(), null), false)
    assert.equal(open({ on: ['failure'] }).wants(head(incident({ state: 'recovered' })), null), false)
  })

  test('of which only what made it worse was told is closed as well', async (t) => {
    const { open, server } = await scene(t)
    const notifier = open({ on: ['failure'] })
    const say = async (what: Message, receipt: unknown, parent: unknown): Promise<unknown> =>
      notifier.wants(what, receipt) ? (await notifier.deliver(what, receipt, parent, quiet)).receipt : receipt
    const overdue = incident({ members: [member({ state: 'overdue', overdueSince: 1 })] })
    const receipt = await say(head(overdue), null, null)
    assert.equal(server.heard.length, 0)
    const late = { ...overdue, noted: ['late'] as const }
    await say(note(late, 'late'), null, receipt)
    assert.deepEqual([...server.incidents.values()], ['triggered'])
    await say(note({ ...late, state: 'recovered', closedAt: late.openedAt }, 'recovered'), null, receipt)
    assert.deepEqual([...server.incidents.values()], ['resolved'])
  })

  test('of which only what made it worse was told is closed by an end that nobody is told of', async (t) => {
    const { open, server } = await scene(t)
    const notifier = open()
    const worse = incident({ kind: 'odd', noted: ['again'] })
    await notifier.deliver(note(worse, 'again'), null, null, quiet)
    const over = head({ ...worse, state: 'recovered', closedAt: worse.openedAt })
    assert.equal(notifier.wants(over, null), true)
    await notifier.deliver(over, null, null, quiet)
    assert.deepEqual([...server.incidents.values()], ['resolved'])
  })

  test('is closed there after days without a connection', async (t) => {
    const { open, server, house } = await scene(t)
    const opened = await open().deliver(head(incident()), null, null, quiet)
    const over = incident({ state: 'recovered', closedAt: incident().openedAt + 60_000 })
    house.clock.jump(over.closedAt! + 3 * 24 * 60 * 60_000)
    const notifier = open()
    assert.equal(notifier.wants(note(over, 'recovered'), null), true)
    await notifier.deliver(note(over, 'recovered'), null, opened.receipt, quiet)
    assert.deepEqual([...server.incidents.values()], ['resolved'])
  })

  test('of a verification that fails each night is one, and its facts are those of mail', async (t) => {
    const { open, server } = await scene(t)
    for (const id of ['a', 'b'])
      await open().deliver(
        message(`run/${id}/alarm`, { type: 'run.alarm', run: failedRun({ id, kind: 'verify' }) }),
        null,
        null,
        quiet,
      )
    assert.equal(server.heard.length, 2)
    assert.equal(server.incidents.size, 1)
    const { payload } = JSON.parse(server.heard[0]!.body) as { payload: Record<string, unknown> }
    assert.equal(payload.source, 'db-host')
    assert.equal(payload.component, 'production-db')
    assert.equal(payload.class, 'verify')
    assert.match(String(payload.summary), /could not be verified/)
  })
})

suite('what PagerDuty answers', () => {
  test('a key that it does not know switches it off at once', async (t) => {
    const { open, server, house } = await scene(t)
    const options = { routing_key: 'x'.repeat(32), url: server.enqueue, allow_private: true }
    const notifier = pagerduty.open(settings({ kind: 'pagerduty', on: ['failure'], options }), house.context)
    await notifier.deliver(head(incident()), null, null, quiet)
    assert.match(notifier.off!()!, /answered 400.*routing_key/)
    assert.match((await open({ options }).test!(quiet)).text, /integration key of a service/)
  })

  test('an event that it does not take is given up alone; 429 and 5xx are tried again', async (t) => {
    const { open, server } = await scene(t)
    server.answer = { status: 400, body: '{"errors":["payload is odd"]}' }
    assert.equal((await open().deliver(head(incident()), null, null, quiet)).outcome, 'refused')
    for (const status of [429, 500]) {
      server.answer = { status, headers: { 'Retry-After': '90' } }
      const answer = await open().deliver(head(incident()), null, null, quiet)
      assert.deepEqual([answer.outcome, answer.retryAfterMs! >= 90_000], ['later', true])
    }
  })

  test('a test opens an incident of severity info and closes it', async (t) => {
    const { open, server, actions } = await scene(t)
    assert.deepEqual(await open().test!(quiet), { ok: true, text: 'answered 202: opened and resolved' })
    assert.deepEqual(actions(), ['trigger', 'resolve'])
    assert.deepEqual([...server.incidents.values()], ['resolved'])
  })
})
