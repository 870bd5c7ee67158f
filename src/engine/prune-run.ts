import { Fault } from '../core/faults.ts'
import type { Actor, PruneRequestView } from '../core/model.ts'
import { findAnyRequest } from '../state/requests.ts'
import { storageOf, strategyOf, type EngineContext } from './context.ts'
import { dueIn, prunePlace } from './prune.ts'
import { askByPerson } from './prune-questions.ts'
import { cornersOf, survey, type Survey } from './survey.ts'
import type { Work, WorkResult } from './work.ts'

/** What a person is asked before old backups go. */
export interface AskedToPrune {
  /** One for each series and place in which something would go. */
  requests: PruneRequestView[]
  /** Why nothing goes where something is due. */
  notes: string[]
}

/** Files what retention would delete now as questions; nothing is deleted before they are confirmed.
 * @param strategy  null = of all. @throws Fault not-found */
export async function requestPrune(
  context: EngineContext,
  strategy: string | null,
  actor: Actor,
): Promise<AskedToPrune> {
  const signal = AbortSignal.timeout(10 * 60_000)
  const names = strategy === null ? context.config.strategies : [strategyOf(context, strategy)]
  const asked: AskedToPrune = { requests: [], notes: [] }
  for (const one of names)
    for (const corner of await cornersOf(context, one)) {
      const found = await survey(context, corner, signal)
      const due = dueIn(found)
      asked.notes.push(...notesOn(found, `${one.name} in ${corner.storage.name}`))
      if (due.length > 0) asked.requests.push(await askByPerson(context, corner, { found, due, actor }))
    }
  return asked
}

function notesOn({ frozen, found }: Survey, where: string): string[] {
  const retained = found.filter(({ retainedUntil }) => retainedUntil !== null).length
  return [
    ...(frozen === null ? [] : [`${where}: ${frozen}`]),
    ...(retained === 0 ? [] : [`${where}: ${retained} would go, and the place retains them`]),
  ]
}

/** Carries out what was confirmed: of those backups the ones that retention still lets go, judged anew. */
export async function pruneWork(
  context: EngineContext,
  { run, strategy, pulse, signal }: Work,
): Promise<WorkResult> {
  const request = await findAnyRequest(context.database.read, run.params.request ?? '')
  if (request?.view.kind !== 'prune') throw new Fault('not-found', 'the question this run answers is gone')
  const { plan } = request.view
  if (!strategy.storages.includes(plan.storage))
    throw new Fault('stale', `${plan.storage} is no longer a place of ${strategy.name}; nothing was deleted`)
  const corner = { strategy, series: plan.series, storage: storageOf(context, plan.storage) }
  pulse.stage('prune')
  const only = new Set(plan.deletions.map(({ id }) => id))
  const pruned = await prunePlace(context, corner, {
    only,
    signal,
    onDeleted: (count) => pulse.moved('prune', count),
  })
  const deleted = pruned.deleted.length
  if (pruned.failure) {
    const { code, message, hint } = pruned.failure
    throw new Fault(code, `${message}; ${deleted} of ${plan.count} were deleted`, {
      ...(hint === null ? {} : { hint }),
      cause: pruned.failure,
    })
  }
  const why = deleted === plan.count ? null : (pruned.frozen ?? 'retention keeps the others now')
  return {
    result: { prune: { storage: plan.storage, asked: plan.count, deleted, why } },
    commit: async () => undefined,
  }
}
