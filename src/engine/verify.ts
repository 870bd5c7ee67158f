import { unlink } from 'node:fs/promises'
import type { Strategy } from '../core/config.ts'
import { asFault, Fault, type FaultCode } from '../core/faults.ts'
import type { Artifact, Level, Manifest, TableRows, VerifyResult } from '../core/model.ts'
import { objectsOf } from '../core/stored-objects.ts'
import type { RawInput } from '../sources/source.ts'
import { saveVerdict, type Copy } from '../state/catalogue.ts'
import { saveRead } from '../state/reads.ts'
import type { Run } from '../state/runs.ts'
import type { Storage } from '../storages/storage.ts'
import { ToolFailure, type Running } from '../sys/process.ts'
import { createFileSpool, type FileSpool } from '../sys/spool.ts'
import { openSource, storageOf, type EngineContext } from './context.ts'
import { checkManifest, reachable } from './copies.ts'
import { requireKnown } from './marker.ts'
import { decodingChain, type PipelineTools } from './chain.ts'
import { readDetails, withDetails } from './details.ts'
import { fetchVerified, readTwice } from './objects.ts'
import { rawInput, spoolPath } from './pipeline.ts'
import { isMarkedByDrill } from './drill/marks.ts'
import type { Pulse } from './pulse.ts'
import { isAboutKeys, keysToRead } from './reading-keys.ts'
import { storeVerdict, type Mark } from './verdict.ts'

export interface VerifyStep {
  run: Run
  strategy: Strategy
  copy: Copy
  level: 'V1' | 'V2'
  /** A file with the private key or the passphrase of an encrypted one, named by a person; absent: as configured. */
  keyFile?: string | null
  folder: string
  pulse: Pulse
  signal: AbortSignal
}

/** Every copy of a backup, place after place: each is an object of its own. One good copy is enough for success;
 * the others are named, and marked when they are broken.
 * @returns isBroken: something is known against one of the others, which are not only away
 * @throws the first copy's fault when none is good */
export async function verifyBackup(
  context: EngineContext,
  step: Omit<VerifyStep, 'copy'> & { copies: readonly Copy[] },
): Promise<{ result: VerifyResult; isBroken: boolean }> {
  const warnings: string[] = []
  let isBroken = false
  let good: VerifyResult | null = null
  let first: Fault | null = null
  for (const copy of reachable(context, step.copies))
    try {
      const result = await verifyCopy(context, { ...step, copy })
      good ??= { ...result, storage: copy.storage }
    } catch (error) {
      if (step.signal.aborted) throw error
      const fault = asFault(error)
      first ??= fault
      isBroken ||= isAboutBackup(fault)
      const found = isAboutBackup(fault) ? 'is not good' : 'could not be verified'
      warnings.push(context.scrub(`the copy in ${copy.storage} ${found}: ${fault.message}`))
    }
  if (good) return { result: { ...good, ...(warnings.length > 0 && { warnings }) }, isBroken }
  throw first ?? new Fault('not-found', 'this backup is no longer in the catalogue')
}

/** Re-reads a stored copy (V1), and decodes it whole with its engine's parser (V2). One that is encrypted and cannot be read here is
 * re-read only, which the result says; with a key that a person named it is a fault. What is found is written beside the backup; a broken one is marked and no longer offered for restore.
 * @throws Fault object-corrupt · object-missing · proof-failed · storage-unreachable · key-missing · key-wrong */
export async function verifyCopy(context: EngineContext, step: VerifyStep): Promise<VerifyResult> {
  const storage = storageOf(context, step.copy.storage)
  await requireKnown(storage, step.signal)
  try {
    await checkManifest(storage, step.copy, step.signal)
    const said = (line: string): void => context.logs.append(step.run.id, line)
    const { tables, ...reached } = await readTwice(() => readAll(context, step, storage), said)
    const level = highest(reached.level, step.copy.level)
    // reading again says nothing about a dump that could not be decoded: only a decoding clears it, and after a failed drill a drill
    if (step.copy.corrupt === null || (reached.level === 'V2' && !isMarkedByDrill(step.copy)))
      await record(context, step, { level, corrupt: null, readAt: context.clock.now() })
    return {
      backup: step.copy.id,
      level: reached.level, // what was done now; the catalogue keeps the highest
      ...(reached.undecoded !== undefined && { undecoded: reached.undecoded }),
      tables: tables?.length ?? null,
      rows: tables?.reduce((sum, table) => sum + table.rows, 0) ?? null,
    }
  } catch (error) {
    throw await condemned(context, { ...step, error })
  }
}

/** What was read or decoded, and found broken, is marked; anything else says nothing about the backup.
 * @returns the fault, to be thrown */
export async function condemned(
  context: EngineContext,
  found: Pick<VerifyStep, 'run' | 'copy' | 'signal'> & { error: unknown },
): Promise<Fault> {
  const fault = asFault(found.error)
  if (isAboutBackup(fault))
    await record(context, found, {
      level: 'V0',
      corrupt: context.scrub(fault.message),
    })
  return fault
}

const aboutBackups: readonly FaultCode[] = ['object-corrupt', 'object-missing', 'proof-failed']

