import type { Strategy } from '../core/config.ts'
import { asFault } from '../core/faults.ts'
import { backupFolder, manifestName } from '../core/keys.ts'
import { judge, type Judgement } from '../core/retention.ts'
import { expectedMaxAge } from '../core/schedule.ts'
import { forgetCopy, listCopies, type Copy } from '../state/catalogue.ts'
import type { Storage } from '../storages/storage.ts'
import { storageOf, type EngineContext } from './context.ts'
import { requireKnown } from './marker.ts'
import { listAll } from './objects.ts'

export interface Pruned {
  storage: string
  deleted: Judgement[]
  /** Why nothing was deleted although some were old enough; null when nothing was held back. */
  frozen: string | null
}

/** Deletes what retention lets go, in each place of one series. Loud when it fails, never the backup's failure.
 * @throws Fault storage-… */
export async function prune(
  context: EngineContext,
  strategy: Strategy,
  series: string,
  signal: AbortSignal,
): Promise<Pruned[]> {
  if (strategy.retention === null) return []
  const pruned: Pruned[] = []
  for (const name of strategy.storages)
    pruned.push(await prunePlace(context, { strategy, series, storage: storageOf(context, name) }, signal))
  return pruned
}

/** Prunes every series that the strategy has backups of. @returns how many backups went */
export async function pruneAll(
  context: EngineContext,
  strategy: Strategy,
  signal: AbortSignal,
): Promise<number> {
  const copies = await listCopies(context.database.read, { strategies: [strategy.name] })
  let deleted = 0
  for (const series of new Set(copies.map((copy) => copy.series)))
    for (const place of await prune(context, strategy, series, signal)) deleted += place.deleted.length
  return deleted
}

interface Corner {
  strategy: Strategy
  series: string
  storage: Storage
}

async function prunePlace(context: EngineContext, corner: Corner, signal: AbortSignal): Promise<Pruned> {
  const { strategy, series, storage } = corner
  const copies = await listCopies(context.database.read, {
    strategies: [strategy.name],
    series,
    storage: storage.name,
  })
  const { there, failure } = await manifestsIn(storage, strategy.name, signal)
  const now = context.clock.now()
  const candidates = copies.map((copy) => ({
    id: copy.id,
    createdAt: copy.createdAt,
    good: copy.corrupt === null && there.has(copy.id), // the catalogue may be wrong about what is there
    foreign: copy.foreign,
  }))
  const judgements = judge(candidates, strategy.retention, {
    now,
    timezone: strategy.timezone,
    intervalMs: expectedMaxAge(strategy.schedule, strategy.timezone, now),
    listed: failure === null,
  })
  const deleted = judgements.filter(({ keep }) => !keep)
  for (const judgement of deleted) {
    const copy = copies.find(({ id }) => id === judgement.id)!
    await removeBackup(context, storage, copy, signal)
    const { id: backup, reason } = judgement
    context.bus.emit({
      type: 'backup.deleted',
      strategy: strategy.name,
      backup,
      storage: storage.name,
      reason,
    })
  }
  const { maxAgeMs } = strategy.retention!
  const isOld = candidates.some(({ createdAt }) => maxAgeMs !== null && now - createdAt > maxAgeMs)
  const frozen = judgements.find(({ reason }) => reason.startsWith('frozen'))?.reason ?? null
  return {
    storage: storage.name,
    deleted,
    frozen: isOld && frozen ? [frozen, failure].filter(Boolean).join(': ') : null,
  }
}

/** Which backups have a manifest there now. */
async function manifestsIn(
  storage: Storage,
  strategy: string,
  signal: AbortSignal,
): Promise<{ there: Set<string>; failure: string | null }> {
  const there = new Set<string>()
  try {
    await requireKnown(storage, signal)
    for await (const { key } of listAll(storage, `${strategy}/`, signal))
      if (key.endsWith(`/${manifestName}`)) there.add(key.split('/').at(-2)!)
    return { there, failure: null }
  } catch (error) {
    signal.throwIfAborted()
    return { there, failure: asFault(error).message } // judged as frozen, and said
  }
}

/** Manifest first, then the dump: a crash in between leaves an orphan, never a ghost (promise 6). */
async function removeBackup(
  context: EngineContext,
  storage: Storage,
  copy: Copy,
  signal: AbortSignal,
): Promise<void> {
  const folder = folderOf(copy)
  await storage.remove(folder + manifestName, signal)
  await context.database.write((tx) => forgetCopy(tx, copy.id, copy.storage))
  const rest: string[] = []
  for await (const object of listAll(storage, folder, signal)) rest.push(object.key)
  for (const key of rest) await storage.remove(key, signal)
}

/** Where a catalogued backup lies: its artifacts' folder, as the manifest says. */
export function folderOf(copy: Pick<Copy, 'id' | 'series' | 'manifest'>): string {
  const key = copy.manifest.artifacts[0]?.key
  return key
    ? key.slice(0, key.lastIndexOf('/') + 1)
    : backupFolder(copy.id, { name: copy.series, sole: true })
}
