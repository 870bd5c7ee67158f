import type { Strategy } from '../core/config.ts'
import { asFault, Fault } from '../core/faults.ts'
import { backupFolder, backupId } from '../core/keys.ts'
import type { EncryptionFacts } from '../core/encryption.ts'
import type { Artifact, BackupResult, Manifest, Series, TableRows } from '../core/model.ts'
import type { Inspection, Source } from '../sources/source.ts'
import { objectsOf } from '../core/stored-objects.ts'
import { newestGood } from '../state/catalogue.ts'
import type { Run } from '../state/runs.ts'
import type { SeriesRef } from '../state/series.ts'
import { encryptionFacts } from './chain.ts'
import { openSource, type EngineContext } from './context.ts'
import { spoolDetails, type Details, type DetailsPart } from './details.ts'
import { keySetOf, requireDecryptTest } from './decrypt-test.ts'
import { dumpAll, type Part } from './dump.ts'
import { keepDump } from './kept.ts'
import { buildManifest } from './manifest.ts'
import { createPlaces, type Places } from './places.ts'
import type { Pulse } from './pulse.ts'
import { databaseOfSeries, isWholeServer, scopeOf } from './series-scope.ts'
import { openWhole, writeWhole, type WholeDump } from './whole.ts'

export interface Attempt {
  run: Run
  strategy: Strategy
  folder: string
  pulse: Pulse
  signal: AbortSignal
  /** As in Work. */
  warnings?: readonly string[]
  /** The source told what it is. */
  onEngine: (engine: string, series: Pick<Series, 'name'>) => Promise<void>
}

export interface Stored {
  manifest: Manifest
  /** Its places have the whole backup; what is owed is not there. */
  result: Omit<BackupResult, 'keepsUntil' | 'sizeChange'>
}

/** One attempt of the walk: source → filters → spool → proof ‖ places → manifest in each place that took the dump.
 * After a fault nothing of it is visible in any place; a dump that no place took stays in the run's folder.
 * @throws Fault decrypt-untested · dump-failed · dump-empty · proof-failed · database-… · disk-full · KeptFault when no place took it */
export async function backupOnce(context: EngineContext, attempt: Attempt): Promise<Stored> {
  await requireDecryptTest(context, attempt.strategy)
  const { run, strategy, folder } = attempt
  const of = databaseOfSeries(strategy, run)
  const source = await openSource(context, strategy, { id: run.id, folder, ...of })
  const places = createPlaces(context, { ...attempt, isAgain: false })
  try {
    await places.open()
    const [series] = isWholeServer(strategy) ? [seriesOfRun(run)] : await source.series(attempt.signal)
    if (!series) throw new Fault('database-missing', 'the source has no database to back up')
    const inspection = await source.inspect(series, attempt.signal)
    await attempt.onEngine(engineName(inspection), series)
    return await walk(context, { ...attempt, source, places, series, inspection })
  } catch (error) {
    await places.removeAll(error)
    throw error
  } finally {
    await source.close()
  }
}

/** One of many, as the list had it. */
function seriesOfRun({ strategy, series, params }: Run): Series {
  return { strategy, name: series, sole: false, ...(params.globals && { globals: true }) }
}

interface Walk extends Attempt {
  source: Source
  places: Places
  series: Series
  inspection: Inspection
}

async function walk(context: EngineContext, step: Walk): Promise<Stored> {
  const startedAt = context.clock.now()
  const begun = context.clock.monotonic()
  const id = backupId(step.strategy.name, startedAt, () => context.clock.random())
  const into = backupFolder(id, step.series)
  const parts: Part[] = []
  let details: DetailsPart | null = null
  try {
    const tools = toolsFor(context, step)
    const encryption = await encryptionFacts(context.filters, step.strategy.encryption, tools)
    const keys = step.strategy.encryption && (await keySetOf(context, step.strategy.encryption))
    await dumpAll(context, step, { folder: into, parts })
    await refuseEmpty(step, parts)
    const tables = step.strategy.prove ? parts.flatMap(({ proof }) => proof?.tables ?? []) : null
    if (encryption) details = await sendDetails(context, step, { id, into, tables })
    const whole: WholeDump = {
      schema: 1,
      run: step.run.id,
      manifest: await manifestOf(context, step, { id, startedAt, parts, tables, details, encryption }),
      warnings: [...(step.warnings ?? []), ...step.inspection.warnings].map(context.scrub),
      ...(keys !== null && { keys }),
      counted: tables && totalsOf(tables),
      dumpMs: Math.round(parts.reduce((sum, part) => sum + part.dumpMs, 0)),
      at: context.clock.now(),
      until: null,
      resumes: 0,
    }
    await writeWhole(step.folder, whole)
    return await settle(context, step, { whole, begun })
  } finally {
    for (const { spool } of parts) await spool.close()
    await details?.spool.close()
  }
}

function toolsFor(context: EngineContext, { run, folder, signal }: Attempt) {
  const said = (tool: string, line: string): void => context.logs.append(run.id, `${tool}: ${line}`)
  return { processes: context.processes, running: { signal, runId: run.id, said }, folder }
}

async function sendDetails(
  context: EngineContext,
  step: Walk,
  { id, into, tables }: { id: string; into: string; tables: TableRows[] | null },
): Promise<DetailsPart> {
  const details: Details = { schema: 1, backup: id, tables, strategyConfig: step.strategy.redacted }
  const part = await spoolDetails(context, { ...step, tools: toolsFor(context, step) }, { details, into })
  step.places.send(part.artifact.key, part.spool)
  return part
}

/** Sends the whole dump that an earlier run or process left in this run's folder: the same backup, not dumped again.
 * @throws Fault object-corrupt when it is not what was written · KeptFault when no place took it */
