import { createHash } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { asFault, Fault } from '../core/faults.ts'
import { manifestName } from '../core/keys.ts'
import type { CopyResult } from '../core/model.ts'
import { objectsOf } from '../core/stored-objects.ts'
import { listCopies, saveCopy, type Copy } from '../state/catalogue.ts'
import { listDebts, oweCopy, postponeDebts } from '../state/owed.ts'
import { bytesSpool, createFileSpool, type FileSpool } from '../sys/spool.ts'
import { storageOf, type EngineContext } from './context.ts'
import { retryDelayMs, settle, tellWhy, weighDebt } from './debts.ts'
import { freeTempRoom } from './kept.ts'
import { requireKnown } from './marker.ts'
import { fetchVerified, listAll, readSmall, readTwice } from './objects.ts'
import { spoolPath } from './pipeline.ts'
import { createPlaced, type Placed, type Sent } from './placed.ts'
import { asSpoolFault, TempFull } from './temp-room.ts'
import { isEvidencePage } from './drill/evidence.ts'
import { condemned } from './verify.ts'
import { folderOfDump } from './whole.ts'
import type { Work, WorkResult } from './work.ts'

/** Brings a backup to a place that owes it, from a place that has it: fetched and verified whole before the first byte is put.
 * The database is not asked. @throws Fault object-corrupt when no good copy is left · storage-… */
export async function copyWork(context: EngineContext, work: Work): Promise<WorkResult> {
  const { backup = '', storage: to = '' } = work.run.params
  try {
    const weighed = await weighDebt(context, { backup, storage: to })
    if ('settled' in weighed)
      return ended(context, { backup, to, from: null, bytes: 0, dropped: weighed.settled })
    const from = await copyOver(context, work, weighed.copies)
    const bytes = from.manifest.storedBytes
    return ended(context, { backup, to, from: from.storage, bytes, dropped: null }, { ...from, storage: to })
  } catch (error) {
    if (asFault(error).code !== 'interrupted') await noteFailure(context, { backup, storage: to, error })
    throw error
  }
}

function ended(context: EngineContext, copy: CopyResult, made?: Copy): WorkResult {
  return {
    result: { copy },
    commit: async (tx) => {
      if (made) await saveCopy(tx, made)
      await settle(context, tx, { debt: { backup: copy.backup, storage: copy.to }, why: copy.dropped })
    },
  }
}

/** @returns the copy it came from */
async function copyOver(context: EngineContext, work: Work, copies: readonly Copy[]): Promise<Copy> {
  const { run, strategy, pulse, signal } = work
  const storage = storageOf(context, run.params.storage!)
  const whole = Promise.resolve()
  const place = createPlaced(context, storage, { run, strategy, pulse, signal, whole, isAgain: true })
  await place.settled() // what refuses already is not worth fetching anything
  refuse(place)
  await freeTempRoom(context, copies[0]!.manifest.storedBytes)
  const { from, spools } = await fetchBest(context, work, copies)
  try {
    pulse.rest()
    pulse.stage('upload')
    for (const { name, key, storedBytes, sha256 } of objectsOf(from.manifest))
      place.send({
        key,
        spool: spools.get(name)!,
        expected: async () => ({ bytes: storedBytes, sha256 }),
      })
    await sendSidecars(context, place, { from, signal })
    place.seal(
      textObject(folderOfDump(from.manifest) + manifestName, JSON.stringify(from.manifest, null, 2) + '\n'),
    )
    await place.settled()
    if (place.fault()) await place.takeBack()
    refuse(place)
    return from
  } finally {
    for (const spool of spools.values()) await spool.close()
  }
}

/** @throws what the place was against */
function refuse(place: Placed): void {
  const fault = place.fault()
  if (fault) throw fault
}

/** The first copy that is what its manifest says. One that is not is marked, and the next place is asked. */
async function fetchBest(
  context: EngineContext,
  work: Work,
  copies: readonly Copy[],
): Promise<{ from: Copy; spools: Map<string, FileSpool> }> {
  const whys: string[] = []
  let last: Fault | null = null
  work.pulse.stage('fetch')
  for (const copy of copies) {
    try {
      const said = (line: string): void => context.logs.append(work.run.id, line)
      return { from: copy, spools: await readTwice(() => fetchOne(context, work, copy), said) }
    } catch (error) {
      work.signal.throwIfAborted()
      if (error instanceof TempFull) throw error // it says nothing about the copy
      last = (await isListed(context, copy))
        ? await condemned(context, { ...work, copy, error })
        : new Fault('object-missing', 'it was deleted meanwhile')
      whys.push(`${copy.storage}: ${last.message}`)
    }
  }
  throw new Fault(last?.code ?? 'object-missing', `no good copy could be read (${whys.join('; ')})`)
}

async function isListed(context: EngineContext, { id, storage }: Copy): Promise<boolean> {
  return (await listCopies(context.database.read, { id, storage })).length > 0
}

async function fetchOne(
  context: EngineContext,
  { folder, pulse, signal }: Work,
  copy: Copy,
): Promise<Map<string, FileSpool>> {
  const storage = storageOf(context, copy.storage)
  const spools = new Map<string, FileSpool>()
  try {
    await requireKnown(storage, signal)
    for (const artifact of objectsOf(copy.manifest)) {
      const spool = await createFileSpool(spoolPath(folder, artifact.name), context.clock)
      spools.set(artifact.name, spool)
      const onBytes = (bytes: number): void => pulse.moved('fetch', bytes)
      await fetchVerified(storage, artifact, { into: spool, onBytes, signal })
    }
    return spools
  } catch (error) {
    for (const spool of spools.values()) {
      await spool.close()
      await unlink(spool.path)
    }
    throw asSpoolFault(error, context.config.tempDir)
  }
}

/** Pins, verdicts and what drills showed lie beside the backup, and go with it; the manifest, the commit, goes last. */
async function sendSidecars(
  context: EngineContext,
  place: Placed,
  { from, signal }: { from: Copy; signal: AbortSignal },
): Promise<void> {
  const storage = storageOf(context, from.storage)
  const folder = folderOfDump(from.manifest)
  for await (const { key } of listAll(storage, folder, signal))
    if ((key.endsWith('.json') && key !== folder + manifestName) || isEvidencePage(key))
      place.send(textObject(key, await readSmall(storage, key, signal)))
}

function textObject(key: string, text: string): Sent {
  const bytes = Buffer.from(text)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { key, spool: bytesSpool(bytes), expected: async () => ({ bytes: bytes.length, sha256 }) }
}

const aboutThePlace = ['storage-unreachable', 'storage-missing', 'storage-denied', 'disk-full', 'stalled']

/** The debt stays, and is tried again later; one that is about the place itself speaks for all that it owes. */
async function noteFailure(
  context: EngineContext,
  { backup, storage, error }: { backup: string; storage: string; error: unknown },
): Promise<void> {
  const fault = asFault(error)
  const why = context.scrub(fault.message)
  await context.database.write(async (tx) => {
    const debt = (await listDebts(tx, { backups: [backup], storage }))[0]
    if (!debt) return
    const tries = debt.tries + 1
    const retryAt = context.clock.now() + retryDelayMs(tries)
    await oweCopy(tx, { ...debt, tries, retryAt, why })
    if (aboutThePlace.includes(fault.code)) await postponeDebts(tx, storage, retryAt)
    await tellWhy(context, tx, { backup, storage, why })
  })
}
