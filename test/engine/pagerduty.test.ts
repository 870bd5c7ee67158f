import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openNotifiers } from '../../src/app/notifiers.ts'
import { deliverOnce } from '../../src/engine/deliver.ts'
import { fastClock } from '../support/fast-clock.ts'
import { startPagerduty } from '../support/pagerduty.ts'
import { startWebServer } from '../support/web-server.ts'
import { makeWorld, person } from '../support/world.ts'

const quiet = new AbortController().signal
const routingKey = 'R0123456789abcdefABCDEF012345678'

test('an incident here is one at PagerDuty, from its first failure to its end', async (t) => {
  const duty = await startPagerduty(t, null, routingKey)
  const clock = fastClock(50)
  const options = { routing_key: routingKey, url: duty.enqueue, allow_private: true }
  const notifications = [{ type: 'pagerduty', config: options }]
  const world = await makeWorld(t, { clock, global: { notifications } })
  const file = join(world.folder, 'shop.db')

  /** Opened anew each time, as after a restart. */
  async function tell(): Promise<string[]> {
    clock.jump(5 * 60_000) // past the time for which an incident is held
    const [notifier] = openNotifiers(world.context)
    while ((await deliverOnce(world.context, notifier!, quiet)) > 0);
    return [...duty.incidents.values()]
  }

  assert.deepEqual(await tell(), [])
  await rename(file, `${file}.away`)
  await world.backup('shop')
  assert.deepEqual(await tell(), ['triggered'])
  await world.backup('shop')
  assert.deepEqual(await tell(), ['triggered'])
  await world.engine.acknowledge({ what: 'shop' }, person)
  assert.deepEqual(await tell(), ['acknowledged'])
  await world.backup('shop')
  assert.deepEqual(await tell(), ['acknowledged'])
  await rename(`${file}.away`, file)
  await world.backup('shop')
  assert.deepEqual(await tell(), ['resolved'])
  const events = duty.heard.map(({ body }) => JSON.parse(body) as { event_action: string; dedup_key: string })
  assert.equal(new Set(events.map((event) => event.dedup_key)).size, 1)
  assert.deepEqual(
    [...new Set(events.map((event) => event.event_action))],
    ['trigger', 'acknowledge', 'resolve'],
  )
  const before = duty.heard.length
  await world.backup('shop')
  await tell()
  assert.equal(duty.heard.length, before)
})

test('an incident that opened quietly and called later ends for everybody who was called', async (t) => {
  const duty = await startPagerduty(t, null, routingKey)
  const web = await startWebServer(t)
  web.answer = { status: 200 }
  const clock = fastClock(50)
  const notifications = [
    { type: 'pagerduty', config: { routing_key: routingKey, url: duty.enqueue, allow_private: true } },
    { type: 'webhook', config: { url: web.url, allow_private: true } },
  ]
  const names = ['shop', 'blog']
  const world = await makeWorld(t, { clock, global: { notifications }, strategies: { shop: {}, blog: {} } })
  const files = world.config.strategies.map(({ source }) => source.url.replace('sqlite://', ''))

  async function tell(): Promise<string[]> {
    clock.jump(3 * 60_000)
    for (const notifier of openNotifiers(world.context))
      while ((await deliverOnce(world.context, notifier, quiet)) > 0);
    return [...duty.incidents.values()]
  }

  await tell()
  for (const file of new Set(files)) await rename(file, `${file}.away`)
  for (let round = 0; round < 3; round++) {
    for (const name of names) await world.backup(name)
    await tell()
  }
  assert.deepEqual(await tell(), ['triggered', 'triggered'])
  for (const file of new Set(files)) await rename(`${file}.away`, file)
  for (const name of names) assert.equal((await world.backup(name)).state, 'succeeded')
  assert.deepEqual(await tell(), ['resolved', 'resolved'])
  const events = web.heard.map(({ body }) => JSON.parse(body) as { event: string; incident: string })
  const heard = Object.groupBy(events, ({ incident }) => incident)
  assert.deepEqual(
    Object.values(heard).map((of) => of!.map(({ event }) => event)),
    [
      ['failure', 'escalation', 'recovered'],
      ['escalation', 'recovered'],
    ],
  )
})

test('an incident that called nobody ends without a word', async (t) => {
  const web = await startWebServer(t)
  web.answer = { status: 200 }
  const clock = fastClock(50)
  const notifications = [{ type: 'webhook', config: { url: web.url, allow_private: true } }]
  const names = ['shop', 'blog']
  const world = await makeWorld(t, { clock, global: { notifications }, strategies: { shop: {}, blog: {} } })
  const files = new Set(world.config.strategies.map(({ source }) => source.url.replace('sqlite://', '')))
  const tell = async (): Promise<void> => {
    clock.jump(3 * 60_000)
    for (const notifier of openNotifiers(world.context))
      while ((await deliverOnce(world.context, notifier, quiet)) > 0);
  }
  await tell()
  for (const file of files) await rename(file, `${file}.away`)
  for (const name of names) await world.backup(name)
  await tell()
  for (const file of files) await rename(`${file}.away`, file)
  for (const name of names) await world.backup(name)
  await tell()
  const events = web.heard.map(({ body }) => JSON.parse(body) as { event: string; strategy: string })
  assert.deepEqual(
    events.map(({ event, strategy }) => `${strategy} ${event}`),
    ['shop failure', 'shop recovered'],
  )
})
