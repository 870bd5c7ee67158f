import type { Figures } from '../core/figures.ts'
import type { StrategyView } from '../core/model.ts'
import { openIncidents } from '../state/incidents.ts'
import { openRuns } from '../state/runs.ts'
import type { EngineContext } from './context.ts'
import { viewNotifiers } from './notifiers.ts'

/** Everything that is measured from state: it is right again at once after a restart. */
export async function figuresOf(context: EngineContext, strategies: StrategyView[]): Promise<Figures> {
  const { database } = context
  const open = await openRuns(database.read)
  const incidents = await openIncidents(database.read)
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
      lastProvenAt: view.proven?.at ?? null,
      lastVerdict: view.drills?.last?.verdict ?? null,
      restoreMs: view.drills?.last?.restoreMs ?? null,
      nextDrillAt: view.drills?.nextAt ?? null,
      isOdd: Boolean(view.odd),
      brokenCopies: view.reread?.broken ?? 0,
      allReadSince: view.reread?.allSince ?? null,
    })),
    queue: Map.groupBy(open, ({ kind, state }) => `${kind}/${state}`)
      .values()
      .map((runs) => ({
        kind: runs[0]!.kind,
        state: runs[0]!.state as 'queued' | 'running',
        runs: runs.length,
      }))
      .toArray(),
    owed: (await viewNotifiers(context)).map(({ name, owed, off }) => ({
      notifier: name,
      messages: owed,
      isOff: off !== null,
    })),
    incidents: (['series', 'place', 'shared', 'drill', 'odd'] as const).map((kind) => ({
      kind,
      open: incidents.filter((one) => one.kind === kind).length,
    })),
  }
}
