import { unlink } from 'node:fs/promises'
import type { Strategy } from '../core/config.ts'
import { asFault, Fault } from '../core/faults.ts'
import { suffix } from '../core/keys.ts'
import type { Artifact, Level, TableRows, VerifyResult } from '../core/model.ts'
import { objectsOf } from '../core/stored-objects.ts'
import { saveVerdict, type Copy } from '../state/catalogue.ts'
import type { Run } from '../state/runs.ts'
import type { Storage } from '../storages/storage.ts'
import { ToolFailure, type Running } from '../sys/process.ts'
import { bytesSpool, createFileSpool } from '../sys/spool.ts'
import { openSource, storageOf, type EngineContext } from './context.ts'
import { checkManifest, reachable } from './copies.ts'
import { requireKnown } from './marker.ts'
import { fetchVerified, readTwice } from './objects.ts'
import { decodingChain } from './chain.ts'
import { rawInput, spoolPath } from './pipeline.ts'
import { folderOf } from './folder-of.ts'
import type { Pulse } from './pulse.ts'

export interface VerifyStep {
  run: Run
  strategy: Strategy
  copy: Copy
  level: 'V1' | 'V2'
  folder: string
  pulse: Pulse
  signal: AbortSignal
}

/** The write-once sidecar that says what a verification found. */
export interface Verdict {
  schema: 1
  backup: string
  level: Level
  ok: boolean
  why: string | null
  at: string
  run: string
}

/** Every copy of a backup, place after place: each is an object of its own. One good copy is enough for success;
 * the others are named, and marked when they are broken.
 * @throws the first copy's fault when none is good */
export async function verifyBackup(
  context: EngineContext,
  step: Omit<VerifyStep, 'copy'> & { copies: readonly Copy[] },
): Promise<VerifyResult> {
  const warnings: string[] = []
  let good: VerifyResult | null = null
  let first: Fault | null = null
  for (const copy of reachable(context, step.copies))
    try {
      const result = await verifyCopy(context, { ...step, copy })
      good ??= { ...result, storage: copy.storage }
    } catch (error) {
      if (step.signal.aborted) throw error
      first ??= asFault(error)
      warnings.push(`the copy in ${copy.storage} is not good: ${asFault(error).message}`)
    }
  if (good) return { ...good, ...(warnings.length > 0 ? { warnings: warnings.map(context.scrub) } : {}) }
  throw first ?? new Fault('not-found', 'this backup is no longer in the catalogue')
}

/** Re-reads a stored copy (V1), and decodes it whole with its engine's parser (V2).
 * What is found is written beside the backup; a broken one is marked and no longer offered for restore.
 * @throws Fault object-corrupt · object-missing · proof-failed · storage-unreachable */
