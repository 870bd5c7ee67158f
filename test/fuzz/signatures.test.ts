import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { App } from '@slack/bolt'
import { silentLog } from '../../src/core/log.ts'
import { createHttpReceiver, requestPath } from '../../src/slack/http.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { seedOf } from '../support/random.ts'
import { bombs, dice, Times, type Dice } from './hostile.ts'

/** HOSTILE=500000 for the long run, as in hostile.test.ts. */
const count = Math.ceil(Number(process.env.HOSTILE ?? 20_000) * 0.05)
const limitMs = 50
const secret = 'playground-signing-secret'
const windowS = { old: 300, ahead: 60 } // slack/http.ts

/** What somebody sends, and whether Slack could have sent it. */
interface Knock {
  body: string
  headers: Record<string, string>
  isGenuine: boolean
}

test('of forged, altered, old and repeated requests of Slack none is acted on (5 %)', async (t) => {
  const taken: string[] = []
  const url = await listen(t, (body) => void taken.push(String(body['trigger_id'])))
  const throws = dice(seedOf(t))
  const times = new Times()
  const genuine: { knock: Knock; trigger: string }[] = []
  for (let n = 0; n < count; n++) {
    const trigger = `trigger-${n}`
    const again = genuine.length > 0 && throws.number(5) === 0 ? throws.pick(genuine) : null
    const knock = again?.knock ?? forge(throws, trigger)
    const status = await times.measure(knock.body, limitMs, () => send(url, knock))
    if (knock.isGenuine) assert.equal(status, 200, JSON.stringify(knock))
    else assert.ok([400, 401].includes(status), `${status}: ${JSON.stringify(knock)}`)
    if (knock.isGenuine && !again) genuine.push({ knock, trigger })
  }
  t.diagnostic(`${genuine.length} genuine; ${times.report()}`)
  // about a sixteenth is genuine; no throw of 1000 comes near half of that by chance
  assert.ok(genuine.length > count / 40 && genuine.length < count / 2, 'both kinds were sent')
  assert.deepEqual(
    taken.toSorted(),
    genuine.map(({ trigger }) => trigger).toSorted(),
    'each genuine one once',
  )
})

/** The receiver of HTTP mode behind a real server; what gets past it would reach Bolt. */
async function listen(t: TestContext, onEvent: (body: Record<string, unknown>) => void): Promise<string> {
  const receiver = createHttpReceiver({ signingSecret: secret, clock: systemClock, log: silentLog })
  const processEvent: App['processEvent'] = async ({ body, ack }) => {
    onEvent(body)
    await ack()
  }
  receiver.init({ processEvent } as App)
  const server = createServer((request, response) => void receiver.answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${requestPath}`
}

/** A request as Slack makes it, then one thing of it changed, or none. */
function forge(throws: Dice, trigger: string): Knock {
  const now = Math.floor(Date.now() / 1_000)
  const text = throws.text(bombs, 2).join(' ').toWellFormed().slice(0, 2_000)
  const body = new URLSearchParams({ command: '/backup', text, trigger_id: trigger }).toString()
  const sign = (stamp: string, key = secret, of = body): string =>
    `v0=${createHmac('sha256', key).update(`v0:${stamp}:${of}`).digest('hex')}`
  const knock = (stamp: string, signature: string, isGenuine = false, sent = body): Knock => ({
    body: sent,
    headers: { 'x-slack-request-timestamp': stamp, 'x-slack-signature': signature },
    isGenuine,
  })
  const stamp = String(now - throws.number(windowS.old / 3))
  const right = sign(stamp)
  const nonsense = throws.pick(bombs).replaceAll(/[^ -~]/g, '')
  const kinds: (() => Knock)[] = [
    () => knock(stamp, right, true),
    () => knock(stamp, sign(stamp, throws.text(bombs, 2).join('').toWellFormed())),
    () => knock(stamp, flipped(throws, right)),
    () => knock(stamp, right.slice(0, throws.number(right.length))),
    () => knock(stamp, right.toUpperCase()),
    () => knock(stamp, nonsense),
    () => knock(nonsense, sign(nonsense)),
    () => knock(String(Number(stamp) + 1), right),
    () => knock(stamp, right, false, `${body}&user_id=U0BOSS001`),
    () => knock(stamp, right, false, body.slice(0, throws.number(body.length))),
    () => late(throws, knock, sign),
    () => ({ ...knock(stamp, right), headers: { 'x-slack-signature': right } }),
    () => ({ ...knock(stamp, right), headers: {} }),
  ]
  return throws.pick(kinds)()
}

/** Signed rightly, at the wrong time. */
function late(
  throws: Dice,
  knock: (stamp: string, signature: string) => Knock,
  sign: (stamp: string) => string,
): Knock {
  const off = throws.number(2) === 0 ? -windowS.old - 5 : windowS.ahead + 30
  const stamp = String(Math.floor(Date.now() / 1_000) + off * (1 + throws.number(1_000)))
  return knock(stamp, sign(stamp))
}

function flipped(throws: Dice, signature: string): string {
  const at = 'v0='.length + throws.number(64)
  const other = signature[at] === '0' ? '1' : '0'
  return signature.slice(0, at) + other + signature.slice(at + 1)
}

async function send(url: string, { body, headers }: Knock): Promise<number> {
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const { status } = await fetch(url, { method: 'POST', body, headers: { ...type, ...headers } })
  return status
}
