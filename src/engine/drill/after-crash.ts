import { asFault } from '../../core/faults.ts'
import { listCopies } from '../../state/catalogue.ts'
import type { Run } from '../../state/runs.ts'
import { openSource, runFolder, type EngineContext } from '../context.ts'
import { strategyOfRun } from '../restore/choose.ts'
import { scratchPlace } from './scratch-place.ts'
import { databaseOf } from '../series-scope.ts'

const sweepMs = 60_000

/** A drill whose process died leaves nothing on this machine; what it left on a given server is remembered. Its processes are ended already; its folder is removed after this. */
export async function sweepDrill(context: EngineContext, run: Run): Promise<void> {
  const strategy = await strategyOfRun(context, run).catch(() => null) // it is no longer configured
  const [copy] = await listCopies(context.database.read, { id: run.params.backup ?? '' })
  if (!strategy || !copy) return
  const source = await openSource(context, strategy, {
    id: run.id,
    folder: runFolder(context, run.id),
    ...databaseOf(strategy, copy.manifest),
  })
  const place = scratchPlace(null, run)
  try {
    await source.scratch?.sweep(copy.manifest, place, AbortSignal.timeout(sweepMs))
  } catch (error) {
    context.log.warn('what an interrupted drill left could not be removed', {
      run: run.id,
      error: asFault(error).message,
    })
  } finally {
    await source.close()
  }
}
