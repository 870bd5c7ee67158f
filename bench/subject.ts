import { appDoor } from '../src/app.ts'
import type { App } from '../src/cli/app-contract.ts'
import type { Actor, RunView } from '../src/core/model.ts'
import { makeBot, type Bot } from '../test/support/bot.ts'
import { cpuSeconds, forgetPeak, peakMiB, type Cost } from './timing.ts'

/** The real service, started by its launcher, and a second process's way to ask it for work: what the command line does. */
export interface Subject {
  bot: Bot
  /** Asks for a backup, waits for its end. Its wall time is the run's own, as the ledger and Slack say it. */
  backup(strategy: string): Promise<Measured>
  /** Plans and confirms a restore of the strategy's newest backup into a new database. */
  restore(strategy: string, targetDb: string, jobs?: number): Promise<Measured>
  peakMiB(): number
  close(): Promise<void>
}

export interface Measured extends Cost {
  run: RunView
}

const actor: Actor = { via: 'cli', id: 'bench' }

/** @param settings  as `makeBot` takes them */
export async function startSubject(settings: Parameters<typeof makeBot>[0]): Promise<Subject> {
  const bot = await makeBot(settings)
  const app = await startedBeside(bot)

  async function measured(id: string): Promise<Measured> {
    for await (const run of app.engine.watch(id, AbortSignal.timeout(3_600_000))) {
      if (run.endedAt === null) continue
      if (run.state !== 'succeeded')
        throw new Error(`${run.kind} of ${run.strategy}: ${run.fault?.text ?? run.state}`)
      return { run, wallS: (run.endedAt - run.startedAt!) / 1_000, cpuS: 0 }
    }
    throw new Error(`${id} did not end`)
  }

  async function withCost(ask: () => Promise<string>): Promise<Measured> {
    const before = cpuSeconds(bot.pid())
    const end = await measured(await ask())
    return { ...end, cpuS: cpuSeconds(bot.pid()) - before }
  }

  return {
    bot,
    backup: (strategy) =>
      withCost(async () => (await app.engine.startBackup(strategy, { trigger: 'person', actor })).id),
    restore: (strategy, targetDb, jobs) =>
      withCost(async () => {
        const request = await app.engine.requestRestore(
          {
            backup: 'latest',
            strategy,
            targetDb,
            targetUrl: null,
            noOwner: true,
            reason: null,
            ...(jobs !== undefined && { jobs }),
          },
          actor,
        )
        const confirmed = await app.engine.confirm(request.id, request.version, actor)
        return confirmed.run!
      }),
    peakMiB: () => peakMiB(bot.pid()),
    close: async () => {
      await app.close()
      await bot.end('SIGTERM')
      await bot.remove()
    },
  }
}

async function startedBeside(bot: Bot): Promise<App> {
  await bot.start()
  forgetPeak(bot.pid())
  return appDoor.openApp({ configPath: bot.configPath, role: 'command', verbose: false })
}
