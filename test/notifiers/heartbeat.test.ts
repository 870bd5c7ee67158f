import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import type { Message } from '../../src/core/messages.ts'
import type { NotificationConfig, Topic } from '../../src/core/notifications.ts'
import { heartbeat } from '../../src/notifiers/heartbeat.ts'
import type { Delivery, Notifier } from '../../src/notifiers/notifier.ts'
import { notifierContract } from '../contracts/notifier.ts'
import { drilled, failedRun, run, succeeded } from '../slack/samples.ts'
import { until } from '../support/bot.ts'
import { startWebServer, type WebServer } from '../support/web-server.ts'
import { makeHouse, message, settings, type House } from './house.ts'

const quiet = new AbortController().signal

notifierContract('heartbeat', async (t) => {
  const house = makeHouse()
  const server = await startWebServer(t)
  return {
    house,
    open: (changes: Partial<NotificationConfig> = {}) => open(house, server, { on: ['success'], ...changes }),
    told: () => server.heard.filter(({ status }) => status === 200).length,
    refuse: () => void (server.answer = { status: 404, body: 'no such check' }),
    take: () => void (server.answer = { status: 200 }),
    leave: () => server.close(),
  }
})

function open(house: House, server: WebServer, changes: Partial<NotificationConfig> = {}): Notifier {
  const options = { url: `${server.url}/ping/{strategy}?create=1`, allow_private: true }
  const on: Topic[] = ['start', 'success', 'failure']
  return heartbeat.open(settings({ kind: 'heartbeat', on, options, ...changes }), house.context)
}

const card = (view: ReturnType<typeof run>): Message =>
  message(`run/${view.id}/card`, { type: 'run.card', run: view })

interface Scene {
  house: House
  server: WebServer
  tell(view: ReturnType<typeof run>, receipt?: unknown): Promise<Delivery>
  paths(): string[]
}

async function scene(t: TestContext): Promise<Scene> {
  const house = makeHouse()
  const server = await startWebServer(t)
  const notifier = open(house, server)
  return {
    house,
    server,
    tell: (view, receipt = null) => notifier.deliver(card(view), receipt, null, quiet),
    paths: () => server.heard.map(({ path }) => path),
  }
}

suite('pings of a strategy', () => {
  test('say start, success and fail, each once', async (t) => {
    const { tell, paths } = await scene(t)
    const started = await tell(run({ id: 'a' }))
    await tell(succeeded({ id: 'a' }), started.receipt)
    await tell(failedRun({ id: 'b', endedAt: Date.parse('2026-11-20T06:05:00Z') }))
    assert.deepEqual(paths(), [
      '/ping/production-db/start?create=1',
      '/ping/production-db?create=1',
      '/ping/production-db/fail?create=1',
    ])
  })

  test('of drills say passed and failed, each by their own notification, and nothing of one that could not tell', async (t) => {
    const house = makeHouse()
    const server = await startWebServer(t)
    const drills = open(house, server, { on: ['drill'] })
    const tell = (view: ReturnType<typeof run>) => drills.deliver(card(view), null, null, quiet)
    const ended = (minute: number) => Date.parse(`2026-11-20T06:0${minute}:00Z`)
    await tell(succeeded({ id: 'a' }))
    await tell(drilled({}, { id: 'b', endedAt: ended(1) }))
    await tell(drilled({ verdict: 'inconclusive' }, { id: 'c', state: 'degraded', endedAt: ended(2) }))
    await tell(drilled({ verdict: 'fail' }, { id: 'd', state: 'failed', endedAt: ended(3) }))
    const paths = server.heard.map(({ path }) => path)
    assert.deepEqual(paths, ['/ping/production-db?create=1', '/ping/production-db/fail?create=1'])
  })

  test('that were overtaken while the service was away are not sent', async (t) => {
    const { tell, paths } = await scene(t)
    await tell(failedRun({ id: 'new', endedAt: Date.parse('2026-11-20T06:05:00Z') }))
    await tell(succeeded({ id: 'old', endedAt: Date.parse('2026-11-20T06:01:00Z') }))
    assert.deepEqual(paths(), ['/ping/production-db/fail?create=1'])
  })

  test('are not sent by a test, which would say that a backup succeeded', async (t) => {
    const house = makeHouse()
    const server = await startWebServer(t)
    assert.ok((await open(house, server).test!(quiet)).ok)
    assert.deepEqual(server.heard, [])
  })
})

suite('the beat of the service', () => {
  test('is a ping a minute, however often the scheduler passes, and none of a strategy', async (t) => {
    const house = makeHouse()
    const server = await startWebServer(t)
    const notifier = heartbeat.open(
      settings({
        kind: 'heartbeat',
        on: ['beat'],
        options: { url: `${server.url}/alive`, allow_private: true },
      }),
      house.context,
    )
    for (let pass = 0; pass < 9; pass++) {
      notifier.beat!(house.clock.now(), quiet)
      await house.clock.advance(15_000)
    }
    await until(() => server.heard.length >= 3, 'three pings were heard')
    assert.deepEqual(
      server.heard.map(({ path }) => path),
      ['/alive', '/alive', '/alive'],
    )
    assert.equal(notifier.wants(card(succeeded()), null), false)
    assert.equal(open(house, server).beat, undefined)
  })

  test('needs an address of its own, and so does each strategy', () => {
    const judged = (url: string, on: Topic[], strategies: number): string | null =>
      heartbeat.judge({ url }, { on, strategies })?.mistake ?? null
    assert.equal(judged('https://hc.example.com/{strategy}', ['success'], 5), null)
    assert.equal(judged('https://hc.example.com/x', ['success'], 1), null)
    assert.match(judged('https://hc.example.com/x', ['success'], 5)!, /could not be told apart/)
    assert.match(judged('https://hc.example.com/x', ['beat', 'success'], 1)!, /whole service/)
    assert.match(judged('https://hc.example.com/{strategy}', ['beat'], 1)!, /whole service/)
    assert.match(judged('https://10.0.0.1/x', ['success'], 1)!, /private address/)
  })
})