export async function verifyCopy(context: EngineContext, step: VerifyStep): Promise<VerifyResult> {
  const storage = storageOf(context, step.copy.storage)
  await requireKnown(storage, step.signal)
  try {
    await checkManifest(storage, step.copy, step.signal)
    const said = (line: string): void => context.logs.append(step.run.id, line)
    const tables = await readTwice(() => decodeAll(context, step, storage), said)
    const level = highest(step.level, step.copy.level)
    // reading again says nothing about a dump that could not be decoded: only a decoding clears it
    if (step.copy.corrupt === null || step.level === 'V2')
      await record(context, step, storage, { level, corrupt: null })
    return {
      backup: step.copy.id,
      level: step.level, // what was done now; the catalogue keeps the highest
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
  const wasKilled = fault.cause instanceof ToolFailure && fault.cause.exitSignal !== null
  if (['object-corrupt', 'object-missing', 'proof-failed'].includes(fault.code) && !wasKilled)
    await record(context, found, storageOf(context, found.copy.storage), {
      level: 'V0',
      corrupt: context.scrub(fault.message),
    })
  return fault
}

async function decodeAll(
  context: EngineContext,
  step: VerifyStep,
  storage: Storage,
): Promise<TableRows[] | null> {
  const { artifacts } = step.copy.manifest
  step.pulse.stage('verify')
  if (step.level === 'V1') {
    for (const artifact of artifacts)
      await fetchVerified(storage, artifact, {
        into: null,
        onBytes: (bytes) => step.pulse.moved('fetch', bytes),
        signal: step.signal,
      })
    return null
  }
  const tables: TableRows[] = []
  for (const artifact of artifacts) tables.push(...(await decodeOne(context, step, { storage, artifact })))
  compareRows(tables, step.copy.manifest.tables)
  return tables
}

async function decodeOne(
  context: EngineContext,
  step: VerifyStep,
  at: { storage: Storage; artifact: Artifact },
): Promise<TableRows[]> {
  const spool = await createFileSpool(spoolPath(step.folder, at.artifact.name), context.clock)
  const source = openSource(context, step.strategy, { id: step.run.id, folder: step.folder })
  try {
    await fetchVerified(at.storage, at.artifact, {
      into: spool,
      onBytes: (bytes) => step.pulse.moved('fetch', bytes),
      signal: step.signal,
    })
    step.pulse.stage('proof')
    const running: Running = {
      signal: step.signal,
      runId: step.run.id,
      said: (tool, line) => context.logs.append(step.run.id, `${tool}: ${line}`),
    }
    const raw = rawInput(spool, decodingChain(context.filters, at.artifact.filters, step.strategy.encryption), {
      processes: context.processes,
      running,
      folder: step.folder,
    })
    return (await source.prove(at.artifact.name, raw, step.signal)).tables
  } finally {
    await source.close()
    await spool.close()
    await unlink(spool.path).catch(() => undefined)
  }
}

/** @throws Fault object-corrupt naming the first table that differs */
export function compareRows(
  found: readonly TableRows[],
  expected: readonly TableRows[] | null,
  code: 'object-corrupt' | 'restore-incomplete' = 'object-corrupt',
): void {
  if (expected === null) return
  const rows = new Map(found.map((table) => [table.name, table.rows]))
  for (const table of expected) {
    const has = rows.get(table.name)
    if (has !== table.rows)
      throw new Fault(code, `table ${table.name} has ${has ?? 'no'} rows instead of ${table.rows}`)
  }
  if (found.length !== expected.length)
    throw new Fault(code, `${found.length} tables were found instead of ${expected.length}`)
}

async function record(
  context: EngineContext,
  step: Pick<VerifyStep, 'run' | 'copy' | 'signal'>,
  storage: Storage,
  verdict: { level: Level; corrupt: string | null },
): Promise<void> {
  const at = new Date(context.clock.now()).toISOString()
  const sidecar: Verdict = {
    schema: 1,
    backup: step.copy.id,
    level: verdict.level,
    ok: verdict.corrupt === null,
    why: verdict.corrupt,
    at,
    run: step.run.id,
  }
  const key = `${folderOf(step.copy)}verdict-${at.replaceAll(/[-:]/g, '').slice(0, 15)}Z-${suffix(() => context.clock.random())}.json`
  await context.database.write((tx) => saveVerdict(tx, step.copy.id, step.copy.storage, verdict))
  await storage
    .put(key, bytesSpool(Buffer.from(JSON.stringify(sidecar, null, 2) + '\n')), {
      ifAbsent: true,
      signal: step.signal,
    })
    .catch((error: unknown) => {
      // the verdict holds in our own state; a write-only or full place loses only the copy of it
      context.log.warn('a verdict could not be stored beside its backup', {
        backup: step.copy.id,
        error: asFault(error).message,
      })
    })
}

const levels: readonly Level[] = ['V0', 'V1', 'V2', 'V3']
const highest = (a: Level, b: Level): Level => (levels.indexOf(a) >= levels.indexOf(b) ? a : b)
