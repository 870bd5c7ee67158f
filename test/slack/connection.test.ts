import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SocketModeReceiver } from '@slack/bolt'
import { startPlayground } from '../../playground/server.ts'
import { silentLog } from '../../src/core/log.ts'
import { startSlack } from '../../src/slack/app.ts'
import { quietLogger } from '../../src/slack/clients.ts'
import { createSocket } from '../../src/slack/socket.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { openGate } from '../support/gate.ts'
import { run } from './samples.ts'
import { connectionTo, hurriedClock, message, slackWorld } from './world.ts'

test('after a dropped or refreshed socket commands are answered again', async (t) => {
  const { slack, face } = await slackWorld(t)
  for (const cut of [() => slack.dropSockets(), () => slack.refreshSockets()]) {
    cut()
    await slack.until(() => slack.connections() === 0)
    await slack.until(() => slack.connections() === 1 && face.status().state === 'ok')
    const seen = await slack.command('bob', 'C0BACKUPS', '/backup run production-db')
    assert.equal(seen.trouble, null)
  }
})

test('a socket that drops while a command is under way loses no answer', async (t) => {
  const { slack } = await slackWorld(t, { playground: { ackMs: 300 }, clock: hurriedClock })
  slack.misbehave({ method: 'slash_commands', kind: 'drop-socket' })
  await slack.command('bob', 'C0BACKUPS', '/backup run production-db')
  await slack.until(() => slack.ephemerals('bob').some(({ text }) => text.includes('production-db')))
})

test('a socket that drops right after the acknowledgement loses no answer', async (t) => {
  const { slack, asked } = await slackWorld(t)
  slack.misbehave({ method: 'slash_commands', kind: 'drop-after-ack' })
  const seen = await slack.command('bob', 'C0BACKUPS', '/backup run production-db')
  assert.equal(seen.trouble, null)
  await slack.until(() => slack.ephemerals('bob').some(({ text }) => text.includes('production-db')))
  await slack.until(() => slack.connections() > 0)
  assert.equal(asked.length, 1)
})

test('what Slack delivers again, because the acknowledgement was lost with its socket, is done once', async (t) => {
  const { slack, asked } = await slackWorld(t)
  slack.misbehave({ method: 'slash_commands', kind: 'redeliver' })
  const seen = await slack.command('bob', 'C0BACKUPS', '/backup run production-db')
  assert.equal(seen.trouble, null)
  await slack.until(() => slack.ephemerals('bob').length > 0)
  assert.equal(asked.length, 1)
  assert.equal(slack.ephemerals('bob').length, 1)
})

test('commands that arrive late and out of order are all answered, each once', async (t) => {
  const { slack, asked } = await slackWorld(t)
  slack.misbehave({ method: 'slash_commands', kind: 'late-delivery', delayMs: 400 })
  await Promise.all([
    slack.command('bob', 'C0BACKUPS', '/backup run production-db'),
    slack.command('carol', 'C0BACKUPS', '/backup status'),
  ])
  await slack.until(() => asked.length === 2 && slack.ephemerals('bob').length === 1)
  assert.deepEqual(
    asked.map(({ asked: one }) => ('words' in one ? one.words : '')),
    ['status', 'run production-db'],
  )
  assert.equal(slack.ephemerals('carol').length, 1)
})

test('while one connection is renewed the other takes the clicks', async (t) => {
  const { slack, face } = await slackWorld(t, { clock: hurriedClock })
  await slack.until(() => slack.connections() === 2)
  slack.dropSockets(1)
  assert.equal(slack.connections(), 1)
  for (let click = 0; click < 5; click++) {
    const seen = await slack.command('bob', 'C0BACKUPS', '/backup run production-db')
    assert.equal(seen.trouble, null)
    assert.equal(face.status().state, 'ok')
  }
})

test('when reconnecting fails it is tried again, for ever', async (t) => {
  const { slack, face, log } = await slackWorld(t, { clock: hurriedClock })
  slack.misbehave({ method: 'apps.connections.open', kind: '500' })
  slack.misbehave({ method: 'apps.connections.open', kind: 'error', error: 'invalid_auth' })
  slack.dropSockets()
  await slack.until(() => log.some((line) => line.includes('invalid_auth')), { timeoutMs: 10_000 })
  await slack.until(() => face.status().state === 'ok', { timeoutMs: 10_000 })
})

