import type { RestorePlan } from '../../core/model.ts'
import type { Source, TargetPlan } from '../../sources/source.ts'
import type { EngineContext } from '../context.ts'
import type { RestoreAsk } from '../facade.ts'
import type { Chosen } from './choose.ts'
import { ownersOf, ownerWords, type Found, type Owner } from './owners.ts'

interface Meeting {
  ask: RestoreAsk
  chosen: Chosen
  target: TargetPlan
}

/** Whose data a restore would replace; empty when it replaces none. Of copies, clone/owners.ts asks. */
export async function ownersOfTarget(
  context: EngineContext,
  { ask, chosen, target, source, opening }: Meeting & { source: Source; opening: Found['opening'] },
  signal: AbortSignal,
): Promise<Owner[]> {
  const isReplaced = target.exists && (ask.inPlace || (ask.clean && !target.empty))
  if (!isReplaced || !source.marks) return []
  const { name } = target
  const isTyped = ask.targetUrl !== null && !ask.inPlace
  const of = isTyped ? { database: null, url: ask.targetUrl } : { database: name, url: null }
  const marks = await source.marks(of, signal)
  return ownersOf(context, { kind: chosen.strategy.source.kind, name, marks, opening }, signal)
}

/** In place: whoever else backs it up has a say. */
export function ownerFacts({ ask, chosen }: Meeting, owners: readonly Owner[]): Pick<RestorePlan, 'owners'> {
  const others = othersOf(chosen, owners).map(({ strategy }) => strategy.name)
  return ask.inPlace && others.length > 0 ? { owners: others } : {}
}

export function ownerWarnings({ ask, chosen, target }: Meeting, owners: readonly Owner[]): string[] {
  if (!ask.inPlace) return []
  return othersOf(chosen, owners).map((owner) =>
    owner.doubt === null
      ? `${target.name} is backed up by ${owner.strategy.name}, too`
      : ownerWords(target.name, owner),
  )
}

/** Overwriting a database that is backed up here is a restore in place, by a strategy that backs it up: only that makes a backup of it
 * first. */
export function ownerBlockers(
  { ask, chosen, target }: Meeting,
  owners: readonly Owner[],
  canSwap: boolean,
): string[] {
  if (ask.inPlace) {
    const isOwn = owners.length === othersOf(chosen, owners).length + 1
    const sure = isOwn ? [] : owners.filter(({ doubt }) => doubt === null)
    return sure.map(
      (owner) =>
        `${ownerWords(target.name, owner)}, not that of ${chosen.strategy.name}: see restore.database_url`,
    )
  }
  const instead = canSwap
    ? 'restore it with --in-place, which makes a backup first and can be undone'
    : 'choose another name'
  return owners.map(
    (owner) => `${ownerWords(target.name, owner)}: ${owner.doubt === null ? instead : 'choose another name'}`,
  )
}

function othersOf({ strategy: { name }, standIn }: Chosen, owners: readonly Owner[]): Owner[] {
  return owners.filter(({ strategy }) => standIn || strategy.name !== name)
}
