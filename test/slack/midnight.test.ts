import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startPlayground } from '../../playground/server.ts'
import type { Playground, ThreadedMessage } from '../../playground/server.ts'
import { silentLog } from '../../src/core/log.ts'
import { deliverUntil } from '../../src/engine/deliver.ts'
import { createScheduler } from '../../src/engine/scheduler.ts'
import { countOwed } from '../../src/state/messages.ts'
import { listRuns } from '../../src/state/runs.ts'
import { createAnnouncer } from '../../src/slack/announcer.ts'
import { createClients } from '../../src/slack/clients.ts'
import { routingTable } from '../../src/slack/routing.ts'
import { createStyle } from '../../src/slack/style.ts'
import { fastClock } from '../support/fast-clock.ts'
import { makeWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { assertWorld } from '../world.ts'
import { connectionTo } from './world.ts'

const speed = 20
const patienceMs = 300_000

interface Night {
  slack: Playground
  world: World
  /** Resolves once nothing is queued, running or owed. */
  over(): Promise<void>
}

/** The whole engine with many strategies due at one midnight, and Slack with its limits on. */
async function midnight(
  t: TestContext,
  strategies: Record<string, Record<string, unknown>>,
  options: { channels?: Record<string, string> } = {},
): Promise<Night> {
  const clock = fastClock(1, Date.parse('2026-11-19T12:00:00Z'))
  const slack = await startPlayground({ clock })
  const stop = new AbortController()
  let loops: Promise<unknown> = Promise.resolve()
  t.after(async () => {
    stop.abort(new Error('the test is over'))
    await loops
    await slack.close()
  })
  const { bot } = slack.tokens
  const world = await makeWorld(t, {
    clock,
    strategies,
    global: {
      slack: { bot_token: bot, channel_id: 'C0BACKUPS', api_url: slack.apiUrl, ...options },
      schedule: '1d',
      max_parallel_strategies: 4,
      compression: 'none',
    },
  })
  const { context, config } = world
  const connection = connectionTo(slack)
  const announcer = createAnnouncer({
    client: createClients(connection, silentLog).delivery,
    routing: routingTable(config.slack!.routing, config.strategies),
    style: createStyle('basic', context.log),
    clock,
    log: context.log,
  })
  context.notifiers = () => Promise.resolve([announcer])
  const scheduler = createScheduler(context, () => world.worker.nudge())
  await scheduler.tick() // a first start has no past: from here on slots count
  clock.jump(Date.parse('2026-11-19T23:59:58Z') - clock.now())
  loops = Promise.all([
    scheduler.runUntil(stop.signal),
    world.worker.runUntil(stop.signal, 10_000),
    deliverUntil(context, stop.signal),
  ])

  async function over(): Promise<void> {
    const all = Object.keys(strategies).length
    for (const begun = performance.now(); ; await clock.sleep(5_000)) {
      const runs = await listRuns(context.database.read, { limit: 1_000 })
      const ended = runs.filter(({ endedAt }) => endedAt !== null).length
      const owed = await countOwed(context.database.read, announcer.kind)
      if (ended >= all && ended === runs.length && owed === 0) return
      if (performance.now() - begun > patienceMs)
        throw new Error(
          `${ended} of ${runs.length} ended, ${owed} messages owed\n${world.logged.slice(-5).join('')}`,
        )
    }
  }
  await slack.until(() => slack.transcript('chat.postMessage').length > 0, { timeoutMs: 60_000 })
  clock.hurry(speed) // what is due was accepted; the night may pass
  return { slack, world, over }
}

const named = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `client-${String(index + 1).padStart(3, '0')}-production`)

function wordsOf(message: ThreadedMessage): string {
  return JSON.stringify(message.blocks)
}

test('200 strategies due at midnight: one batch message, no run without its end, every rate limit kept', async (t) => {
  const names = named(200)
  const broken = new Set([names[20]!, names[150]!])
  const strategies = Object.fromEntries(
    names.map((name) => [name, broken.has(name) ? { database_url: `sqlite:///nowhere/${name}.db` } : {}]),
  )
  const { slack, world, over } = await midnight(t, strategies)
  await over()
  const runs = await listRuns(world.context.database.read, { limit: 1_000 })
  assert.equal(runs.length, 200)
  assert.equal(runs.filter(({ state }) => state === 'succeeded').length, 198)
  const [batch, ...others] = slack.messages('C0BACKUPS').filter(({ threadTs }) => threadTs === undefined)
  assert.match(batch!.text, /^❌ Nightly: 200 strategies · 198 backed up, 2 failed/)
  assert.deepEqual(others.map(({ text }) => text), [])
  for (const name of names) assert.ok(wordsOf(batch!).includes(name), `${name} is not in the batch`)
  assert.deepEqual(
    batch!.replies.map(({ text }) => names.find((name) => text.includes(name))).toSorted(),
    [...broken].toSorted(),
  )
  const calls = slack.transcript()
  assert.deepEqual(
    calls.filter(({ status, misbehaved }) => status === 429 || misbehaved),
    [],
  )
  const [posts, edits] = [slack.busiestMinute('chat.postMessage'), slack.busiestMinute('chat.update')]
  t.diagnostic(`${calls.length} calls; busiest minute: ${posts} posts, ${edits} edits`)
  assert.ok(posts <= 60 && edits <= 50)
  await assertWorld(world)
})
