import { randomUUID } from 'node:crypto'
import { endTurn, takeTurn } from '../state/turns.ts'
import { isAlive } from '../sys/strays.ts'
import type { EngineContext } from './context.ts'
import type { Corner } from './survey.ts'

const waitMs = 500
const longestMs = 2 * 60 * 60_000 // whoever could not give a turn back, because its disk was full, does not hold it for ever

/** Does something with one series while nobody else prunes it, in this process or another on the same state; waits for its turn.
 * @throws what `work` throws · the signal's reason */
export async function aloneInSeries(
  { clock, database, self }: EngineContext,
  { strategy, series }: Corner,
  { signal, work }: { signal: AbortSignal; work: () => Promise<void> },
): Promise<void> {
  const key = `prune/${strategy.name}/${series}`
  const token = randomUUID()
  const take = (): Promise<boolean> =>
    database.write((tx) =>
      takeTurn(tx, key, {
        holder: self,
        token,
        takenAt: clock.now(),
        isOver: ({ holder, takenAt }) => !isAlive(holder) || Math.abs(clock.now() - takenAt) > longestMs,
      }),
    )
  while (!(await take())) await clock.sleep(waitMs, signal)
  try {
    await work()
  } finally {
    await database.write((tx) => endTurn(tx, key, token))
  }
}
