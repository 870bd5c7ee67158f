import type { Source, SwapNames } from '../../sources/source.ts'
import { takeAlso } from '../../state/runs.ts'
import type { EngineContext } from '../context.ts'
import { backupLease, isWholeServer } from '../series-scope.ts'
import type { Work } from '../work.ts'
import { ownersOf } from './owners.ts'

const lookMs = 500

/** From here to the end of this run no backup of the database runs (promise 4): the swap would end its sessions. One that is
 * under way is waited for. */
export async function excludeBackups(
  context: EngineContext,
  work: Work,
  swap: { names: SwapNames; source: Source },
): Promise<void> {
  work.pulse.watch(() => Promise.resolve(true)) // the backup that is waited for is watched itself
  const keys = await leasesOf(context, work, swap)
  const take = (): Promise<boolean> =>
    context.database.write((tx) =>
      takeAlso(tx, { run: work.run.id, keys, holder: context.self, now: context.clock.now() }),
    )
  while (!(await take())) await context.clock.sleep(lookMs, work.signal)
}

/** Of every strategy that backs it up; one of a whole server may back up what stands beside it, too. */
async function leasesOf(
  context: EngineContext,
  { strategy, run, folder, signal }: Work,
  { names: { name, beside, kept }, source }: { names: SwapNames; source: Source },
): Promise<string[]> {
  const marks = (await source.marks?.({ database: name, url: null }, signal)) ?? []
  const { kind } = strategy.source
  const owners = await ownersOf(context, { kind, name, marks, opening: { id: run.id, folder } }, signal)
  const leases = [strategy, ...owners.map((owner) => owner.strategy)].flatMap((owner) =>
    (isWholeServer(owner) ? [name, beside, kept] : ['']).map((series) => backupLease(owner.name, series)),
  )
  return [...new Set(leases)]
}
