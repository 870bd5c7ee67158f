import { unlink } from 'node:fs/promises'
import type { Strategy } from '../core/config.ts'
import { formatDuration } from '../core/duration.ts'
import { Fault } from '../core/faults.ts'
import { backupFolder, backupId, manifestName } from '../core/keys.ts'
import type { Artifact, BackupResult, Manifest, Series, TableRows } from '../core/model.ts'
import type { Inspection, Proof, Source } from '../sources/source.ts'
import { newestGood } from '../state/catalogue.ts'
import type { Run } from '../state/runs.ts'
import type { Receipt, Storage } from '../storages/storage.ts'
import type { Running } from '../sys/process.ts'
import { bytesSpool, createFileSpool, type FileSpool } from '../sys/spool.ts'
import { openSource, storageOf, type EngineContext } from './context.ts'
import { buildManifest } from './manifest.ts'
import { artifactSink, chainOf, rawInput, spoolPath, storedName, type Applied } from './pipeline.ts'
import { createPlaced, type Placed } from './placed.ts'
import type { Pulse } from './pulse.ts'
import { requireMarker } from './marker.ts'

export interface Attempt {
  run: Run
  strategy: Strategy
  folder: string
  pulse: Pulse
  signal: AbortSignal
  /** The source told what it is. */
  onEngine: (engine: string, series: Series) => Promise<void>
}

export interface Stored {
  manifest: Manifest
  result: Omit<BackupResult, 'keepsUntil' | 'sizeChange'>
}

/** One attempt of the walk: source → filters → spool → proof ‖ storages → manifest.
 * After a fault nothing of it is visible in any storage and nothing is left in the run's folder.
 * @throws Fault dump-failed · dump-empty · proof-failed · storage-… · database-… · disk-full */
export async function backupOnce(context: EngineContext, attempt: Attempt): Promise<Stored> {
  const source = openSource(context, attempt.strategy, { id: attempt.run.id, folder: attempt.folder })
  const storages = attempt.strategy.storages.map((name) => storageOf(context, name))
  try {
    for (const storage of storages) await requireMarker(context, storage, attempt.signal)
    const [series] = await source.series(attempt.signal)
    if (!series) throw new Fault('database-missing', 'the source has no database to back up')
    const inspection = await source.inspect(series, attempt.signal)
    await attempt.onEngine(engineName(inspection), series)
    return await walk(context, { ...attempt, source, series, inspection, storages })
  } finally {
    await source.close()
  }
}

interface Walk extends Attempt {
  source: Source
  series: Series
  inspection: Inspection
  storages: Storage[]
}

async function walk(context: EngineContext, step: Walk): Promise<Stored> {
  const startedAt = context.clock.now()
  const id = backupId(step.strategy.name, startedAt, () => context.clock.random())
  const folder = backupFolder(id, step.series)
  const placed = createPlaced(context, step)
  try {
    const parts = await dumpAll(context, step, folder, placed)
    if (step.inspection.hasTables && isEmpty(parts))
      throw new Fault('dump-empty', 'the dump holds no table although the database has some', {
        hint: 'check `options` (schemas, tables) and the rights of the backup user',
      })
    step.pulse.stage('manifest')
    const previous = await newestGood(context.database.read, step.strategy.name, null, startedAt)
    const previousAt = previous?.createdAt ?? null
    const manifest = buildManifest(context, { ...step, id, startedAt, previousAt, ...parts })
    for (const storage of step.storages)
      await placed.put(
        storage,
        folder + manifestName,
        bytesSpool(Buffer.from(JSON.stringify(manifest, null, 2) + '\n')),
      )
    return {
      manifest,
      result: { ...resultOf(manifest, step, parts), warnings: step.inspection.warnings.map(context.scrub) },
    }
  } catch (error) {
    await placed.removeAll()
    throw error
  }
}

const smallestBytes = 64 // no dump with a table is as small, however well it is compressed

function isEmpty({ tables, artifacts }: Parts): boolean {
  return tables === null
    ? artifacts.every(({ storedBytes }) => storedBytes < smallestBytes)
    : tables.length === 0
}

interface Parts {
  artifacts: Artifact[]
  tables: TableRows[] | null
  dumpMs: number
  uploadMs: number
}

/** Everything the source writes, artifact after artifact. */
async function dumpAll(context: EngineContext, step: Walk, folder: string, placed: Placed): Promise<Parts> {
  const parts: Parts = { artifacts: [], tables: step.strategy.prove ? [] : null, dumpMs: 0, uploadMs: 0 }
  const { type, level } = step.strategy.compression
  const chain = chainOf(type === 'none' ? [] : [type], context.filters, { level })
  step.pulse.stage('dump')
  await step.source.dump(
    step.series,
    step.inspection,
    {
      file: (name) => {
        const pass = (produce: (spool: FileSpool, running: Running) => Promise<void>): Promise<void> =>
          onePart(
            context,
            { ...step, chain, name, key: folder + storedName(name, chain) },
            placed,
            parts,
            produce,
          )
        return {
          fromProgram: (command) =>
            pass((spool, running) =>
              artifactSink(spool, chain, { processes: context.processes, running }).fromProgram(command),
            ),
          fromFile: (path) =>
            pass((spool, running) =>
              artifactSink(spool, chain, { processes: context.processes, running }).fromFile(path),
            ),
        }
      },
    },
    step.signal,
  )
  return parts
}

