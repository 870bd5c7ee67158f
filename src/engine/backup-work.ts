import { constants, copyFile, link, rm } from 'node:fs/promises'
import { listCopies, newestGood, saveCopy, saveOdd } from '../state/catalogue.ts'
import { oweCopy } from '../state/owed.ts'
import type { Write } from '../state/database.ts'
import type { Strategy } from '../core/config.ts'
import { asFault, Fault } from '../core/faults.ts'
import type { Manifest } from '../core/model.ts'
import { keptFor, retentionIn } from '../core/retention.ts'
import { objectsOf } from '../core/stored-objects.ts'
import type { Run } from '../state/runs.ts'
import { fileFault, hasErrno } from '../sys/files.ts'
import { backupOnce, engineName, sendWhole, type Stored } from './backup.ts'
import { copyOf } from './catalogue.ts'
import { runFolder, storageOf, type EngineContext } from './context.ts'
import { keySetOf, requireDecryptTest } from './decrypt-test.ts'
import { firstRetryMs } from './debts.ts'
import { dropKept, forgetKept, freeTempRoom, keepDump, KeptFault } from './kept.ts'
import { writePin } from './pins.ts'
import { spoolPath } from './pipeline.ts'
import { scopeOf } from './series-scope.ts'
import { judgeBackup } from './suspicion.ts'
import { readWhole, removeWhole, writeWhole, type WholeDump } from './whole.ts'
import type { Work, WorkResult } from './work.ts'

/** A backup: from a new dump, or from one that is there already; then what its end writes.
 * @param prune  lets old backups go once this one counts */
export async function backupWork(
  context: EngineContext,
  work: Work,
  prune: (manifest: Manifest, stopping: AbortSignal) => Promise<void>,
): Promise<WorkResult> {
  const { strategy, run } = work
  const { manifest, result } = await storedBy(context, work)
  const policies = result.storages.map((name) => retentionIn(strategy, name))
  const kept = keptFor(policies, Date.parse(manifest.startedAt))
  const backup = {
    ...result,
    keepsUntil: kept.until,
    ...(kept.by !== null && { keepsBy: kept.by }),
    sizeChange: await sizeChange(context, manifest),
    ...(await judgeBackup(context, strategy, { manifest, result })),
  }
  return {
    result: { backup },
    outcome: result.owed.length > 0 ? 'degraded' : 'succeeded',
    commit: async (tx) => {
      for (const name of result.storages)
        await saveCopy(tx, copyOf(context, storageOf(context, name), manifest))
      if (backup.odd) await saveOdd(tx, manifest.id, backup.odd)
      await pinNew(context, tx, { run, manifest, storages: result.storages })
      await oweAll(context, tx, { manifest, owed: result.owed })
    },
    after: async (signal) => {
      context.bus.emit({
        type: 'backup.stored',
        run: run.id,
        strategy: strategy.name,
        backup: manifest.id,
        storedBytes: manifest.storedBytes,
        rawBytes: manifest.rawBytes,
      })
      await dropKept(context, { of: scopeOf(context, manifest) })
      await prune(manifest, signal)
    },
  }
}

/** `run --pin`. */
async function pinNew(
  context: EngineContext,
  tx: Write,
  { run, manifest, storages }: { run: Run; manifest: Manifest; storages: string[] },
): Promise<void> {
  if (run.params.pin === undefined) return
  const copies = storages.map((storage) => ({ id: manifest.id, storage }))
  await writePin(context, tx, copies, { until: null, note: run.params.pin || null, by: run.actor })
}

async function oweAll(
  context: EngineContext,
  tx: Write,
  { manifest, owed }: { manifest: Manifest; owed: Stored['result']['owed'] },
): Promise<void> {
  const since = context.clock.now()
  for (const { storage, why } of owed)
    await oweCopy(tx, {
      backup: manifest.id,
      storage,
      since,
      tries: 0,
      retryAt: since + firstRetryMs,
      why,
    })
}

