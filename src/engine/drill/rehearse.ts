import type { DrillCheck, DrillCheckResult } from '../../core/drill.ts'
import { formatBytes } from '../../core/duration.ts'
import { asFault, Fault } from '../../core/faults.ts'
import type { Artifact, Manifest, TableRows } from '../../core/model.ts'
import type { RawInput, Scratch, Source } from '../../sources/source.ts'
import { freeBytes } from '../../sys/files.ts'
import { openSource, type EngineContext } from '../context.ts'
import { choose, type Chosen } from '../restore/choose.ts'
import { dropSpools, fetchChosen, type Fetched } from '../restore/fetch.ts'
import type { Work } from '../work.ts'
import { isExpected, spellExpectation } from './expectation.ts'
import { rememberLeft } from './leftovers.ts'
import { scratchPlace } from './scratch-place.ts'
import { databaseOf } from '../series-scope.ts'

/** What a drill has come to so far: of one that stops half-way, as much as was found. */
export interface Rehearsal {
  /** Where it was restored, in words. */
  server: string
  /** The place that it was fetched from. */
  storage: string | null
  expected: readonly TableRows[] | null
  restored: readonly TableRows[] | null
  /** Schema objects by kind. `alike`: both counted by programs of the same version. */
  objects: { expected: Record<string, number>; found: Record<string, number>; alike: boolean } | null
  checks: DrillCheckResult[]
  /** Fetching, verifying and restoring. */
  restoreMs: number | null
  notes: string[]
}

/** Fetches the whole object and verifies it, restores it into a scratch of its own, and looks at what is there. The database that was
 * backed up is not asked for anything. What is found goes into `found`. */
export async function rehearse(context: EngineContext, work: Work, found: Rehearsal): Promise<void> {
  const chosen = await chosenFor(context, work)
  const source = await openSource(context, work.strategy, {
    id: work.run.id,
    folder: work.folder,
    ...databaseOf(work.strategy, chosen.manifest),
  })
  try {
    await refuseSmallDisk(context, work, { source, manifest: chosen.manifest })
    const scratch = await openScratch(work, { source, manifest: chosen.manifest })
    found.server = scratch.server
    const isGone = await rememberLeft(context, work, chosen.manifest)
    try {
      await restoreAndLook(context, work, { chosen, source, scratch, found })
    } finally {
      const left = await scratch.close()
      if (left === null) await isGone()
      else found.notes.push(`left behind: ${left}`)
    }
  } finally {
    await source.close()
  }
}

async function chosenFor(context: EngineContext, { run, signal }: Work): Promise<Chosen> {
  const ask = { backup: run.params.backup!, strategy: run.strategy, targetDb: null, targetUrl: null }
  const chosen = await choose(context, { ...ask, noOwner: true, reason: null }, signal)
  const isMarked = chosen.copies.every(({ corrupt }) => corrupt !== null)
  // one that failed before is tried all the same: only that can clear it
  return isMarked ? { ...chosen, copies: chosen.copies.map((copy) => ({ ...copy, corrupt: null })) } : chosen
}

/** Kept dumps and backups need the room more than a drill does. */
async function refuseSmallDisk(
  { config }: EngineContext,
  { strategy }: Work,
  { source, manifest }: { source: Source; manifest: Manifest },
): Promise<void> {
  const restoredBytes = strategy.drill?.databaseUrl ? 0 : (source.scratch?.room(manifest) ?? 0)
  const [needed, free] = [manifest.storedBytes + restoredBytes, await freeBytes(config.tempDir)]
  if (free >= needed) return
  throw new Fault(
    'drill-inconclusive',
    `temp_dir ${config.tempDir} has ${formatBytes(free)} free, and the drill needs at least ${formatBytes(needed)}`,
    { hint: 'make room there, or point temp_dir to a larger disk' },
  )
}

async function openScratch(
  { strategy, run, signal, pulse }: Work,
  { source, manifest }: { source: Source; manifest: Manifest },
): Promise<Scratch> {
  if (!source.scratch)
    throw new Fault('drill-inconclusive', `backups of ${manifest.engine.name} cannot be drilled yet`)
  pulse.stage('starting')
  return source.scratch.open(manifest, scratchPlace(strategy.drill?.databaseUrl ?? null, run), signal)
}

interface Rehearsing {
  chosen: Chosen
  source: Source
  scratch: Scratch
  found: Rehearsal
}

async function restoreAndLook(context: EngineContext, work: Work, step: Rehearsing): Promise<void> {
  const { chosen, source, scratch, found } = step
  const begun = context.clock.monotonic()
  work.pulse.stage('fetch')
  const fetched = await fetchChosen(context, work, { chosen, source })
  try {
    found.storage = fetched.storage
    found.notes.push(...fetched.warnings)
    const open = async (artifact: Artifact): Promise<RawInput> => fetched.open(artifact)
    work.pulse.stage('restore')
    work.pulse.watch(() => scratch.works?.(work.signal) ?? Promise.resolve(true))
    const restored = await scratch.restore(open, work.signal)
    found.restoreMs = Math.round(context.clock.monotonic() - begun)
    found.restored = restored.tables
    found.notes.push(...restored.warnings)
    work.pulse.stage('check')
    await expect(work, { ...step, fetched })
    await ask(work, step)
  } finally {
    await dropSpools(fetched)
  }
}

/** What the dump holds, as its manifest says; what no manifest says is counted in the dump itself, whose digest was compared. */
async function expect(
  { signal }: Work,
  { source, scratch, found, fetched }: Rehearsing & { fetched: Fetched },
): Promise<void> {
  const { manifest } = fetched
  const [artifact] = manifest.artifacts
  found.expected = manifest.tables
  if (found.expected === null) {
    const raw = fetched.open(artifact!)
    found.expected = (await source.prove(artifact!.name, raw, signal, manifest.format)).tables
    found.notes.push('the backup was not proved when it was made: its rows were counted now')
  }
  const expected = manifest.objects ?? (await scratch.objectsOf(fetched.open(artifact!), signal))
  const { counted, alike } = await scratch.objects(signal)
  found.objects = { expected, found: counted, alike }
}

async function ask({ strategy, signal }: Work, { scratch, found }: Rehearsing): Promise<void> {
  for (const check of strategy.drill?.checks ?? [])
    found.checks.push(await askOne(scratch, { check, notes: found.notes }, signal))
}

const mostFound = 200 // letters of an answer that are shown

async function askOne(
  scratch: Scratch,
  { check, notes }: { check: DrillCheck; notes: string[] },
  signal: AbortSignal,
): Promise<DrillCheckResult> {
  const { name, sql } = check
  const expected = spellExpectation(check.expect)
  try {
    const answer = await scratch.ask(sql, signal)
    const found = answer === null ? 'nothing' : answer.slice(0, mostFound)
    return { name, ok: isExpected(answer, check.expect), found, expected }
  } catch (error) {
    const fault = asFault(error)
    signal.throwIfAborted()
    if (fault.code === 'internal') throw error
    if (fault.code !== 'restore-incomplete') {
      const { hint } = fault
      const text = `the check "${name}" has no answer: ${fault.message}`
      throw new Fault('drill-inconclusive', text, { cause: error, ...(hint !== null && { hint }) })
    }
    notes.push(`the check "${name}" could not be asked: ${fault.message}`)
    return { name, ok: false, found: null, expected }
  }
}
