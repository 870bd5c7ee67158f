import type { EngineContext } from '../engine/context.ts'
import { tellBack } from '../engine/silence.ts'
import type { SlackParts } from '../slack/app.ts'
import type { Scheduled } from '../slack/silence.ts'
import { recall, remember } from '../state/memory.ts'

const key = 'silence'

/** What Slack holds for this installation outlives the process, like everything that may have to be taken back. */
export function silenceIn(context: EngineContext): NonNullable<SlackParts['silence']> {
  const { database, clock, host } = context
  const startedAt = clock.now()
  return {
    host,
    mark: `installation ${context.installation.slice(0, 8)}`,
    memory: {
      read: async () => JSON.parse((await recall(database.read, key)) ?? '[]') as Scheduled[],
      write: (scheduled) => database.write((tx) => remember(tx, key, JSON.stringify(scheduled))),
    },
    onFired: ({ id, since, backAt, wasAlive }) =>
      tellBack(context, { key: id, lengthMs: backAt - since, wasAlive, startedAt }),
  }
}
