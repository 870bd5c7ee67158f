import type { Strategy } from '../core/config.ts'
import type { DatabaseView, RunState, StrategyView } from '../core/model.ts'
import { newestGood } from '../state/catalogue.ts'
import type { Read } from '../state/database.ts'
import { runsOfGroup } from '../state/groups.ts'
import type { Run } from '../state/runs.ts'
import { failingSeries, listedSeries } from '../state/series.ts'
import type { EngineContext } from './context.ts'
import { overdueSeries } from './overdue.ts'
import { isWholeServer } from './series-scope.ts'

/** Which of many runs stands for all of them: one that is open, else the worst. */
const rank: readonly RunState[] = [
  'running',
  'queued',
  'failed',
  'interrupted',
  'degraded',
  'cancelled',
  'succeeded',
  'skipped',
]

/** The run that stands for the newest one of a whole server: what its status is about. */
export async function serverRun(db: Read, newest: Run): Promise<Run> {
  const { group } = newest.params
  const all = group === undefined ? [newest] : await runsOfGroup(db, group)
  return all.toSorted((a, b) => rank.indexOf(a.state) - rank.indexOf(b.state))[0] ?? newest
}

/** How each database of a whole server stands; nothing for a strategy of one database. */
export async function databasesOf(
  context: EngineContext,
  strategy: Strategy,
): Promise<Pick<StrategyView, 'databases'>> {
  if (!isWholeServer(strategy)) return {}
  const db = context.database.read
  const { name } = strategy
  const [late, failing, states] = [
    await overdueSeries(context, strategy),
    await failingSeries(db, name),
    await newestStates(db, name),
  ]
  const databases: DatabaseView[] = []
  for (const { name: series, globals, goneAt } of await listedSeries(db, name)) {
    const good = await newestGood(db, { strategy: name, series }, null)
    if (goneAt !== null && !good) continue // nothing of it is left
    databases.push({
      name: series,
      globals,
      state: states.get(series) ?? 'never',
      lastGood: good && {
        id: good.id,
        createdAt: good.createdAt,
        storedBytes: good.manifest.storedBytes,
        level: good.level,
      },
      failuresInARow: failing.get(series) ?? 0,
      overdueSince: late.get(series) ?? null,
      goneAt,
    })
  }
  return { databases: databases.toSorted((a, b) => worth(a) - worth(b)) }
}

function worth({ failuresInARow, overdueSince, goneAt }: DatabaseView): number {
  if (goneAt !== null) return 3
  if (failuresInARow > 0) return 0
  return overdueSince === null ? 2 : 1
}

async function newestStates(db: Read, strategy: string): Promise<Map<string, RunState>> {
  const newest = db
    .selectFrom('runs')
    .select((e) => e.fn.max('seq').as('seq'))
    .where('strategy', '=', strategy)
    .where('kind', '=', 'backup')
    .groupBy('series')
  const rows = await db.selectFrom('runs').select(['series', 'state']).where('seq', 'in', newest).execute()
  return new Map(rows.map(({ series, state }) => [series, state as RunState]))
}
