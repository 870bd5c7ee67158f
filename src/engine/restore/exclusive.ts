import type { Strategy } from '../../core/config.ts'
import { takeAlso } from '../../state/runs.ts'
import { driverOf, type EngineContext } from '../context.ts'
import type { Work } from '../work.ts'

const lookMs = 500

/** From here to the end of this run no backup of the database runs (promise 4): the swap would end its sessions. One that is
 * under way is waited for. */
export async function excludeBackups(context: EngineContext, work: Work): Promise<void> {
  work.pulse.watch(() => Promise.resolve(true)) // the backup that is waited for is watched itself
  const keys = ofSameDatabase(context, work.strategy).map(({ name }) => `backup/${name}`)
  const take = (): Promise<boolean> =>
    context.database.write((tx) =>
      takeAlso(tx, { run: work.run.id, keys, holder: context.self, now: context.clock.now() }),
    )
  while (!(await take())) await context.clock.sleep(lookMs, work.signal)
}

function ofSameDatabase(context: EngineContext, { source }: Strategy): Strategy[] {
  const placeOf = ({ kind, url }: Strategy['source']): string => {
    const facts = driverOf(context, kind).parseUrl(url)
    return 'endpoint' in facts ? `${kind} ${facts.endpoint} ${facts.database}` : ''
  }
  return context.config.strategies.filter((other) => placeOf(other.source) === placeOf(source))
}