export async function sendWhole(
  context: EngineContext,
  attempt: Omit<Attempt, 'onEngine'>,
  whole: WholeDump,
): Promise<Stored> {
  const begun = context.clock.monotonic()
  const { manifest } = whole
  const spools = await openWhole(context, attempt.folder, { ...attempt, whole })
  const places = createPlaces(context, { ...attempt, isAgain: true })
  try {
    attempt.pulse.stage('upload')
    for (const { name, key } of objectsOf(manifest)) places.send(key, spools.get(name)!)
    return await settle(context, { ...attempt, places }, { whole, begun })
  } catch (error) {
    await places.removeAll(error)
    throw error
  } finally {
    for (const spool of spools.values()) await spool.close()
  }
}

/** The dump is whole and proved: now each place has its own end, and together they are the backup's. */
async function settle(
  context: EngineContext,
  step: Omit<Attempt, 'onEngine'> & { places: Places },
  { whole, begun }: { whole: WholeDump; begun: number },
): Promise<Stored> {
  step.pulse.rest()
  step.pulse.stage('upload')
  const placed = await step.places.commit(whole.manifest)
  if (step.signal.aborted && asFault(step.signal.reason).code === 'cancelled')
    throw step.signal.reason as Error
  const owed = placed.flatMap((place) => {
    const fault = place.fault()
    return fault ? [{ storage: place.storage.name, why: context.scrub(fault.message), fault }] : []
  })
  if (owed.length === placed.length) throw await nobodyTook(context, step, { whole, fault: owed[0]!.fault })
  const uploadMs = Math.round(context.clock.monotonic() - begun)
  const had = placed.filter((place) => !place.fault()).map(({ storage }) => storage.name)
  return { manifest: whole.manifest, result: resultOf(whole, { uploadMs, storages: had, owed }) }
}

/** An object of the same name that is not ours will be there next time, too: then only a new dump, with a new name, helps. */
async function nobodyTook(
  context: EngineContext,
  { run, signal }: Pick<Attempt, 'run' | 'signal'>,
  { whole, fault }: { whole: WholeDump; fault: Fault },
): Promise<Fault> {
  if (fault.code === 'storage-exists') return fault
  const why = signal.aborted ? asFault(signal.reason) : fault
  return keepDump(context, run, { whole, fault: why })
}

function resultOf(
  { manifest, counted, warnings, dumpMs }: WholeDump,
  placed: { uploadMs: number; storages: string[]; owed: { storage: string; why: string }[] },
): Stored['result'] {
  const totals = manifest.tables ? totalsOf(manifest.tables) : counted
  return {
    id: manifest.id,
    storedBytes: manifest.storedBytes,
    rawBytes: manifest.rawBytes,
    level: manifest.level,
    ...(manifest.provedAtDump && { provedAtDump: true }),
    tables: totals?.tables ?? null,
    rows: totals?.rows ?? null,
    ...placed,
    owed: placed.owed.map(({ storage, why }) => ({ storage, why })),
    dumpMs,
    warnings,
  }
}

function totalsOf(tables: readonly TableRows[]): { tables: number; rows: number } {
  return { tables: tables.length, rows: tables.reduce((sum, table) => sum + table.rows, 0) }
}

interface Made {
  id: string
  startedAt: number
  parts: Part[]
  tables: TableRows[] | null
  details: DetailsPart | null
  encryption: EncryptionFacts | null
}

async function manifestOf(
  context: EngineContext,
  step: Walk,
  { id, startedAt, parts, tables, details, encryption }: Made,
): Promise<Manifest> {
  const stored = async (object: Omit<Artifact, 'storedBytes' | 'sha256'>): Promise<Artifact> => {
    const { bytes: storedBytes, sha256 } = await step.places.digest(object.key)
    return { ...object, storedBytes, sha256 }
  }
  const artifacts: Artifact[] = []
  for (const { name, key, filters, proof } of parts)
    artifacts.push(await stored({ name, key, rawBytes: proof?.rawBytes ?? null, filters }))
  const previous = await newestGood(context.database.read, scopeOf(context, seriesRef(step)), null, startedAt)
  return buildManifest(context, {
    ...step,
    id,
    startedAt,
    previousAt: previous?.createdAt ?? null,
    artifacts,
    tables,
    objects: objectsIn(parts),
    encryption,
    details: details && (await stored(details.artifact)),
  })
}

function seriesRef({ strategy, series }: Walk): SeriesRef {
  return { strategy: strategy.name, series: series.name }
}

/** Schema objects of all parts, by kind; absent when one was not counted. */
function objectsIn(parts: readonly Part[]): Record<string, number> | undefined {
  const all: Record<string, number> = {}
  for (const { proof } of parts) {
    if (!proof?.objects) return undefined
    for (const [kind, count] of Object.entries(proof.objects)) all[kind] = (all[kind] ?? 0) + count
  }
  return all
}

const smallestBytes = 64 // no dump with a table is as small, however well it is compressed

/** @throws Fault dump-empty */
async function refuseEmpty({ inspection, strategy }: Walk, parts: Part[]): Promise<void> {
  const sizes = await Promise.all(parts.map(({ spool }) => spool.size()))
  const isEmpty = strategy.prove
    ? parts.every(({ proof }) => proof?.tables.length === 0)
    : sizes.every((bytes) => bytes < smallestBytes)
  if (!inspection.hasTables || !isEmpty) return
  throw new Fault('dump-empty', 'the dump holds no table although the database has some', {
    hint: 'check `options` (schemas, tables) and the rights of the backup user',
  })
}

/** e.g. `PostgreSQL 16`: the major only, as people say it. */
export function engineName({ engine: { name, serverVersion } }: Pick<Manifest, 'engine'>): string {
  return `${name} ${serverVersion.split('.')[0] ?? ''}`.trim()
}
