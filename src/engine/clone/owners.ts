import type { Source } from '../../sources/source.ts'
import { isCopy } from '../../state/clones.ts'
import type { EngineContext } from '../context.ts'
import { ownersOf, ownerWords, type Found } from '../restore/owners.ts'
import { isWholeServer } from '../series-scope.ts'

export interface Overwriting extends Omit<Found, 'marks'> {
  /** Opened at the place. */
  source: Source
}

/** What any strategy backs up is never what a copy replaces. An earlier copy is, whoever cannot be asked, and also where all of its
 * server is backed up: copies stay copies.
 * @returns why it is not overwritten, in words; empty: it is nobody's */
export async function ownerBlockers(
  context: EngineContext,
  { source, ...found }: Overwriting,
  signal: AbortSignal,
): Promise<string[]> {
  const { name } = found
  const id = await source.clone!.identify(name, signal)
  if (id === null) return []
  const marks = await source.marks!({ database: name, url: null }, signal)
  const isOurs = await isCopy(context.database.read, { id, name })
  const owners = await ownersOf(context, { ...found, marks }, signal)
  return owners
    .filter(({ strategy, doubt }) => !isOurs || (doubt === null && !isWholeServer(strategy)))
    .map((owner) => ownerWords(name, owner))
}
