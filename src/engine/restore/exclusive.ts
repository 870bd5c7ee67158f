import type { Strategy } from '../../core/config.ts'
import { takeAlso } from '../../state/runs.ts'
import { driverOf, type EngineContext } from '../context.ts'
import { backupLease, isWholeServer } from '../series-scope.ts'
import type { Work } from '../work.ts'

const lookMs = 500

/** From here to the end of this run no backup of the database runs (promise 4): the swap would end its sessions. One that is
 * under way is waited for. */
export async function excludeBackups(context: EngineContext, work: Work): Promise<void> {
  work.pulse.watch(() => Promise.resolve(true)) // the backup that is waited for is watched itself
  const keys = leasesOf(context, work)
  const take = (): Promise<boolean> =>
    context.database.write((tx) =>
      takeAlso(tx, { run: work.run.id, keys, holder: context.self, now: context.clock.now() }),
    )
  while (!(await take())) await context.clock.sleep(lookMs, work.signal)
}

/** Of every strategy that backs up the same database, also as one of a whole server. */
function leasesOf(context: EngineContext, { strategy, run }: Work): string[] {
  const factsOf = ({ kind, url }: Strategy['source']) => {
    const facts = driverOf(context, kind).parseUrl(url)
    return 'endpoint' in facts ? { server: `${kind} ${facts.endpoint}`, database: facts.database } : null
  }
  const own = factsOf(strategy.source)
  const database = isWholeServer(strategy) ? run.series : own?.database
  return context.config.strategies.flatMap((other) => {
    const facts = factsOf(other.source)
    if (facts?.server !== own?.server || database === undefined) return []
    if (isWholeServer(other)) return [backupLease(other.name, database)]
    return facts?.database === database ? [backupLease(other.name, '')] : []
  })
}
