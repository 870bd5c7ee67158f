import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openNotifiers } from '../../src/app/notifiers.ts'
import { deliverOnce } from '../../src/engine/deliver.ts'
import { fastClock } from '../support/fast-clock.ts'
import { startPagerduty } from '../support/pagerduty.ts'
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
