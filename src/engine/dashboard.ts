import type { Dashboard } from '../core/dashboard.ts'
import { strategyOfRequest } from '../core/model.ts'
import { placesUsed } from '../state/digest.ts'
import { openIncidents } from '../state/incidents.ts'
import { openRequests } from '../state/requests.ts'
import { openRuns } from '../state/runs.ts'
import type { EngineContext } from './context.ts'
import { incidentView } from './incidents/tell.ts'
import { runView } from './views.ts'

const mostRunning = 20 // a view of each costs a few looks; hundreds may wait in the queue

/** What goes on and waits now. Reads state only.
 * @param among  of these strategies alone; null = all */
export async function dashboardOf(
  context: EngineContext,
  among: readonly string[] | null,
): Promise<Dashboard> {
  const db = context.database.read
  const isMeant = (strategy: string): boolean => among?.includes(strategy) ?? true
  const runs = (await openRuns(db)).filter(({ strategy }) => isMeant(strategy))
  const open = runs.toSorted((a, b) => Number(a.state === 'queued') - Number(b.state === 'queued'))
  return {
    running: await Promise.all(open.slice(0, mostRunning).map((run) => runView(context, run))),
    requests: (await openRequests(db))
      .map(({ view }) => view)
      .filter((view) => isMeant(strategyOfRequest(view))),
    incidents: (await openIncidents(db))
      .filter(({ members }) => among === null || members.some(({ strategy }) => isMeant(strategy)))
      .map(incidentView),
    places: await placesUsed(db, among),
  }
}
