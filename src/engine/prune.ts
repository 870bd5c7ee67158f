import type { Strategy } from '../core/config.ts'
import { backupFolder, manifestName } from '../core/keys.ts'
import { judge, type Judgement } from '../core/retention.ts'
import { expectedMaxAge } from '../core/schedule.ts'
import { forgetCopy, listCopies, type Copy } from '../state/catalogue.ts'
import type { Storage } from '../storages/storage.ts'
import { storageOf, type EngineContext } from './context.ts'
import { listAll } from './objects.ts'

/** Deletes what retention lets go, in each place of one series. Loud when it fails, never the backup's failure.
 * @returns what was deleted, with the reasons */
export async function prune(
  context: EngineContext,
  strategy: Strategy,
  series: string,
  signal: AbortSignal,
): Promise<{ storage: string; judgement: Judgement }[]> {
  const deleted: { storage: string; judgement: Judgement }[] = []
  for (const name of strategy.storages) {
    const storage = storageOf(context, name)
    const copies = await listCopies(context.database.read, {
      strategies: [strategy.name],
      series,
      storage: name,
    })
    const circumstances = {
      now: context.clock.now(),
      intervalMs: expectedMaxAge(strategy.schedule, strategy.timezone, context.clock.now()),
      listed: await allListed(storage, copies, signal),
    }
    const candidates = copies.map((copy) => ({
      id: copy.id,
      createdAt: copy.createdAt,
      good: copy.corrupt === null,
      foreign: copy.foreign,
    }))
    for (const judgement of judge(candidates, strategy.retention, circumstances).filter(
      ({ keep }) => !keep,
    )) {
      await removeBackup(
        context,
        storage,
        copies.find((copy) => copy.id === judgement.id)!,
        signal,
      )
      context.bus.emit({
        type: 'backup.deleted',
        strategy: strategy.name,
        backup: judgement.id,
        storage: name,
        reason: judgement.reason,
      })
      deleted.push({ storage: name, judgement })
    }
  }
  return deleted
}

/** The catalogue may be wrong about what is there: before anything goes, the newest good ones must really be there. */
async function allListed(storage: Storage, copies: readonly Copy[], signal: AbortSignal): Promise<boolean> {
  try {
    const newest = copies.filter((copy) => copy.corrupt === null && !copy.foreign).slice(0, 2)
    const found = await Promise.all(newest.map((copy) => storage.head(folderOf(copy) + manifestName, signal)))
    return found.every((info) => info !== null)
  } catch {
    return false // judged as frozen, which says why
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
