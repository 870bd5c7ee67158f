import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { asFault, Fault } from '../core/faults.ts'
import type { KeptDump } from '../core/model.ts'
import { keepingRuns, saveResult } from '../state/results.ts'
import { findRun, type Run } from '../state/runs.ts'
import type { SeriesRef } from '../state/series.ts'
import { freeBytes } from '../sys/files.ts'
import { runFolder, type EngineContext } from './context.ts'
import { tellRun } from './tell.ts'
import { scopeOf } from './series-scope.ts'
import { runView } from './views.ts'
import { keptMs, readWhole, writeWhole, type WholeDump } from './whole.ts'

/** The end of a run that no place took: its dump is kept for Retry. */
export class KeptFault extends Fault {
  readonly kept: KeptDump
  constructor(fault: Fault, kept: KeptDump) {
    const { code, message, hint } = fault
    super(code, message, { ...(hint !== null && { hint }), cause: fault, retry: false })
    this.kept = kept
  }
}

/** Keeps the whole dump in this run's folder. Of one strategy only the newest is worth its space.
 * @param fault  why no place took it */
export async function keepDump(
  context: EngineContext,
  run: Run,
  { whole, fault }: { whole: WholeDump; fault: Fault },
): Promise<KeptFault> {
  const until = context.clock.now() + keptMs
  await writeWhole(runFolder(context, run.id), { ...whole, until })
  await dropKept(context, { of: scopeOf(context, run), except: run.id }).catch((error: unknown) =>
    context.log.warn('older kept dumps could not be removed', { run: run.id, error: asFault(error).message }),
  )
  const { id: backup, storedBytes: bytes } = whole.manifest
  return new KeptFault(fault, { backup, bytes, until })
}

/** Lets kept dumps of a strategy, or of one series, go: a newer one or a good backup has taken their place. */
export async function dropKept(
  context: EngineContext,
  { of, except }: { of: string | SeriesRef; except?: string },
): Promise<void> {
  for (const run of await keepingRuns(context.database.read, of))
    if (run.id !== except) await dropOne(context, run)
}

/** The run's message no longer promises what is gone. */
async function dropOne(context: EngineContext, run: Run): Promise<void> {
  await rm(runFolder(context, run.id), { recursive: true, force: true })
  await forgetKept(context, run.id)
}

export async function forgetKept(context: EngineContext, id: string): Promise<void> {
  await context.database.write(async (tx) => {
    const run = await findRun(tx, id)
    if (!run?.result?.kept) return
    await saveResult(tx, id, null)
    await tellRun(context, tx, await runView(context, { ...run, result: null }, tx))
  })
}

/** Lets the oldest kept dumps go until temp_dir has this many bytes free.
 * @returns how many went */
export async function freeTempRoom(context: EngineContext, bytes: number): Promise<number> {
  let dropped = 0
  while ((await freeBytes(context.config.tempDir)) < bytes && (await dropOldestKept(context))) dropped++
  return dropped
}

/** @returns false when none is kept */
export async function dropOldestKept(context: EngineContext): Promise<boolean> {
  const oldest = (await keepingRuns(context.database.read)).at(-1)
  if (!oldest) return false
  await dropOne(context, oldest)
  context.log.warn('a kept dump was removed: temp_dir is short of space', { run: oldest.id })
  return true
}

/** What nobody may send any more goes: kept dumps past their time, dumps of runs that were cancelled while they waited, and
 * promises of dumps that are not there. Loud when it fails, never anybody's failure. */
export async function tidyKept(context: EngineContext): Promise<void> {
  try {
    const now = context.clock.now()
    for (const run of await keepingRuns(context.database.read))
      if (run.result!.kept!.until <= now || !(await readWhole(runFolder(context, run.id))))
        await dropOne(context, run)
    for (const name of await readdir(context.config.tempDir).catch(() => [])) {
      const folder = join(context.config.tempDir, name)
      const run = (await readWhole(folder)) && (await findRun(context.database.read, name))
      if (run && run.endedAt !== null && !run.result?.kept) await rm(folder, { recursive: true, force: true })
    }
  } catch (error) {
    context.log.warn('kept dumps could not be tidied', { error: asFault(error).message })
  }
}
