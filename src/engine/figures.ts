import type { Figures } from '../core/figures.ts'
import type { StrategyView } from '../core/model.ts'
import { countOwed } from '../state/messages.ts'
import { openRuns } from '../state/runs.ts'
import type { EngineContext } from './context.ts'

/** Everything that is measured from state: it is right again at once after a restart. */
export async function figuresOf(context: EngineContext, strategies: StrategyView[]): Promise<Figures> {
  const { database } = context
  const open = await openRuns(database.read)
  const notifiers = await context.notifiers()
  return {
    strategies: strategies.map((view) => ({
      name: view.name,
      lastSuccessAt: view.lastGood?.createdAt ?? null,
      nextAt: view.nextAt,
      isOverdue: view.overdueSince !== null,
      isPaused: view.paused !== null,
      failuresInARow: view.failuresInARow,
      backups: view.backups,
      heldBytes: view.storedBytes,
      lastStoredBytes: view.lastGood?.storedBytes ?? null,
      lastRawBytes: view.lastGood?.rawBytes ?? null,
    })),
    queue: Map.groupBy(open, ({ kind, state }) => `${kind}/${state}`)
      .values()
      .map((runs) => ({
        kind: runs[0]!.kind,
        state: runs[0]!.state as 'queued' | 'running',
        runs: runs.length,
      }))
      .toArray(),
    owed: await Promise.all(
      notifiers.map(async ({ kind }) => ({
        notifier: kind,
        messages: await countOwed(database.read, kind),
      })),
    ),
  }
}
