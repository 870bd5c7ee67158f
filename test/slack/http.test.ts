import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { hurriedClock, slackWorld } from './world.ts'
import type { World, WorldOptions } from './world.ts'
import type { TestContext } from 'node:test'

const secret = 'playground-signing-secret'

/** Slack with our face behind HTTP; `knock` is anybody who can reach the port. */
async function listening(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const http = { signingSecret: secret, listen: { bind: '127.0.0.1', port: 0 } }
  return slackWorld(t, { connection: { appToken: null, http }, ...options })
}

interface Knock {
  body?: string
  /** Seconds from now. */
  age?: number
  signedWith?: string | null
  headers?: Record<string, string>
  path?: string
  method?: string
}

async function knock({ face }: World, given: Knock = {}): Promise<Response> {
  const { age = 0, signedWith = secret, headers = {}, method = 'POST', body = command() } = given
  const stamp = String(Math.floor(Date.now() / 1000) - age)
  const url = new URL(face.status().url!)
  if (given.path !== undefined) url.pathname = given.path
  return fetch(url, {
    method,
    ...(method === 'POST' && { body }),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(signedWith !== null && {
        'x-slack-request-timestamp': stamp,
        'x-slack-signature': signature(stamp, body, signedWith),
      }),
      ...headers,
    },
  })
}

function signature(stamp: string, body: string, key: string): string {
  return `v0=${createHmac('sha256', key).update(`v0:${stamp}:${body}`).digest('hex')}`
}

/** @param trigger  Slack's own id of what somebody did once */
function command(trigger: string = randomUUID()): string {
  return new URLSearchParams({
    command: '/backup',
    text: 'run production-db',
    user_id: 'U0BOB0001',
    channel_id: 'C0BACKUPS',
    team_id: 'T0EASYBKP',
    trigger_id: trigger,
  }).toString()
}

const settled = (world: World): Promise<void> =>
  world.slack.until(() => world.slack.transcript('chat.postEphemeral').length > 0)

test('what is not signed by Slack is refused, and has no effect', async (t) => {
  const world = await listening(t)
  const bodies: Knock[] = [
    { signedWith: null },
    { signedWith: 'another secret' },
    { headers: { 'x-slack-signature': `v0=${'0'.repeat(64)}` } },
    { headers: { 'x-slack-signature': 'v1=1' } },
    { headers: { 'x-slack-signature': `v0=${'é'.repeat(20)}`.normalize('NFD').replace(/[^ -~]/g, '') } },
    { headers: { 'x-slack-request-timestamp': 'NaN' } },
    { headers: { 'x-slack-request-timestamp': '1e99' } },
  ]
  for (const given of bodies) assert.equal((await knock(world, given)).status, 401)
  assert.deepEqual(world.asked, [])
  assert.ok(world.log.some((line) => /was refused .*its signature is wrong.*signing_secret/.test(line)))
})

test('a signed request from more than five minutes ago, or from the future, is refused', async (t) => {
  const world = await listening(t)
  for (const age of [301, 3600, -90, -3600]) assert.equal((await knock(world, { age })).status, 401, `${age}`)
  assert.deepEqual(world.asked, [])
  for (const age of [290, -20]) assert.equal((await knock(world, { age })).status, 200, `${age}`)
  await world.slack.until(() => world.asked.length === 2)
})

test('a request that is replayed is answered as before, and done once', async (t) => {
  const world = await listening(t)
  const body = command()
  const stamp = String(Math.floor(Date.now() / 1000))
  const headers = {
    'x-slack-request-timestamp': stamp,
    'x-slack-signature': signature(stamp, body, secret),
  }
  for (let times = 0; times < 5; times++) assert.equal((await knock(world, { body, headers })).status, 200)
  await settled(world)
  await world.restart() // what was seen is forgotten, what was done is not
  assert.equal((await knock(world, { body, headers })).status, 200)
  await knock(world)
  await world.slack.until(() => world.asked.length === 2)
  assert.equal(world.asked.length, 2)
})

test('the same command, sent and signed again later, is done once', async (t) => {
  const world = await listening(t)
  const body = command('13345224609.738474920')
  await knock(world, { body, age: 2 })
  await knock(world, { body, age: 1 })
  await knock(world)
  await world.slack.until(() => world.asked.length === 2)
})

test('a body that is too long or unreadable is refused before it is held', async (t) => {
  const world = await listening(t)
  const long = 'x'.repeat(1024 * 1024 + 1)
  const tooLong = await knock(world, { body: long }).then(
    ({ status }) => status,
    () => 401, // the connection was closed while it was sent
  )
  assert.ok([401, 413].includes(tooLong))
  for (const body of ['payload={', 'payload=1', 'payload=null'])
    assert.equal((await knock(world, { body })).status, 400)
  const json = { 'content-type': 'application/json' }
  assert.equal((await knock(world, { body: '[[[', headers: json })).status, 400)
  assert.equal((await knock(world, { path: '/' })).status, 404)
  assert.equal((await knock(world, { method: 'GET' })).status, 405)
  assert.deepEqual(world.asked, [])
  assert.equal((await knock(world)).status, 200)
})

test("Slack's own checks of the address are answered, when they are signed", async (t) => {
  const world = await listening(t)
  const body = JSON.stringify({ type: 'url_verification', challenge: '3eZbrw1aB' })
  const headers = { 'content-type': 'application/json' }
  assert.deepEqual(await (await knock(world, { body, headers })).json(), { challenge: '3eZbrw1aB' })
  assert.equal((await knock(world, { body, headers, signedWith: 'x' })).status, 401)
  assert.equal((await knock(world, { body: 'ssl_check=1' })).status, 200)
})

test('what nobody listens to is taken, so that Slack does not repeat it', async (t) => {
  const world = await listening(t)
  const body = JSON.stringify({ type: 'event_callback', event: { type: 'channel_rename' }, event_id: 'Ev1' })
  const answered = await knock(world, { body, headers: { 'content-type': 'application/json' } })
  assert.equal(answered.status, 200)
})

test('a port that is taken leaves Slack degraded with what to do, until it is free', async (t) => {
  const other = createServer()
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
  const { port } = other.address() as AddressInfo
  const http = { signingSecret: secret, listen: { bind: '127.0.0.1', port } }
  const world = await slackWorld(t, { connection: { appToken: null, http }, clock: hurriedClock })
  assert.deepEqual([world.face.status().state, world.face.status().mode], ['degraded', 'http'])
  assert.ok(world.log.some((line) => /EADDRINUSE.*choose another slack.port/.test(line)))
  assert.equal((await world.face.notifier.check(new AbortController().signal)).ok, false)
  await new Promise((done) => other.close(done))
  await world.slack.until(() => world.face.status().state === 'ok')
  world.slack.deliverTo(world.face.status().url)
  const seen = await world.slack.command('bob', 'C0BACKUPS', '/backup run production-db')
  assert.equal(seen.trouble, null)
})
