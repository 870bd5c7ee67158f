import { officeOf, people, protectedWorld } from './approvals.ts'
import { takeUpRequests } from '../../src/engine/requests.ts'
import { recover } from '../../src/engine/recover.ts'
import type { EngineContext } from '../../src/engine/context.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { openWorld, type World } from './world.ts'

/** Goes on with what was asked for until it is decided and done, wherever another process left it. */
export async function goOn(world: World): Promise<void> {
  await recover(world.context)
  await takeUpRequests(world.context)
  const office = officeOf(world)
  const rows = await world.context.database.read.selectFrom('requests').select('id').execute()
  if (rows.length === 0) await office.file()
  for (const request of await world.engine.requests())
    if (request.state === 'waiting') await office.click('approve', request, office.person(people.carol))
  for (const { run } of await world.engine.requests()) if (run !== null) await world.finish(run)
}

/** `node crash-approval.ts <folder> <n>`: kills itself right after its n-th transaction; says `done` when it got to the end. */
if (process.argv[1] === import.meta.filename) {
  const [folder, at] = process.argv.slice(2) as [string, string]
  let writes = 0
  const crashing = (context: EngineContext): EngineContext => ({
    ...context,
    database: {
      ...context.database,
      write: async (work) => {
        const result = await context.database.write(work)
        if (++writes === Number(at)) process.kill(process.pid, 'SIGKILL')
        return result
      },
    },
  })
  const world = await openWorld(folder, { ...protectedWorld, clock: systemClock, adjust: crashing })
  await goOn(world)
  await world.close()
  process.stdout.write(`done ${writes}\n`)
}
