import type { Strategy } from '../core/config.ts'
import { asFault, Fault } from '../core/faults.ts'
import { manifestName } from '../core/keys.ts'
import type { PruneRequestView } from '../core/model.ts'
import { objectsOf } from '../core/stored-objects.ts'
import { floorOf, isPinned, retentionIn, type Judgement } from '../core/retention.ts'
import { forgetCopy, type Copy } from '../state/catalogue.ts'
import { noteDeletion } from '../state/deletions.ts'
import { findPin, forgetPin } from '../state/pins.ts'
import { openRuns } from '../state/runs.ts'
import { storedSeries } from '../state/series.ts'
import type { Storage } from '../storages/storage.ts'
import { storageOf, type EngineContext } from './context.ts'
import { folderOf } from './folder-of.ts'
import { listAll } from './objects.ts'
import { settlePins, writePin } from './pins.ts'
import { askFirst, closeQuestion, isMassDelete } from './prune-questions.ts'
import { aloneInSeries } from './prune-turns.ts'
import { survey, type Corner, type Survey, type Surveyed } from './survey.ts'

export interface Pruned {
  storage: string
  deleted: Judgement[]
  /** Would go, and the place keeps them until a date (Object Lock): no fault, tried again by each pass. */
  retained: number
  /** Why nothing was deleted although some were due; null when nothing was held back. */
  frozen: string | null
  /** So many would go that people are asked first. */
  asked: PruneRequestView | null
  /** What ended the pass before its end. */
  failure: Fault | null
}

/** Deletes what retention lets go, in each place of one series; a place that fails keeps no other from its turn.
 * @throws the signal's reason only */
export async function prune(
  context: EngineContext,
  strategy: Strategy,
  series: string,
  signal: AbortSignal,
): Promise<Pruned[]> {
  const places = strategy.storages.filter((name) => retentionIn(strategy, name) !== null)
  const pruned: Pruned[] = []
  for (const name of places) {
    const corner = { strategy, series, storage: storageOf(context, name) }
    pruned.push(await prunePlace(context, corner, { only: null, signal }))
  }
  return pruned
}

/** Prunes every series that the strategy has backups of. @returns how many backups went
 * @throws Fault of the first place that failed, when nothing went */
export async function pruneAll(
  context: EngineContext,
  strategy: Strategy,
  signal: AbortSignal,
): Promise<number> {
  const pruned: Pruned[] = []
  for (const series of await storedSeries(context.database.read, strategy.name))
    pruned.push(...(await prune(context, strategy, series, signal)))
  const deleted = pruned.reduce((sum, place) => sum + place.deleted.length, 0)
  const failure = pruned.find((place) => place.failure !== null)?.failure
  if (deleted === 0 && failure) throw failure
  return deleted
}

export interface Pass {
  /** Exactly these were confirmed, and nothing is asked again; null: whatever retention lets go. */
  only: ReadonlySet<string> | null
  signal: AbortSignal
  /** Told after each deletion. */
  onDeleted?: (count: number) => void
}

/** One corner: look, judge, ask when it is much, delete. Only one process at a time does that with a series. */
export async function prunePlace(context: EngineContext, corner: Corner, pass: Pass): Promise<Pruned> {
  const pruned: Pruned = {
    storage: corner.storage.name,
    deleted: [],
    retained: 0,
    frozen: null,
    asked: null,
    failure: null,
  }
  try {
    await aloneInSeries(context, corner, {
      signal: pass.signal,
      work: () => fill(context, corner, pass, pruned),
    })
  } catch (error) {
    pass.signal.throwIfAborted()
    pruned.failure = asFault(error)
  }
  return pruned
}

async function fill(context: EngineContext, corner: Corner, pass: Pass, pruned: Pruned): Promise<void> {
  const found = await survey(context, corner, pass.signal)
  await markPins(context, found, pass.signal)
  const due = dueIn(found)
  pruned.retained = found.found.filter(({ retainedUntil }) => retainedUntil !== null).length
  pruned.frozen = found.frozen
  const { only } = pass
  if (only === null && isMassDelete(found, due)) {
    pruned.asked = await askFirst(context, corner, { found, due })
    return
  }
  if (only === null) await closeQuestion(context, corner)
  const chosen = only === null ? due : due.filter(({ copy }) => only.has(copy.id))
  await deleteAll(context, corner, { found, chosen, pass, pruned })
}

