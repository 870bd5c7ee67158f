import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import type { NotificationConfig } from '../../src/core/notifications.ts'
import { discord } from '../../src/notifiers/discord/index.ts'
import type { Notifier } from '../../src/notifiers/notifier.ts'
import { notifierContract } from '../contracts/notifier.ts'
import { makeCertificate } from '../support/certificate.ts'
import { startDiscord } from '../support/discord.ts'
import type { WebServer } from '../support/web-server.ts'
import { canary, goodBackup, head, incident, makeHouse, settings, type House } from './house.ts'

const quiet = new AbortController().signal
const certificate = await makeCertificate('localhost')
const token = 'canary-7Kq_w-9veryLongToken'

type Stand = WebServer & { hook: string }

interface Scene {
  house: House
  server: Stand
  open(changes?: Partial<NotificationConfig>): Notifier
  embed(): Record<string, unknown> & { fields: { name: string; value: string }[] }
}

async function scene(t: TestContext): Promise<Scene> {
  const house = makeHouse({ ca: certificate.cert })
  const server = await startDiscord(t, certificate, token)
  const options = { url: server.hook, allow_private: true }
  return {
    house,
    server,
    open: (changes = {}) =>
      discord.open(settings({ kind: 'discord', on: ['success'], options, ...changes }), house.context),
    embed: () => (JSON.parse(server.heard.at(-1)!.body) as { embeds: never[] }).embeds[0]!,
  }
}

notifierContract('discord', async (t) => {
  const { house, server, open } = await scene(t)
  return {
    house,
    open,
    told: () => server.heard.filter(({ status }) => status === 204).length,
    refuse: () => void (server.answer = { status: 403, body: `{"message": "Missing Access, ${canary}"}` }),
    take: () => void (server.answer = { status: 204 }),
    leave: () => server.close(),
  }
})

suite('what is posted to Discord', () => {
  test('is one embed with the fact as its title, a colour, and fields', async (t) => {
    const { open, embed } = await scene(t)
    assert.equal((await open().deliver(goodBackup(), null, null, quiet)).outcome, 'sent')
    const { title, color, fields, footer, timestamp } = embed()
    assert.equal(title, 'production\\-db\\: backup succeeded \\(341 MB in 9 s\\)')
    assert.equal(color, 0x2eb67d)
    assert.deepEqual(footer, { text: 'easy-backup 1.2.3 on db-host' })
    assert.equal(timestamp, '2026-11-20T06:00:09.000Z')
    assert.ok(fields.some(({ name, value }) => name === 'Level' && value === 'V2'))
  })

  test('calls nobody and links nowhere, whatever a database has said', async (t) => {
    const { open, server, embed } = await scene(t)
    const why = '@everyone <@123> [click](https://evil.example.com) **bold** `code` ||x||'
    const notifier = open({ on: ['failure'] })
    const { outcome } = await notifier.deliver(head(incident({ why })), null, null, quiet)
    assert.equal(outcome, 'sent')
    const { allowed_mentions: mentions } = JSON.parse(server.heard[0]!.body) as Record<string, unknown>
    assert.deepEqual(mentions, { parse: [] })
    const said = JSON.stringify(embed())
    for (const live of [/(?<!\\)@everyone/, /(?<!\\)<@123/, /https:\//, /[^\\]\*/, /[^\\]`/])
      assert.doesNotMatch(said.replaceAll('\\\\', '\\'), live)
  })

  test('has no half of a character, whatever was cut before', async (t) => {
    const { open, server } = await scene(t)
    const half = '😀'.slice(0, 1)
    const cut = incident({ why: `cut ${half}`, hint: `cut ${half}`, where: `shop${half}` })
    await open({ on: ['failure'] }).deliver(head(cut), null, null, quiet)
    assert.doesNotMatch(server.heard[0]!.body, /\\ud8/i)
  })

  test('stays within the limits of Discord, however much there is to say', async (t) => {
    const { open, embed } = await scene(t)
    const long = incident({ why: '*😀'.repeat(5_000), hint: '_'.repeat(9_000) })
    const { outcome, detail } = await open({ on: ['failure'] }).deliver(head(long), null, null, quiet)
    assert.equal(outcome, 'sent', detail ?? '')
    assert.match(String(embed().title), /(?:\\\*😀)+(?:\\\*)?…$/u)
    assert.ok(String(embed().description).length > 3_000)
  })
})

suite('what Discord answers', () => {
  test('429 is kept to: nothing is posted before it says so', async (t) => {
    const { open, server, house } = await scene(t)
    const notifier = open()
    server.answer = { status: 429, body: '{"message": "rate limited", "retry_after": 41.3, "global": false}' }
    const first = await notifier.deliver(goodBackup(1), null, null, quiet)
    assert.deepEqual([first.outcome, first.retryAfterMs], ['later', 43_000])
    server.answer = { status: 204 }
    assert.equal((await notifier.deliver(goodBackup(2), null, null, quiet)).waits, true)
    await house.clock.advance(43_000)
    assert.equal((await notifier.deliver(goodBackup(2), null, null, quiet)).outcome, 'sent')
    assert.equal(server.heard.length, 2)
  })

  test('a webhook that was deleted switches it off at once, and the reason says what to do', async (t) => {
    const { server, house, open } = await scene(t)
    const options = { url: server.hook.replace(token, 'another'), allow_private: true }
    const notifier = discord.open(settings({ kind: 'discord', on: ['success'], options }), house.context)
    await notifier.deliver(goodBackup(), null, null, quiet)
    assert.match(notifier.off!()!, /answered 404.*Unknown Webhook/)
    assert.match((await open({ options }).test!(quiet)).text, /make a new one/)
  })

  test('what it may have taken before the connection broke is posted once more at most', async (t) => {
    const { server, open } = await scene(t)
    server.silent = true
    const answer = await open().deliver(goodBackup(), null, null, AbortSignal.timeout(300))
    assert.deepEqual([answer.outcome, answer.once], ['unknown', true])
  })

  test('a test message is posted', async (t) => {
    const { server, open, embed } = await scene(t)
    assert.deepEqual(await open().test!(quiet), { ok: true, text: 'answered 204' })
    assert.equal(server.heard.length, 1)
    assert.match(String(embed().title), /test message/)
  })
})

test('only an address of a webhook is taken, and its token is a secret', () => {
  const judged = (url: string) => discord.judge({ url }, { on: ['failure'], strategies: 1 })
  assert.equal(judged('https://discord.com/api/webhooks/123/abc-DEF_1'), null)
  assert.equal(judged('https://discord.com/api/v10/webhooks/123/abc?thread_id=5'), null)
  assert.match(judged('https://discord.com/channels/1/2')!.mistake, /not the address of a webhook/)
  assert.match(judged('https://10.0.0.1/api/webhooks/123/abc')!.mistake, /private/)
  assert.deepEqual(discord.secrets!({ url: 'https://discord.com/api/webhooks/123/abc-DEF_1' }), ['abc-DEF_1'])
})
