import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { suite, test } from 'node:test'
import type { NotificationConfig } from '../../src/core/notifications.ts'
import type { Delivery, Notifier, NotifierContext } from '../../src/notifiers/notifier.ts'
import { webhook } from '../../src/notifiers/webhook/index.ts'
import { notifierContract } from '../contracts/notifier.ts'
import { startWebServer, type WebServer } from '../support/web-server.ts'
import { drilled } from '../slack/samples.ts'
import { canary, goodBackup, head, incident, makeHouse, message, settings } from './house.ts'

const quiet = new AbortController().signal
const secret = 'a secret that both sides know'

function open(options: Record<string, unknown>, more: Partial<NotifierContext> = {}): Notifier {
  return webhook.open(settings({ kind: 'webhook', options }), makeHouse(more).context)
}

const inside = (server: WebServer): Record<string, unknown> => ({
  url: `${server.url}/hook`,
  allow_private: true,
  secret,
  headers: { Authorization: `Bearer ${canary}` },
})

const send = (notifier: Notifier): Promise<Delivery> => notifier.deliver(goodBackup(), null, null, quiet)

notifierContract('webhook', async (t) => {
  const house = makeHouse()
  const server = await startWebServer(t)
  return {
    house,
    open: (changes: Partial<NotificationConfig> = {}) =>
      webhook.open(
        settings({ kind: 'webhook', on: ['success'], options: inside(server), ...changes }),
        house.context,
      ),
    told: () => server.heard.filter(({ status }) => status === 200).length,
    refuse: () => void (server.answer = { status: 404, body: `no such hook, ${canary}` }),
    take: () => void (server.answer = { status: 200 }),
    leave: () => server.close(),
  }
})

suite('what a webhook is sent', () => {
  test('is JSON with the facts, the headers of the configuration, and an id that retries keep', async (t) => {
    const server = await startWebServer(t)
    await send(open(inside(server)))
    await send(open(inside(server)))
    const [first, again] = server.heard
    const body = JSON.parse(first!.body) as Record<string, unknown>
    assert.deepEqual(
      {
        ...body,
        id: undefined,
        text: undefined,
      },
      {
        schema: 1,
        id: undefined,
        event: 'success',
        status: 'success',
        at: '2026-11-20T06:00:09.000Z',
        title: 'production-db: backup succeeded (341 MB in 9 s)',
        strategy: 'production-db',
        strategies: ['production-db'],
        kind: 'backup',
        run: 'run-1',
        incident: null,
        outcome: 'succeeded',
        duration: 9,
        failures_in_a_row: 0,
        last_good_at: '2026-11-20T00:00:09.000Z',
        next_run_at: '2026-11-20T12:00:00.000Z',
        host: 'db-host',
        backup: 'production-db-20261120T060000Z-k3f9',
        bytes: 341_000_000,
        raw_bytes: 1_200_000_000,
        level: 'V2',
        destination: ['s3'],
        missing: [],
        suspicious: null,
        drill: null,
        error: null,
        error_code: null,
        hint: null,
        text: undefined,
        installation: 'here',
        version: '1.2.3',
      },
    )
    assert.equal(first!.method, 'POST')
    assert.equal(first!.headers.authorization, `Bearer ${canary}`)
    assert.equal(first!.headers['content-type'], 'application/json')
    assert.equal(first!.headers['idempotency-key'], body.id)
    assert.equal((JSON.parse(again!.body) as { id: string }).id, body.id)
    assert.match(String(body.id), /^evt_[\w-]{27}$/)
  })

  test('has no half of a character, whatever was cut before', async (t) => {
    const server = await startWebServer(t)
    const half = '😀'.slice(0, 1)
    const cut = incident({ why: `cut ${half}`, hint: `cut ${half}`, where: `shop${half}` })
    await open(inside(server)).deliver(head(cut), null, null, quiet)
    assert.doesNotMatch(server.heard[0]!.body, /\\ud8/i)
  })

  test('of a drill has what it compared and how long it took', async (t) => {
    const server = await startWebServer(t)
    const options = inside(server)
    const notifier = webhook.open(settings({ kind: 'webhook', on: ['drill'], options }), makeHouse().context)
    const why = `check "a" found ${canary}, expected 0`
    const check = { name: 'a', ok: false, found: canary, expected: '0' }
    const run = drilled(
      { verdict: 'fail', why, checks: [check] },
      { state: 'failed', stillGood: { id: 'older', createdAt: 0, level: 'V2' } },
    )
    await notifier.deliver(message('run/a/card', { type: 'run.card', run }), null, null, quiet)
    const { event, status, kind, backup, drill } = JSON.parse(server.heard[0]!.body) as Record<
      string,
      unknown
    >
    assert.deepEqual([event, status, kind, backup], ['drill', 'failure', 'drill', run.backupId])
    assert.deepEqual(drill, {
      verdict: 'fail',
      why: 'check "a" found ***, expected 0',
      server: 'a scratch PostgreSQL 16.4',
      tables: 8,
      rows: 4_812_330,
      objects: 5,
      checks: [{ ...check, found: '***' }],
      restore_seconds: 192,
      previous_restore_seconds: 171,
      evidence: { storage: 's3', key: 'production-db/2026/11/k3f9/verdict-1.json' },
      still_good: 'older',
    })
  })

  test('is signed, and anybody with the secret can tell', async (t) => {
    const server = await startWebServer(t)
    await send(open(inside(server)))
    const [{ body, headers }] = server.heard as [(typeof server.heard)[number]]
    const [, at, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['easy-backup-signature']))!
    assert.equal(given, createHmac('sha256', secret).update(`${at}.${body}`).digest('hex'))
    assert.notEqual(given, createHmac('sha256', 'another secret').update(`${at}.${body}`).digest('hex'))
  })

  test('of a failure names what is wrong, of an incident of many whom it is about', async (t) => {
    const server = await startWebServer(t)
    await open(inside(server)).deliver(head(incident()), null, null, quiet)
    const body = JSON.parse(server.heard[0]!.body) as Record<string, unknown>
    assert.deepEqual(
      [body.event, body.strategy, body.error, body.error_code, body.hint, body.run],
      [
        'failure',
        'production-db',
        'password refused',
        'database-refused',
        'correct the password',
        'run-k3f9',
      ],
    )
  })
})

