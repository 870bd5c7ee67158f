import { driftOf } from '../../core/drift.ts'
import { Fault } from '../../core/faults.ts'
import type { Artifact, Manifest, RequestView, RestorePlan, RestoreResult } from '../../core/model.ts'
import type { RawInput, Source, TargetRequest } from '../../sources/source.ts'
import { strategyAtTarget } from '../clone/place.ts'
import { openSource, type EngineContext } from '../context.ts'
import { leftOutBlockers } from '../left-out.ts'
import { driftFault } from '../requests/unchanged.ts'
import { compareRows } from '../verify.ts'
import type { Work, WorkResult } from '../work.ts'
import { choose, type Chosen, type FixedAsk } from './choose.ts'
import { dropSpools, fetchChosen } from './fetch.ts'
import { planRestore, targetRequest } from './plan.ts'
import { refuseBlocked } from './requests.ts'
import { databaseOf } from '../series-scope.ts'

/** Restores into a target beside the old data: fetch and verify everything first, then restore, then compare.
 * The whole object is verified before the first statement (promise 12); one error fails it (promise 13).
 * @throws Fault stale when the target is not what was confirmed · object-corrupt · restore-failed · restore-incomplete */
export async function restoreBeside(
  context: EngineContext,
  work: Work,
  confirmed: Confirmed,
): Promise<WorkResult> {
  return withChosen(context, work, confirmed, async (opened) => {
    const into = targetRequest(confirmed.ask)
    const result = await carryOver(context, work, { ...confirmed, ...opened, into })
    return { result: { restore: result }, commit: async () => undefined }
  })
}

/** What was asked for, and the plan that was confirmed. */
export interface Confirmed {
  ask: FixedAsk
  view: RequestView
}

/** Works with the backup that was chosen and the source it goes to, once it is sure that both are still what was confirmed. */
export async function withChosen<T>(
  context: EngineContext,
  work: Work,
  { ask, view }: Confirmed,
  restore: (opened: { chosen: Chosen; source: Source }) => Promise<T>,
): Promise<T> {
  await refuseDrift(context, view.plan, { ask, work })
  const chosen = await choose(context, ask, work.signal)
  const at = strategyAtTarget(work.strategy, ask)
  const source = await openSource(context, at, {
    id: work.run.id,
    folder: work.folder,
    restoring: true,
    ...databaseOf(at, chosen.manifest),
  })
  try {
    return await restore({ chosen, source })
  } finally {
    await source.close()
  }
}

/** Any change of the target or the file since the confirmation voids it (promise 11). */
export async function refuseDrift(
  context: EngineContext,
  shown: RestorePlan,
  { ask, work }: { ask: FixedAsk; work: Work },
): Promise<void> {
  const fresh = await planRestore(context, ask, work.signal)
  const drift = driftOf(shown, fresh)
  if (drift.length > 0) throw driftFault(drift)
  refuseBlocked(fresh)
}

export interface Carry extends Confirmed {
  source: Source
  chosen: Chosen
  into: TargetRequest
}

/** Fetches and verifies everything, restores it, compares. */
export async function carryOver(context: EngineContext, work: Work, carry: Carry): Promise<RestoreResult> {
  const { source, chosen, ask, view, into: target } = carry
  const begun = context.clock.monotonic()
  work.pulse.stage('fetch')
  const fetched = await fetchChosen(context, work, { chosen, source })
  try {
    const fetchMs = Math.round(context.clock.monotonic() - begun)
    const manifest = onlyTables(fetched.manifest, ask.tables ?? [])
    const plan = await source.plan(manifest, target, work.signal)
    refuseLeftOut(context, { ask, chosen: { ...chosen, manifest }, overwritten: plan.exists && !plan.empty })
    work.pulse.stage('restore')
    // where nobody can be asked, `timeout.restore` alone is the limit
    work.pulse.watch(() => source.works?.(work.signal) ?? Promise.resolve(true))
    const open = async (artifact: Artifact): Promise<RawInput> => fetched.open(artifact)
    const restored = await source.restore(manifest, target, plan, open, work.signal)
    work.pulse.stage('check')
    compareRows(restored.tables, manifest, 'restore-incomplete')
    return {
      request: view.id,
      backup: manifest.id,
      target: view.plan.target.name,
      endpoint: plan.endpoint,
      tables: restored.tables.length,
      rows: restored.tables.reduce((sum, table) => sum + table.rows, 0),
      fetchMs,
      restoreMs: Math.round(context.clock.monotonic() - begun) - fetchMs,
      warnings: [...chosen.warnings, ...fetched.warnings, ...restored.warnings].map(context.scrub),
      open: restored.open,
    }
  } finally {
    await dropSpools(fetched)
  }
}

/** What an encrypted backup was made with may be known only now. */
function refuseLeftOut(context: EngineContext, facts: Parameters<typeof leftOutBlockers>[1]): void {
  const [blocker] = leftOutBlockers(context, facts)
  if (blocker) throw new Fault('target-invalid', blocker, { hint: 'nothing was changed' })
}

/** The manifest as far as it is about the tables that are wanted. */
function onlyTables(manifest: Manifest, wanted: readonly string[]): Manifest {
  if (wanted.length === 0 || manifest.tables === null) return manifest
  return { ...manifest, tables: manifest.tables.filter(({ name }) => wanted.includes(name)) }
}