interface Part extends Walk {
  chain: Applied[]
  name: string
  key: string
}

/** One artifact: produced into its spool, while proof and storages read after it. */
async function onePart(
  context: EngineContext,
  part: Part,
  placed: Placed,
  parts: Parts,
  produce: (spool: FileSpool, running: Running) => Promise<void>,
): Promise<void> {
  const spool = await createFileSpool(spoolPath(part.folder, part.name), context.clock)
  const stopped = new AbortController() // ends the others as soon as one fails
  const signal = AbortSignal.any([part.signal, stopped.signal])
  const running: Running = {
    signal,
    runId: part.run.id,
    said: (tool, line) => context.logs.append(part.run.id, `${tool}: ${line}`),
  }
  const begun = context.clock.monotonic()
  const uploaded = new AbortController()
  try {
    const together = [
      dumped(spool, () => produce(spool, running)).then(() => {
        parts.dumpMs += context.clock.monotonic() - begun
        if (!part.signal.aborted) part.pulse.stage('upload')
        return uploadLimit(context, part, AbortSignal.any([signal, uploaded.signal]))
      }),
      Promise.all(part.storages.map((storage) => placed.put(storage, part.key, spool, signal))).then(
        (receipts) => {
          uploaded.abort(new Error('uploaded'))
          parts.uploadMs += context.clock.monotonic() - begun
          if (part.strategy.prove) part.pulse.stage('proof')
          return receipts
        },
      ),
      part.strategy.prove
        ? part.source.prove(
            part.name,
            rawInput(spool, part.chain, { processes: context.processes, running }),
            signal,
          )
        : null,
      watchSpool(context, spool, part.pulse, signal),
    ] as const
    const [, receipts, proof] = await allOrFirstFault(together, stopped)
    parts.artifacts.push(artifactOf(part, receipts, proof))
    if (proof && parts.tables) parts.tables.push(...proof.tables)
  } finally {
    await spool.close()
    await unlink(spool.path).catch(() => undefined)
  }
}

/** The spool ends only when its producer ended well; otherwise whoever reads it fails with the producer's fault. */
async function dumped(spool: FileSpool, produce: () => Promise<void>): Promise<void> {
  try {
    await produce()
    await spool.finish()
  } catch (error) {
    spool.fail(error)
    throw error
  }
}

/** Counted from the end of the dump, because an upload follows the dump and cannot be faster.
 * @throws Fault timed-out */
async function uploadLimit(context: EngineContext, { strategy }: Part, over: AbortSignal): Promise<void> {
  const { uploadMs } = strategy.timeout
  if (uploadMs === 0) return
  const inTime = await context.clock.sleep(uploadMs, over).then(
    () => false,
    () => true,
  )
  if (inTime) return
  throw new Fault('timed-out', `the upload took longer than its limit of ${formatDuration(uploadMs)}`, {
    hint: 'raise timeout.upload, or leave it out to have no limit',
  })
}

async function watchSpool(
  context: EngineContext,
  spool: FileSpool,
  pulse: Pulse,
  signal: AbortSignal,
): Promise<void> {
  while (!spool.ended()) {
    pulse.moved('spool', await spool.size())
    await context.clock.sleep(200, signal)
  }
  pulse.moved('spool', await spool.size())
}

/** Waits for all; at the first failure tells the others to stop, waits until they did, and throws that first one. */
async function allOrFirstFault<T extends readonly unknown[]>(
  together: T,
  stopped: AbortController,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  let first: { error: unknown } | null = null
  const noted = together.map(async (promise) => {
    try {
      return await promise
    } catch (error) {
      first ??= { error }
      stopped.abort(error)
      throw error
    }
  })
  const results = await Promise.allSettled(noted)
  if (first) throw (first as { error: unknown }).error
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as never
}

function artifactOf(part: Part, receipts: Receipt[], proof: Proof | null): Artifact {
  const [first] = receipts
  if (!first || receipts.some((receipt) => receipt.sha256 !== first.sha256 || receipt.bytes !== first.bytes))
    throw new Fault('object-corrupt', 'the storages received different bytes', {
      hint: 'check the disk that holds temp_dir',
    })
  return {
    name: part.name,
    key: part.key,
    rawBytes: proof?.rawBytes ?? null,
    storedBytes: first.bytes,
    sha256: first.sha256,
    filters: part.chain.map(({ filter }) => filter.kind),
  }
}

function resultOf(manifest: Manifest, step: Walk, parts: Parts): Omit<Stored['result'], 'warnings'> {
  return {
    id: manifest.id,
    storedBytes: manifest.storedBytes,
    rawBytes: manifest.rawBytes,
    level: manifest.level,
    tables: manifest.tables?.length ?? null,
    rows: manifest.tables?.reduce((sum, table) => sum + table.rows, 0) ?? null,
    storages: step.storages.map((storage) => storage.name),
    owed: [],
    dumpMs: Math.round(parts.dumpMs),
    uploadMs: Math.round(parts.uploadMs),
  }
}

/** e.g. `PostgreSQL 16`: the major only, as people say it. */
function engineName(inspection: Pick<Inspection, 'engine'>): string {
  const { name, serverVersion } = inspection.engine
  return `${name} ${serverVersion.split('.')[0] ?? ''}`.trim()
}
