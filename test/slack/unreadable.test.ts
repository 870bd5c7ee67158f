import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { silentLog } from '../../src/core/log.ts'
import type { Delivery } from '../../src/notifiers/notifier.ts'
import { createAnnouncer } from '../../src/slack/announcer.ts'
import { createClients } from '../../src/slack/clients.ts'
import { routingTable } from '../../src/slack/routing.ts'
import { createStyle } from '../../src/slack/style.ts'
import { fakeClock } from '../support/clock.ts'
import { message, routing } from './world.ts'

/** Whatever stands between us and Slack, and says 200. */
const nonsense = ['{}', '{"ok":false}', '[]', 'null', '"x"', 'true', '{"ok":true}', '<html>portal</html>']

suite(
  'an answer of status 200 that is not Slack’s keeps what follows from being posted into the void',
  () => {
    for (const body of nonsense)
      test(body, async (t) => {
        const apiUrl = await answering(t, body)
        const connection = { botToken: 'xoxb-1', appToken: null, apiUrl, blocks: 'basic', routing } as const
        const clock = fakeClock(Date.parse('2026-11-20T06:00:05Z'))
        const announcer = createAnnouncer({
          client: createClients(connection, silentLog).delivery,
          routing: routingTable(routing, []),
          style: createStyle('basic', silentLog),
          workspace: () => 'https://acme.slack.com/',
          clock,
          log: silentLog,
        })
        const notice = (key: string): Promise<Delivery> =>
          announcer.deliver(
            message({ type: 'notice', title: key, text: key, urgent: true }, { key: `notice/${key}` }),
            null,
            null,
            new AbortController().signal,
          )
        assert.equal((await notice('first')).outcome, 'unknown')
        const next = await notice('second')
        assert.deepEqual([next.outcome, next.waits], ['later', true])
      })
  },
)

/** @returns the URL of a server that answers everything so, but `auth.test` only with what is not Slack's either */
async function answering(t: TestContext, body: string): Promise<string> {
  const isAnswer = body === '{"ok":true}'
  const server = createServer((request, response) => {
    request.resume()
    const unlikely = isAnswer && request.url!.endsWith('/auth.test') ? '{}' : body
    response.writeHead(200, { 'content-type': 'application/json' }).end(unlikely)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`
}
