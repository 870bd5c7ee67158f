import { Fault } from '../../core/faults.ts'
import type { Artifact, Manifest, RestoreResult } from '../../core/model.ts'
import type { RawInput, Source } from '../../sources/source.ts'
import { findRequest } from '../../state/requests.ts'
import { openSource, type EngineContext } from '../context.ts'
import { compareRows } from '../verify.ts'
import type { Work, WorkResult } from '../work.ts'
import { choose, type Chosen, type FixedAsk } from './choose.ts'
import { dropSpools, fetchChosen } from './fetch.ts'
import { planRestore, targetRequest } from './plan.ts'
import { refuseBlocked } from './requests.ts'

/** Restores into a target beside the old data: fetch and verify everything first, then restore, then compare.
 * The whole object is verified before the first statement (promise 12); one error fails it (promise 13).
 * @throws Fault stale when the target is not what was confirmed · object-corrupt · restore-failed · restore-incomplete */
export async function restoreBeside(context: EngineContext, work: Work): Promise<WorkResult> {
  const request = await findRequest<FixedAsk>(context.database.read, work.run.params.request ?? '')
  if (!request) throw new Fault('not-found', 'the request of this restore is gone')
  const { ask, view } = request
  await refuseDrift(context, view.plan.digest, { ask, work })
  const chosen = await choose(context, ask, work.signal)
  const source = openSource(context, work.strategy, { id: work.run.id, folder: work.folder })
  try {
    const { name: target } = view.plan.target
    return await carryOver(context, work, { source, chosen, ask, target, requestId: view.id })
  } finally {
    await source.close()
  }
}

/** Any change of the target or the file since the confirmation voids it (promise 11). */
async function refuseDrift(
  context: EngineContext,
  digest: string,
  { ask, work }: { ask: FixedAsk; work: Work },
): Promise<void> {
  const fresh = await planRestore(context, ask, work.signal)
  refuseBlocked(fresh)
  if (fresh.digest !== digest)
    throw new Fault(
      'stale',
      'the backup or the target changed after the plan was confirmed; nothing was touched',
      { hint: 'ask for the restore again to see the new plan' },
    )
}

interface Carry {
  source: Source
  chosen: Chosen
  ask: FixedAsk
  target: string
  requestId: string
}

async function carryOver(context: EngineContext, work: Work, carry: Carry): Promise<WorkResult> {
  const { source, chosen, ask } = carry
  const begun = context.clock.monotonic()
  work.pulse.stage('fetch')
  const fetched = await fetchChosen(context, work, { chosen, source })
  try {
    const fetchMs = Math.round(context.clock.monotonic() - begun)
    const manifest = onlyTables(fetched.manifest, ask.tables ?? [])
    const target = targetRequest(ask)
    const plan = await source.plan(manifest, target, work.signal)
    work.pulse.stage('restore')
    // where nobody can be asked, `timeout.restore` alone is the limit
    work.pulse.watch(() => source.works?.(work.signal) ?? Promise.resolve(true))
    const open = async (artifact: Artifact): Promise<RawInput> => fetched.open(artifact)
    const restored = await source.restore(manifest, target, plan, open, work.signal)
    work.pulse.stage('check')
    compareRows(restored.tables, manifest.tables, 'restore-incomplete')
    const result: RestoreResult = {
      request: carry.requestId,
      backup: manifest.id,
      target: carry.target,
      endpoint: plan.endpoint,
      tables: restored.tables.length,
      rows: restored.tables.reduce((sum, table) => sum + table.rows, 0),
      fetchMs,
      restoreMs: Math.round(context.clock.monotonic() - begun) - fetchMs,
      warnings: [...chosen.warnings, ...fetched.warnings, ...restored.warnings].map(context.scrub),
      open: restored.open,
    }
    return { result: { restore: result }, commit: async () => undefined }
  } finally {
    await dropSpools(fetched)
  }
}

/** The manifest as far as it is about the tables that are wanted. */
function onlyTables(manifest: Manifest, wanted: readonly string[]): Manifest {
  if (wanted.length === 0 || manifest.tables === null) return manifest
  return { ...manifest, tables: manifest.tables.filter(({ name }) => wanted.includes(name)) }
}
