import type { EngineContext } from './context.ts'
import type { Corner } from './survey.ts'
import { turnAt } from './turn.ts'

const waitMs = 500
const longestMs = 2 * 60 * 60_000

/** Does something with one series while nobody else prunes it, in this process or another on the same state; waits for its turn.
 * @throws what `work` throws · the signal's reason */
export async function aloneInSeries(
  context: EngineContext,
  { strategy, series }: Corner,
  { signal, work }: { signal: AbortSignal; work: () => Promise<void> },
): Promise<void> {
  const take = () => turnAt(context, `prune/${strategy.name}/${series}`, longestMs)
  let giveBack = await take()
  while (giveBack === null) {
    await context.clock.sleep(waitMs, signal)
    giveBack = await take()
  }
  try {
    await work()
  } finally {
    await giveBack()
  }
}