suite('what a webhook answers', () => {
  for (const status of [500, 503, 429, 408])
    test(`${status} is tried again later`, async (t) => {
      const server = await startWebServer(t)
      server.answer = { status, headers: { 'Retry-After': '120' } }
      const answer = await send(open(inside(server)))
      assert.deepEqual([answer.outcome, answer.retryAfterMs! >= 120_000], ['later', true])
    })

  test('410 switches it off at once', async (t) => {
    const server = await startWebServer(t)
    server.answer = { status: 410 }
    const notifier = open(inside(server))
    await send(notifier)
    assert.match(notifier.off!()!, /answered 410/)
    assert.equal(server.heard.length, 1)
  })

  test('a body it does not take is given up, and the next is told', async (t) => {
    const server = await startWebServer(t)
    server.answer = { status: 422, body: 'bad' }
    const notifier = open(inside(server))
    assert.deepEqual((await send(notifier)).outcome, 'refused')
    server.answer = { status: 204 }
    assert.equal((await notifier.deliver(goodBackup(2), null, null, quiet)).outcome, 'sent')
  })

  test('an endless answer is not read to its end, and none at all ends in time', async (t) => {
    const server = await startWebServer(t)
    server.answer = { status: 200, body: 'x'.repeat(20_000_000) }
    assert.equal((await send(open(inside(server)))).outcome, 'sent')
    server.silent = true
    const begun = AbortSignal.timeout(300)
    assert.equal((await open(inside(server)).deliver(goodBackup(), null, null, begun)).outcome, 'later')
  })

  test('a redirect is not followed', async (t) => {
    const target = await startWebServer(t)
    const server = await startWebServer(t)
    server.answer = { status: 307, headers: { location: `${target.url}/elsewhere` } }
    const answer = await send(open(inside(server)))
    assert.match(answer.detail!, /a redirect/)
    assert.deepEqual(target.heard, [])
  })
})