test('an invalid token leaves the service degraded, and says so once', async (t) => {
  const { slack, face, log } = await slackWorld(t, {
    connection: { botToken: 'xoxb-wrong' },
    clock: hurriedClock,
  })
  assert.deepEqual([face.status().state, face.status().trouble], ['degraded', 'sign-in failed: invalid_auth'])
  const delivered = await face.notifier.deliver(
    message({ type: 'run.card', run: run() }),
    null,
    null,
    new AbortController().signal,
  )
  assert.deepEqual([delivered.outcome, delivered.detail], ['later', 'invalid_auth'])
  await slack.until(() => slack.transcript('auth.test').length > 1)
  assert.equal(log.filter((line) => line.includes('sign-in failed')).length, 1)
})

test('a wrong app token is said with what to do, and is not healthy: nobody is listened to', async (t) => {
  const { face, log } = await slackWorld(t, { connection: { appToken: 'xapp-wrong' }, clock: hurriedClock })
  assert.ok(
    log.some((line) => /^slack is degraded .*no connection: invalid_auth.*check slack.app_token/.test(line)),
  )
  assert.deepEqual(await face.notifier.check(new AbortController().signal), {
    ok: false,
    text: 'no connection: invalid_auth',
  })
})

test('a channel that takes nothing is said once, with what to do, and health hears of it until it does', async (t) => {
  const { slack, face, log } = await slackWorld(t)
  const { signal } = new AbortController()
  const tell = async () =>
    (await face.notifier.deliver(message({ type: 'run.card', run: run() }), null, null, signal)).outcome
  slack.misbehave({ method: 'chat.postMessage', kind: 'error', error: 'not_in_channel', times: 2 })
  assert.deepEqual([await tell(), await tell()], ['later', 'later'])
  assert.deepEqual(
    log.filter((line) => line.startsWith('slack takes no messages')),
    [
      'slack takes no messages {"channel":"C0BACKUPS","trouble":"not_in_channel","hint":"type /invite @easy-backup in that channel"}',
    ],
  )
  assert.equal((await face.notifier.check(signal)).ok, false)
  assert.equal(await tell(), 'sent')
  assert.equal((await face.notifier.check(signal)).ok, true)
})

test('Slack being away stops neither the start nor the process', async (t) => {
  const slack = await startPlayground()
  await slack.close()
  const face = startSlack({
    connection: connectionTo(slack),
    routing: () => connectionTo(slack).routing,
    routings: () => [],
    gate: openGate,
    record: async () => undefined,
    groupsToAsk: () => [],
    ask: () => Promise.reject(new Error('never asked')),
    firstTime: async () => true,
    clock: systemClock,
    log: silentLog,
  })
  t.after(() => face.stop())
  await face.start()
  assert.deepEqual([face.status().state, face.status().trouble], ['degraded', 'sign-in failed: ECONNREFUSED'])
})

test('without an app token threads are posted and nobody is listened to', async (t) => {
  const { slack, face, log } = await slackWorld(t, { connection: { appToken: null } })
  assert.deepEqual([face.status().state, face.status().mode], ['ok', 'send-only'])
  const delivered = await face.notifier.deliver(
    message({ type: 'run.card', run: run() }),
    null,
    null,
    new AbortController().signal,
  )
  assert.equal(delivered.outcome, 'sent')
  assert.equal(slack.connections(), 0)
  assert.ok(log.some((line) => line.includes('send-only')))
})

test('a missing scope is named at the start, with what does not work without it', async (t) => {
  const { face, log } = await slackWorld(t, {
    playground: { scopes: ['chat:write', 'commands', 'usergroups:read', 'users:read', 'connections:write'] },
  })
  assert.deepEqual(face.status().missingScopes, ['files:write'])
  assert.ok(log.some((line) => line.startsWith('slack scope is missing') && line.includes('files:write')))
  assert.ok(
    log.some((line) => line.startsWith('optional slack scope is missing') && line.includes('channels:read')),
  )
})

test('an envelope without an event is logged and ends nothing', async () => {
  const receiver = new SocketModeReceiver({
    appToken: 'xapp-1',
    logger: quietLogger(silentLog),
    autoReconnectEnabled: false,
  })
  const warned: string[] = []
  const log = { ...silentLog, warn: (text: string) => void warned.push(text) }
  createSocket({ receiver, clock: systemClock, log, onState: () => undefined })
  receiver.client.emit(
    'ws_message',
    JSON.stringify({ type: 'events_api', envelope_id: 'e1', payload: {} }),
    false,
  )
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(warned, ['slack sent something unreadable'])
})
