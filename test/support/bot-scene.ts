import { existsSync, readFileSync } from 'node:fs'
import { openDatabase, type Read } from '../../src/state/database.ts'
import { listRuns } from '../../src/state/runs.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { localPlace } from '../world.ts'
import type { Bot } from './bot.ts'
import type { PostgresServer } from './postgres.ts'
import { look } from './scene.ts'

const looks = 5
const pauseMs = 500

/** What assertWorld says, of a real service seen from outside. Retention may delete while we look: what is wrong must stay wrong. */
export async function assertBot(bot: Bot, postgres: PostgresServer | null = null): Promise<void> {
  for (let time = 1; ; time++)
    try {
      return await readState(bot, (read) => lookAt(bot, postgres, read))
    } catch (error) {
      if (time === looks) throw error
      await new Promise((next) => setTimeout(next, pauseMs))
    }
}

/** Reads the state as another process does. */
export async function readState<T>(bot: Bot, work: (read: Read) => Promise<T>): Promise<T> {
  const database = await openDatabase(bot.stateDir, systemClock)
  return work(database.read).finally(() => database.close())
}

async function lookAt(bot: Bot, postgres: PostgresServer | null, read: Read): Promise<void> {
  await look({
    read,
    runs: await listRuns(read, { limit: 1_000 }),
    open: false,
    places: [localPlace('disk', bot.storageDir)],
    tempDir: bot.tempDir,
    folders: [bot.stateDir, bot.storageDir, bot.tempDir],
    postgres,
    secrets: postgres ? [postgres.password] : [],
    texts: () => ({ 'the log': existsSync(bot.logPath) ? readFileSync(bot.logPath, 'utf8') : '' }),
  })
}