/** What can be deleted now, oldest first: whatever stops the pass, the newer ones are still there. */
export function dueIn({ found }: Survey): Surveyed[] {
  return found
    .filter(({ judgement, retainedUntil }) => !judgement.keep && retainedUntil === null)
    .toSorted((a, b) => a.copy.createdAt - b.copy.createdAt)
}

/** A pin that a place was not told of, because it was away or got its copy later, is written there now. */
async function markPins(context: EngineContext, { unmarked }: Survey, signal: AbortSignal): Promise<void> {
  for (const copy of unmarked) {
    const { pin } = copy
    if (pin) await context.database.write((tx) => writePin(context, tx, [copy], pin))
  }
  await settlePins(context, signal)
}

interface Deletion {
  found: Survey
  chosen: Surveyed[]
  pass: Pass
  pruned: Pruned
}

async function deleteAll(
  context: EngineContext,
  corner: Corner,
  { found, chosen, pass, pruned }: Deletion,
): Promise<void> {
  const { strategy, storage } = corner
  const going = new Set(chosen.map(({ copy }) => copy.id)) // of a database that is gone, the newest goes too
  const floor = floorOf(found.candidates, found.policy).flatMap(({ id }) => (going.has(id) ? [] : [id]))
  for (const { copy, judgement } of chosen) {
    pass.signal.throwIfAborted()
    if (!(await isGoodStill(context, storage, floor))) return // the next pass judges what is true then
    if (await isNeeded(context, copy.id)) continue
    const isGone = await removeBackup(context, storage, {
      copy,
      reason: judgement.reason,
      signal: pass.signal,
    })
    if (!isGone) {
      pruned.retained += 1
      continue
    }
    pruned.deleted.push(judgement)
    pass.onDeleted?.(pruned.deleted.length)
    context.bus.emit({
      type: 'backup.deleted',
      strategy: strategy.name,
      backup: copy.id,
      storage: storage.name,
      reason: judgement.reason,
    })
  }
}

/** A verification may have found one of those that are to stay broken since they were judged. */
async function isGoodStill(
  { database }: EngineContext,
  storage: Storage,
  floor: readonly string[],
): Promise<boolean> {
  const rows = await database.read
    .selectFrom('backups')
    .select('id')
    .where('storage', '=', storage.name)
    .where('id', 'in', floor)
    .where('corrupt', 'is', null)
    .execute()
  return rows.length === floor.length
}

/** Pinned since it was judged, or being read by a restore or a verification. */
async function isNeeded({ database, clock }: EngineContext, backup: string): Promise<boolean> {
  if (isPinned(await findPin(database.read, backup), clock.now())) return true
  return (await openRuns(database.read)).some(({ params }) => params.backup === backup)
}

/** Manifest first, then the dump, then the rest: a crash in between leaves an orphan, never a ghost (promise 6).
 * @returns false when the place retains it: then all of it is still there */
async function removeBackup(
  context: EngineContext,
  storage: Storage,
  { copy, reason, signal }: { copy: Copy; reason: string; signal: AbortSignal },
): Promise<boolean> {
  const folder = folderOf(copy)
  if (!(await isRemoved(storage, folder + manifestName, signal))) return false
  await context.database.write(async (tx) => {
    await forgetCopy(tx, copy.id, copy.storage)
    await forgetPin(tx, copy.id)
    const ground = reason.replace(/ \([^()]*\)$/, '') // its age then says nothing more
    await noteDeletion(tx, { ...copy, reason: ground, at: context.clock.now() })
  })
  const objects = objectsOf(copy.manifest).map(({ key }) => key)
  const rest: string[] = []
  for await (const { key } of listAll(storage, folder, signal)) if (!objects.includes(key)) rest.push(key)
  for (const key of [...objects, ...rest]) await isRemoved(storage, key, signal)
  return true
}

async function isRemoved(storage: Storage, key: string, signal: AbortSignal): Promise<boolean> {
  try {
    await storage.remove(key, signal)
    return true
  } catch (error) {
    if (asFault(error).code === 'object-retained') return false
    throw error
  }
}
