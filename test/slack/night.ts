import type { TestContext } from 'node:test'
import { startPlayground } from '../../playground/server.ts'
import type { Playground } from '../../playground/server.ts'
import { silentLog } from '../../src/core/log.ts'
import { deliverUntil } from '../../src/engine/deliver.ts'
import { createScheduler } from '../../src/engine/scheduler.ts'
import { createAnnouncer } from '../../src/slack/announcer.ts'
import { createClients } from '../../src/slack/clients.ts'
import { routingTable } from '../../src/slack/routing.ts'
import { createStyle } from '../../src/slack/style.ts'
import { countOwed } from '../../src/state/messages.ts'
import { listRuns } from '../../src/state/runs.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { makeWorld, type World, type WorldOptions } from '../support/world.ts'
import { connectionTo } from './world.ts'

/** The whole engine, scheduling, working and delivering, and Slack with its limits on; all by one clock. */
export interface Night {
  slack: Playground
  world: World
  clock: FastClock
  /** Sets the wall clock to this instant, where `count` runs become due, and resolves once they were accepted. */
  fall(at: string, count: number): Promise<void>
  /** Resolves once every run has ended. */
  ended(): Promise<void>
  /** Resolves once nothing is owed either. */
  told(): Promise<void>
}

const speed = 20
const patienceMs = 300_000

export async function makeNight(
  t: TestContext,
  options: Pick<WorldOptions, 'strategies'> & { global: Record<string, unknown> },
  where: Record<string, unknown> = {},
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
  const usual = { max_parallel_strategies: 4, compression: 'none' }
  const connection = { bot_token: slack.tokens.bot, channel_id: 'C0BACKUPS', api_url: slack.apiUrl, ...where }
  const world = await makeWorld(t, {
    ...options,
    clock,
    global: { ...usual, slack: connection, ...options.global },
  })
  const { context, config } = world
  const announcer = createAnnouncer({
    client: createClients(connectionTo(slack), silentLog).delivery,
    routing: routingTable(config.slack!.routing, config.strategies),
    style: createStyle('basic', context.log),
    workspace: () => 'https://acme.slack.com/',
    clock,
    log: context.log,
  })
  context.notifiers = () => Promise.resolve([announcer])
  const scheduler = createScheduler(context, () => world.worker.nudge())
  await scheduler.tick() // a first start has no past: from here on slots count
  loops = Promise.all([world.worker.runUntil(stop.signal, 10_000), deliverUntil(context, stop.signal)])
  const runs = () => listRuns(context.database.read, { limit: 1_000 })

  async function until(what: () => Promise<string | null>): Promise<void> {
    for (const begun = performance.now(); ; await clock.sleep(2_000)) {
      const missing = await what()
      if (missing === null) return
      if (performance.now() - begun > patienceMs)
        throw new Error(`${missing}\n${world.logged.slice(-5).join('')}`)
    }
  }

  return {
    slack,
    world,
    clock,
    async fall(at, count) {
      const before = (await runs()).length
      clock.hurry(1) // what is due together is accepted together, however slow this machine is
      clock.jump(Date.parse(at) - clock.now())
      await scheduler.tick()
      await until(async () => ((await runs()).length >= before + count ? null : 'not all were accepted'))
      await clock.sleep(2_000)
      clock.hurry(speed)
    },
    ended: () =>
      until(async () => {
        const open = (await runs()).filter(({ endedAt }) => endedAt === null)
        return open.length === 0 ? null : `${open.length} runs have no end`
      }),
    told: () =>
      until(async () => {
        const owed = await countOwed(context.database.read, announcer.kind)
        return owed === 0 ? null : `${owed} messages are owed`
      }),
  }
}
