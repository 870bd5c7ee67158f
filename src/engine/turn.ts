import { randomUUID } from 'node:crypto'
import { endTurn, takeTurn } from '../state/turns.ts'
import { isAlive } from '../sys/strays.ts'
import type { EngineContext } from './context.ts'

/** Nobody else does what `key` names meanwhile, in this process or another on the same state.
 * @param longestMs  whoever could not give it back, because its disk was full, does not hold it for ever
 * @returns what gives it back; null while another has it */
export async function turnAt(
  { clock, database, self }: EngineContext,
  key: string,
  longestMs: number,
): Promise<(() => Promise<void>) | null> {
  const token = randomUUID()
  const isMine = await database.write((tx) =>
    takeTurn(tx, key, {
      holder: self,
      token,
      takenAt: clock.now(),
      isOver: ({ holder, takenAt }) => !isAlive(holder) || Math.abs(clock.now() - takenAt) > longestMs,
    }),
  )
  return isMine ? () => database.write((tx) => endTurn(tx, key, token)) : null
}
