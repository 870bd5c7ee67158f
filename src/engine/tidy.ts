import { asFault } from '../core/faults.ts'
import { manifestName, parseBackupId } from '../core/keys.ts'
import { forgetCopy, listCopies, saveCopy } from '../state/catalogue.ts'
import { openRuns } from '../state/runs.ts'
import type { ObjectInfo, Storage } from '../storages/storage.ts'
import { isAlive, type Identity } from '../sys/strays.ts'
import { readCopy } from './catalogue.ts'
import type { EngineContext } from './context.ts'
import { settle } from './debts.ts'
import { readMarker } from './marker.ts'
import { listAll } from './objects.ts'

const dayMs = 24 * 60 * 60_000 // what nobody finished within a day is nobody's; it may be another installation's until then

/** Brings a place and the catalogue together after a crash: unfinished uploads and dumps without manifest go, a backup whose
 * ledger entry was lost counts, one whose manifest is gone does not. Loud when it fails, never the start's failure. */
export async function tidyPlace(context: EngineContext, storage: Storage): Promise<void> {
  const signal = AbortSignal.timeout(5 * 60_000)
  const begun = context.clock.now()
  try {
    const others = (await openRuns(context.database.read)).some(
      ({ kind, holder }) => ['backup', 'copy'].includes(kind) && holder && isAlive(holder),
    )
    if (others) return // another living process on this state is writing: its objects look unfinished
    const marker = await readMarker(storage, signal)
    if (!marker) return // empty, or another disk is mounted: nothing follows from what it does not hold
    const isOurs = marker.installation === context.installation
    await storage.sweep({ olderThan: isOurs ? begun : begun - dayMs, isOurs: isInBackup }, signal)
    for (const { name } of context.config.strategies)
      await tidyStrategy(context, { storage, strategy: name, begun, isOurs, signal })
  } catch (error) {
    context.log.warn('a storage could not be tidied', {
      storage: storage.name,
      error: asFault(error).message,
    })
  }
}

interface Corner {
  storage: Storage
  strategy: string
  /** When tidying began; what ended since may have been listed half. */
  begun: number
  /** The place's marker names this installation. */
  isOurs: boolean
  signal: AbortSignal
}

async function tidyStrategy(context: EngineContext, corner: Corner): Promise<void> {
  const { storage, strategy, signal } = corner
  const filter = { strategies: [strategy], storage: storage.name }
  // before the place is listed: what is stored meanwhile was not known, and is not missed
  const known = new Set((await listCopies(context.database.read, filter)).map(({ id }) => id))
  const folders = new Map<string, ObjectInfo[]>()
  for await (const object of listAll(storage, `${strategy}/`, signal)) {
    const folder = object.key.slice(0, object.key.lastIndexOf('/') + 1)
    const id = folder.split('/').at(-2) ?? ''
    if (parseBackupId(id)?.strategy === strategy)
      folders.set(folder, [...(folders.get(folder) ?? []), object])
  }
  const whole = new Set(
    [...folders.values()].flatMap((objects) => (hasManifest(objects) ? [idOf(objects)] : [])),
  )
  for (const id of known) if (!whole.has(id)) await forget(context, corner, id)
  for (const objects of folders.values())
    if (!hasManifest(objects)) await removeOrphan(context, corner, objects)
    else if (!known.has(idOf(objects))) await adopt(context, corner, objects)
}

/** As every key that we put but a few small objects at the root. */
const isInBackup = (key: string): boolean => parseBackupId(key.split('/').at(-2) ?? '') !== null

const hasManifest = (objects: ObjectInfo[]): boolean =>
  objects.some(({ key }) => key.endsWith(`/${manifestName}`))
const idOf = (objects: ObjectInfo[]): string => objects[0]!.key.split('/').at(-2)!

/** A crash between the removal of a manifest and the ledger's entry must leave no ghost in the list (promise 6). */
async function forget(context: EngineContext, { storage }: Corner, id: string): Promise<void> {
  context.log.warn('a backup is no longer in its storage', { backup: id, storage: storage.name })
  await context.database.write((tx) => forgetCopy(tx, id, storage.name))
}

/** A whole manifest is a commit: the backup counts although its run was cut off. */
async function adopt(
  context: EngineContext,
  { storage, signal }: Corner,
  objects: ObjectInfo[],
): Promise<void> {
  const broken: { key: string; why: string }[] = []
  const copies = await readCopy(context, storage, { keys: objects.map(({ key }) => key), broken, signal })
  for (const { key, why } of broken) context.log.warn('a stored file cannot be used', { key, why })
  for (const copy of copies)
    await context.database.write(async (tx) => {
      await saveCopy(tx, copy)
      await settle(context, tx, { debt: { backup: copy.id, storage: copy.storage }, why: null })
    })
}

/** Without a manifest it never was a backup, or is none any more. It goes when a run of ours made it, or nobody finished it for long. */
async function removeOrphan(context: EngineContext, corner: Corner, objects: ObjectInfo[]): Promise<void> {
  const { storage, isOurs, signal } = corner
  const isOld = objects.every(({ modifiedAt }) => modifiedAt < context.clock.now() - dayMs)
  const at = parseBackupId(idOf(objects))!.at
  if (!(isOurs && isOld) && !(await wasMadeHere(context, corner, at))) return
  const { key: one } = objects[0]!
  const manifest = one.slice(0, one.lastIndexOf('/') + 1) + manifestName
  if (await storage.head(manifest, signal)) return // it came while we looked
  for (const { key } of objects) await storage.remove(key, signal)
}

async function wasMadeHere(
  context: EngineContext,
  { strategy, begun }: Corner,
  at: number,
): Promise<boolean> {
  const runs = await context.database.read
    .selectFrom('runs')
    .select(['holder', 'ended_at'])
    .where('strategy', '=', strategy)
    .where('kind', '=', 'backup')
    .where('started_at', '<', at + 1_000) // an id is precise to the second
    // when the clock went back after the crash, the end says nothing
    .where((e) =>
      e.or([
        e('ended_at', '>=', at),
        e('ended_at', '<', e.ref('started_at')),
        e('state', 'in', ['queued', 'running']), // it goes on, and sends everything again
      ]),
    )
    .execute()
  const lives = runs.some(({ holder, ended_at: endedAt }) =>
    endedAt === null
      ? holder !== null && isAlive(JSON.parse(holder) as Identity)
      : endedAt >= begun && endedAt <= context.clock.now(),
  )
  return runs.length > 0 && !lives
}