/** It says that a backup is not whole; any other fault says nothing about it: its place is away, or a program was killed. */
export function isAboutBackup({ code, cause }: Fault): boolean {
  const wasKilled = cause instanceof ToolFailure && cause.exitSignal !== null
  return aboutBackups.includes(code) && !wasKilled
}

interface Read {
  level: 'V1' | 'V2'
  tables: TableRows[] | null
  /** Why it was not decoded although that was wanted. */
  undecoded?: string
}

async function readAll(context: EngineContext, step: VerifyStep, storage: Storage): Promise<Read> {
  step.pulse.stage('verify')
  try {
    if (step.level === 'V2') return { level: 'V2', tables: await decodeAll(context, step, storage) }
  } catch (error) {
    if (!isAboutKeys(error) || typeof step.keyFile === 'string') throw error
    await fetchAll(step, storage)
    return { level: 'V1', tables: null, undecoded: [error.message, error.hint].filter(Boolean).join('; ') }
  }
  await fetchAll(step, storage)
  return { level: 'V1', tables: null }
}

async function fetchAll({ copy, pulse, signal }: VerifyStep, storage: Storage): Promise<void> {
  const onBytes = (bytes: number): void => pulse.moved('fetch', bytes)
  for (const object of objectsOf(copy.manifest))
    await fetchVerified(storage, object, { into: null, onBytes, signal })
}

async function decodeAll(context: EngineContext, step: VerifyStep, storage: Storage): Promise<TableRows[]> {
  const { manifest } = step.copy
  const keys = await keysToRead(
    manifest.encryption,
    [step.strategy, ...context.config.strategies],
    step.keyFile ?? null,
  )
  const tables: TableRows[] = []
  for (const artifact of manifest.artifacts)
    tables.push(
      ...(await spooled(context, step, { storage, artifact }, (spool, tools) =>
        proved(context, step, {
          artifact,
          raw: rawInput(spool, decodingChain(context.filters, artifact.filters, keys), tools),
        }),
      )),
    )
  const { details } = manifest
  const whole =
    details &&
    withDetails(
      manifest,
      await spooled(context, step, { storage, artifact: details }, (spool, tools) =>
        readDetails(context, { spool, artifact: details, backup: manifest.id, keys }, tools),
      ),
    )
  compareRows(tables, whole ?? manifest)
  return tables
}

/** Fetched and compared with its digest before it is used, and gone afterwards. */
async function spooled<T>(
  context: EngineContext,
  step: VerifyStep,
  { storage, artifact }: { storage: Storage; artifact: Artifact },
  use: (spool: FileSpool, tools: PipelineTools) => Promise<T>,
): Promise<T> {
  const { run, folder, signal, pulse } = step
  const spool = await createFileSpool(spoolPath(folder, artifact.name), context.clock)
  const running: Running = {
    signal,
    runId: run.id,
    said: (tool, line) => context.logs.append(run.id, `${tool}: ${line}`),
  }
  try {
    const onBytes = (bytes: number): void => pulse.moved('fetch', bytes)
    await fetchVerified(storage, artifact, { into: spool, onBytes, signal })
    return await use(spool, { processes: context.processes, running, folder })
  } finally {
    await spool.close()
    await unlink(spool.path).catch(() => undefined)
  }
}

async function proved(
  context: EngineContext,
  { strategy, run, folder, pulse, signal }: VerifyStep,
  { artifact, raw }: { artifact: Artifact; raw: RawInput },
): Promise<TableRows[]> {
  const source = await openSource(context, strategy, { id: run.id, folder })
  try {
    pulse.stage('proof')
    return (await source.prove(artifact.name, raw, signal)).tables
  } finally {
    await source.close()
  }
}

/** @param expected  with the tables that it had. What of an encrypted backup differs is not named: messages are not encrypted
 * @throws Fault object-corrupt naming the first table that differs */
export function compareRows(
  found: readonly TableRows[],
  expected: Pick<Manifest, 'tables' | 'encryption'>,
  code: 'object-corrupt' | 'restore-incomplete' = 'object-corrupt',
): void {
  if (expected.tables === null) return
  const rows = new Map(found.map((table) => [table.name, table.rows]))
  const differing = expected.tables.filter((table) => rows.get(table.name) !== table.rows)
  const [first] = differing
  if (first && expected.encryption)
    throw new Fault(
      code,
      `${differing.length} of ${expected.tables.length} tables do not have the rows that were backed up`,
    )
  if (first)
    throw new Fault(
      code,
      `table ${first.name} has ${rows.get(first.name) ?? 'no'} rows instead of ${first.rows}`,
    )
  if (found.length !== expected.tables.length)
    throw new Fault(code, `${found.length} tables were found instead of ${expected.tables.length}`)
}

async function record(
  context: EngineContext,
  step: Pick<VerifyStep, 'run' | 'copy' | 'signal'>,
  verdict: Mark,
): Promise<void> {
  const { id, storage: place } = step.copy
  const { level, corrupt, readAt } = verdict
  await context.database.write(async (tx) => {
    await saveVerdict(tx, id, place, { level, corrupt })
    if (readAt !== undefined) await saveRead(tx, { id, storage: place, at: readAt })
  })
  await storeVerdict(context, step, verdict)
}

const highest = (a: Level, b: Level): Level => (a >= b ? a : b)
