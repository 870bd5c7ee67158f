import { readFileSync } from 'node:fs'
import type { EngineContext } from '../../src/engine/context.ts'
import type { Joined, Processes } from '../../src/sys/process.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { openWorld, person, type WorldOptions } from './world.ts'

/** A process of its own that drills the newest backup of the only strategy, and kills itself (`kill -9`) at one moment of it: shortly
 * after a program was started, or before or after the evidence is stored.
 *
 * `node crash-drill.ts <folder> <file with strategies as JSON> <moment>` */
const [folder, file, moment] = process.argv.slice(2) as [string, string, string]
const strategies = JSON.parse(readFileSync(file, 'utf8')) as NonNullable<WorldOptions['strategies']>
const soonMs = 60 // the program is at work by then

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}

/** `initdb`, `postgres`, `pg_restore`, `pg_dump`: by the arguments that only a drill's own calls have. */
const marks: Record<string, string> = {
  initdb: '--auth=trust',
  postgres: 'fsync=off',
  pg_restore: '--no-subscriptions',
  pg_dump: '--schema-only',
}

function isMoment({ stages }: Joined): boolean {
  const argv = stages.at(-1)!.argv
  return argv[0]!.endsWith(`/${moment}`) && argv.includes(marks[moment]!)
}

function crashing(context: EngineContext): EngineContext {
  const watched: Processes = {
    ...context.processes,
    join(joined, running) {
      const ended = context.processes.join(joined, running)
      if (isMoment(joined)) void systemClock.sleep(soonMs).then(die)
      return ended
    },
    output(command, running) {
      const ended = context.processes.output(command, running)
      if (isMoment({ stages: [command], input: null, output: null })) void systemClock.sleep(soonMs).then(die)
      return ended
    },
  }
  const storages = new Map(
    [...context.storages].map(([name, storage]) => [
      name,
      {
        ...storage,
        async put(...args: Parameters<typeof storage.put>) {
          if (moment === 'before evidence') die()
          const receipt = await storage.put(...args)
          if (moment === 'after evidence' && args[0].endsWith('.md')) die()
          return receipt
        },
      },
    ]),
  )
  return { ...context, processes: watched, storages }
}

const world = await openWorld(folder, { clock: systemClock, strategies, adjust: crashing })
const [strategy] = world.engine.strategyNames()
const { id } = await world.engine.startDrill(strategy!, null, { trigger: 'person', actor: person })
process.stdout.write(`done ${(await world.finish(id)).state}\n`)
await world.close()