async function storedBy(context: EngineContext, work: Work): Promise<Stored> {
  const found = await findWhole(context, work.run)
  if (found) {
    const { whole } = found
    try {
      await requireDecryptTest(context, work.strategy)
      await refuseOtherKeys(context, work.strategy, whole)
      await takeOver(context, work.run, found)
      await work.change({ engine: engineName(whole.manifest), series: whole.manifest.series })
      return await sendWhole(context, work, whole)
    } catch (error) {
      const isOfNoUse = error instanceof OtherKeys || asFault(error).code === 'object-corrupt'
      if (!isOfNoUse || error instanceof KeptFault) throw await stillKept(context, work, { whole, error })
      context.logs.append(work.run.id, `${asFault(error).message}; dumping again`)
      await removeWhole(work.folder, whole)
    }
  }
  const last = await newestGood(context.database.read, scopeOf(context, work.run), null)
  await freeTempRoom(context, (last?.manifest.storedBytes ?? 0) * roomFactor)
  await work.before()
  return backupOnce(context, {
    ...work,
    onEngine: (engine, series) => work.change({ engine, series: series.name }),
  })
}

/** A dump that was kept by another run goes once a new one is stored: until then somebody may take the change back. */
class OtherKeys extends Fault {}

/** What is stored from now on is for the keys of now (promise 16), so a dump from before they were changed is not.
 * @throws OtherKeys */
async function refuseOtherKeys(
  context: EngineContext,
  { name, encryption }: Strategy,
  whole: WholeDump,
): Promise<void> {
  const now = encryption ? await keySetOf(context, encryption) : undefined
  if (whole.keys === now) return
  throw new OtherKeys('stale', `the encryption of ${name} was changed since this dump was made`)
}

const roomFactor = 1.2 // what the next dump may have grown by

interface Found {
  whole: WholeDump
  /** Whose folder holds it; null = this run's own. */
  keptBy: string | null
}

/** The whole dump that this run is to send: its own, from before a crash, or the kept one that Retry is for. */
async function findWhole(context: EngineContext, run: Run): Promise<Found | null> {
  const own = await readWhole(runFolder(context, run.id))
  if (own) return { whole: own, keptBy: null }
  const keptBy = run.params.kept
  const kept = keptBy === undefined ? null : await readWhole(runFolder(context, keptBy))
  return kept && { whole: { ...kept, run: run.id, until: null, resumes: 0 }, keptBy: keptBy! }
}

async function takeOver(context: EngineContext, run: Run, { whole, keptBy }: Found): Promise<void> {
  if (keptBy === null) return
  const [from, folder] = [runFolder(context, keptBy), runFolder(context, run.id)]
  // whenever we die, at least one of the two folders holds all spools and says so
  for (const { name } of objectsOf(whole.manifest))
    await linkOrCopy(spoolPath(from, name), spoolPath(folder, name))
  await writeWhole(folder, whole)
  await rm(from, { recursive: true, force: true })
  await forgetKept(context, keptBy)
}

/** Some file systems have no hard links, or allow them for some files only. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (!hasErrno(error, 'EXDEV', 'EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK')) throw error
    await copyFile(from, to, constants.COPYFILE_EXCL)
  }
}

/** Whatever ends a run before a place was asked, its dump is as good as before: only who cancels wants none of it. */
async function stillKept(
  context: EngineContext,
  { run, folder, signal }: Work,
  { whole, error }: { whole: WholeDump; error: unknown },
): Promise<unknown> {
  if (error instanceof KeptFault) return error
  const fault = asFault(signal.aborted ? signal.reason : fileFault(error, 'the dump could not be sent'))
  const isUnwanted = ['cancelled', 'storage-exists'].includes(fault.code) // that object will be there next time, too
  if (isUnwanted || !(await readWhole(folder))) return error // what was not taken over is still the other run's
  return keepDump(context, run, { whole, fault })
}

/** Stored size against the previous backup of the series. */
async function sizeChange(context: EngineContext, manifest: Manifest): Promise<number | null> {
  const copies = await listCopies(context.database.read, {
    strategies: [manifest.strategy],
    series: manifest.series,
    limit: 20,
  })
  const previous = copies.find(({ id }) => id !== manifest.id)?.manifest.storedBytes ?? 0
  return previous > 0 ? manifest.storedBytes / previous - 1 : null
}