suite('addresses that are not called (webhook to 169.254.169.254 and its like)', () => {
  const loopback = ['127.0.0.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '127.1', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '0.0.0.0', '0', '[::]'] // prettier-ignore
  const inner = ['169.254.169.254', '[::ffff:169.254.169.254]', '10.1.2.3', '172.16.0.1', '192.168.1.1', '100.64.0.1', '[fe80::1]', '[fd00::1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '224.0.0.1', '[ff02::1]', '255.255.255.255'] // prettier-ignore
  for (const host of [...loopback, ...inner])
    test(`https://${host}/ is a mistake in the configuration, and refused`, async () => {
      const options = { url: `https://${host}:9/hook` }
      const wrong = webhook.judge(options, { on: ['failure'], strategies: 1 })
      assert.match(wrong!.mistake, / is (an?|not) /)
      assert.match(wrong!.hint, /allow_private/)
      const answer = await send(open(options))
      assert.equal(answer.outcome, 'later')
      assert.match(answer.detail!, / is an? /)
    })

  test('http, a user in the address, and what is no web address are mistakes', () => {
    const judged = (url: string): string =>
      webhook.judge({ url }, { on: ['failure'], strategies: 1 })!.mistake
    assert.match(judged('http://example.com/'), /not encrypted/)
    assert.match(judged('https://me:pass@example.com/'), /user or password/)
    for (const url of ['ftp://example.com/', 'file:///etc/passwd', 'example.com', 'https://'])
      assert.match(judged(url), /not a web address/)
    assert.equal(webhook.judge({ url: 'https://example.com/hook' }, { on: ['failure'], strategies: 1 }), null)
    assert.equal(
      webhook.judge({ url: 'http://hooks.lan/', allow_private: true }, { on: ['failure'], strategies: 1 }),
      null,
    )
  })

  for (const address of ['127.0.0.1', '::1', '169.254.169.254', '::ffff:10.0.0.1'])
    test(`a name that is ${address} is refused, and nothing reaches it`, async (t) => {
      const server = await startWebServer(t)
      const resolve = (): Promise<string[]> => Promise.resolve([address])
      const notifier = open({ url: `https://hooks.example.com:${server.port}/hook` }, { resolve })
      const answer = await send(notifier)
      assert.match(answer.detail!, new RegExp(`hooks.example.com is ${address.replaceAll('.', '\\.')}, an? `))
      const [check] = (await notifier.inspect!(quiet)).checks
      assert.equal(check!.state, 'failed')
      assert.deepEqual(server.heard, [])
    })

  test('one private address among public ones is enough to refuse a name', async () => {
    const resolve = (): Promise<string[]> => Promise.resolve(['93.184.216.34', '10.0.0.1'])
    assert.match(
      (await send(open({ url: 'https://hooks.example.com/' }, { resolve }))).detail!,
      /10\.0\.0\.1, a private address/,
    )
  })

  test('a name that resolves differently the second time is refused', async (t) => {
    const server = await startWebServer(t)
    let times = 0
    const resolve = (): Promise<string[]> => Promise.resolve([times++ === 0 ? '93.184.216.34' : '127.0.0.1'])
    const notifier = open({ url: `https://hooks.example.com:${server.port}/hook` }, { resolve })
    const [check] = (await notifier.inspect!(quiet)).checks
    assert.deepEqual(
      [check!.state, check!.text],
      ['ok', 'webhook to hooks.example.com (93.184.216.34); nothing was posted'],
    )
    assert.match(
      (await send(notifier)).detail!,
      /hooks\.example\.com is 127\.0\.0\.1, an address of this host/,
    )
    assert.equal(
      times,
      2,
      'the name is asked for once each time, and what was judged is what is connected to',
    )
    assert.deepEqual(server.heard, [])
  })

  test('a redirect to such an address is not followed', async (t) => {
    const server = await startWebServer(t)
    for (const location of [
      'http://169.254.169.254/latest/meta-data/',
      'http://127.0.0.1:1/',
      'http://[::ffff:127.0.0.1]/',
    ]) {
      server.answer = { status: 302, headers: { location } }
      const answer = await send(open({ ...inside(server) }))
      assert.match(answer.detail!, /answered 302, a redirect/)
    }
    assert.equal(server.heard.length, 3)
  })
})
