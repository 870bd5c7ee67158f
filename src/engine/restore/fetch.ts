import { unlink } from 'node:fs/promises'
import { asFault, Fault } from '../../core/faults.ts'
import type { Artifact, Manifest } from '../../core/model.ts'
import { objectsOf } from '../../core/stored-objects.ts'
import type { RawInput, Source } from '../../sources/source.ts'
import type { Copy } from '../../state/catalogue.ts'
import type { Storage } from '../../storages/storage.ts'
import type { Running } from '../../sys/process.ts'
import { createFileSpool, type FileSpool } from '../../sys/spool.ts'
import type { EngineContext } from '../context.ts'
import { checkManifest, fromAnyPlace } from '../copies.ts'
import { readDetails, withDetails } from '../details.ts'
import { freeTempRoom } from '../kept.ts'
import { fetchUnknown, fetchVerified, readTwice } from '../objects.ts'
import { decodingChain } from '../chain.ts'
import { rawInput, spoolPath } from '../pipeline.ts'
import { asSpoolFault } from '../temp-room.ts'
import { condemned } from '../verify.ts'
import type { Work } from '../work.ts'
import type { Chosen } from './choose.ts'
import type { FoundFile } from './from.ts'
import { nextGood } from './plan.ts'

/** Everything of a backup on this disk, and known to be whole. */
export interface Fetched {
  /** With the tables that were counted now, when nobody had counted them before. */
  manifest: Manifest
  warnings: string[]
  /** The place that it came from; null: a file that no catalogue knows. */
  storage: string | null
  spools: Map<string, FileSpool>
  open(artifact: Artifact): RawInput
  /** The manifest with what an encrypted backup has in an object of its own. @throws Fault key-wrong · object-corrupt */
  readDetails(): Promise<Manifest>
}

/** Brings all of a backup here, from the first place that has a good copy. What a manifest vouches for has its digest compared;
 * anything else is decoded whole, so that in either case nothing half or wrong reaches a target (promise 12).
 * @throws Fault object-corrupt · object-missing · proof-failed · storage-… */
export async function fetchChosen(
  context: EngineContext,
  work: Work,
  { chosen, source }: { chosen: Chosen; source: Source },
): Promise<Fetched> {
  const { file, manifest } = chosen
  await freeTempRoom(context, manifest.storedBytes)
  if (!file) return fetchBackup(context, work, chosen)
  const fetched = bundle(context, work, { manifest, keys: chosen.keys })
  try {
    if (file.manifest) await fetchArtifacts(context, work, { fetched, reader: file.reader })
    else await proveStray(context, work, { fetched, file, source })
    return fetched
  } catch (error) {
    await dropSpools(fetched)
    throw error
  }
}

async function fetchBackup(
  context: EngineContext,
  work: Work,
  { copies, manifest, keys }: Chosen,
): Promise<Fetched> {
  const attempt = async (copy: Copy, storage: Storage): Promise<Fetched> => {
    const fetched = bundle(context, work, { manifest: copy.manifest, keys })
    try {
      await checkManifest(storage, copy, work.signal)
      await fetchTwice(context, work, { fetched, reader: storage })
      return fetched
    } catch (error) {
      await dropSpools(fetched)
      throw await condemned(context, { ...work, copy, error })
    }
  }
  try {
    const from = { backup: manifest.id, copies, signal: work.signal }
    const { value, passedOver, copy } = await fromAnyPlace(context, from, attempt)
    const note = passedOver.length > 0 ? [...passedOver, `it was taken from ${copy.storage}`] : []
    return { ...value, warnings: note, storage: copy.storage }
  } catch (error) {
    const fault = asFault(error)
    if (fault.code !== 'object-corrupt' && fault.code !== 'object-missing') throw error
    const hint = `nothing was changed; ${await nextGood(context, manifest)}`
    throw new Fault(fault.code, fault.message, { hint, cause: fault })
  }
}

function bundle(
  context: EngineContext,
  work: Work,
  { manifest, keys }: Pick<Chosen, 'manifest' | 'keys'>,
): Fetched {
  const spools = new Map<string, FileSpool>()
  const running: Running = {
    signal: work.signal,
    runId: work.run.id,
    said: (tool, line) => context.logs.append(work.run.id, `${tool}: ${line}`),
  }
  const tools = { processes: context.processes, running, folder: work.folder }
  return {
    manifest,
    warnings: [],
    storage: null,
    spools,
    open: ({ name, filters }) =>
      rawInput(spools.get(name)!, decodingChain(context.filters, filters, keys), tools),
    readDetails: async () => {
      const { details: artifact, id: backup } = manifest
      if (!artifact) return manifest
      const spool = spools.get(artifact.name)!
      return withDetails(manifest, await readDetails(context, { spool, artifact, backup, keys }, tools))
    },
  }
}

async function fetchTwice(...given: Parameters<typeof fetchArtifacts>): Promise<void> {
  const [context, work, { fetched }] = given
  await readTwice(
    async () => {
      await dropSpools(fetched) // of the time before
      await fetchArtifacts(...given)
    },
    (line) => context.logs.append(work.run.id, line),
  )
}

async function fetchArtifacts(
  context: EngineContext,
  work: Work,
  { fetched, reader }: { fetched: Fetched; reader: Pick<Storage, 'get'> },
): Promise<void> {
  for (const artifact of objectsOf(fetched.manifest))
    await fetchVerified(reader, artifact, await spooling(context, work, { fetched, artifact })).catch(
      (error: unknown) => {
        throw asSpoolFault(error, context.config.tempDir)
      },
    )
  fetched.manifest = await fetched.readDetails()
}

/** Nobody counted what is in it: it is decoded whole now, and what that finds is what the restore has to have in the end. */
async function proveStray(
  context: EngineContext,
  work: Work,
  { fetched, file, source }: { fetched: Fetched; file: FoundFile; source: Source },
): Promise<void> {
  const { manifest } = fetched
  const artifact = manifest.artifacts[0]!
  const sha256 = await fetchUnknown(
    file.reader,
    artifact,
    await spooling(context, work, { fetched, artifact }),
  )
  work.pulse.stage('verify')
  const raw = fetched.open(artifact)
  const { tables } = await source.prove(artifact.name, raw, work.signal, manifest.format)
  if (manifest.format !== 'sql') fetched.manifest = { ...manifest, tables }
  fetched.warnings.push(`the file has SHA-256 ${sha256}`)
}

async function spooling(
  context: EngineContext,
  work: Work,
  { fetched, artifact }: { fetched: Fetched; artifact: Artifact },
): Promise<Parameters<typeof fetchVerified>[2]> {
  const spool = await createFileSpool(spoolPath(work.folder, artifact.name), context.clock)
  fetched.spools.set(artifact.name, spool)
  return { into: spool, onBytes: (bytes) => work.pulse.moved('fetch', bytes), signal: work.signal }
}

export async function dropSpools({ spools }: Pick<Fetched, 'spools'>): Promise<void> {
  for (const spool of spools.values()) {
    await spool.close().catch(() => undefined)
    await unlink(spool.path).catch(() => undefined)
  }
  spools.clear()
}
