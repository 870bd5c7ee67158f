import { chmod, link, open, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Fault } from '../../core/faults.ts'
import type { Artifact, Manifest } from '../../core/model.ts'
import type { RawInput, Restored, SourceContext, TargetRequest } from '../source.ts'
import { companions, readTarget, resolveTarget } from './target.ts'
import { work } from './worker.ts'
import type { Examination } from './work.ts'

export interface RestoreJob {
  backup: Manifest
  request: TargetRequest
  artifact: (artifact: Artifact) => Promise<RawInput>
}

/** Written beside the target, checked, and only then given its name, which must still be free. */
export async function restore(
  { source, context }: { source: string; context: SourceContext },
  job: RestoreJob,
  signal: AbortSignal,
): Promise<Restored> {
  const target = resolveTarget(source, job.request)
  await assertFree(target)
  const partial = partialOf(target, context.runId)
  try {
    const raw = await job.artifact(onlyArtifact(job.backup))
    await raw.intoFile(partial)
    const { tables, remarks } = await sound(partial, context, signal)
    await chmod(partial, await usualMode(source))
    await synced(partial)
    await name(partial, target)
    return { tables, warnings: remarks, open: `sqlite3 ${shellWord(target)}` }
  } finally {
    for (const suffix of ['', ...companions]) await rm(partial + suffix, { force: true })
    await synced(dirname(target))
  }
}

/** Removes what a dead run left beside the original. @returns how many files */
export async function removePartials(targets: readonly string[], runId: string): Promise<number> {
  let removed = 0
  for (const folder of new Set(targets.map(dirname))) {
    const names = await readdir(folder).catch(() => []) // no folder, nothing left in it
    const left = names.filter((name) => name.startsWith('.') && name.includes(partialSuffix(runId)))
    for (const name of left) await rm(join(folder, name), { force: true })
    removed += left.length
  }
  return removed
}

function partialOf(target: string, runId: string): string {
  return join(dirname(target), `.${basename(target)}${partialSuffix(runId)}`)
}

function partialSuffix(runId: string): string {
  return `.${runId}.partial`
}

async function assertFree(target: string): Promise<void> {
  const { exists, blockers } = await readTarget(target)
  if (exists) throw new Fault('target-exists', `${target} exists already`, { hint: 'choose another name' })
  if (blockers.length > 0) throw new Fault('target-invalid', blockers.join('; '))
}

async function sound(file: string, context: SourceContext, signal: AbortSignal): Promise<Examination> {
  const found = await work<Examination>(
    { do: 'examine', file },
    { context, otherwise: 'restore-failed' },
    signal,
  )
  if (found.damage.length > 0)
    throw new Fault('restore-failed', `the restored file is damaged: ${found.damage[0]}`)
  return found
}

/** Unlike a rename, a link never replaces what somebody put there meanwhile. */
async function name(partial: string, target: string): Promise<void> {
  await link(partial, target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST')
      throw new Fault('target-exists', `${target} exists already`, { cause: error })
    throw new Fault('restore-failed', `the restored file could not be named ${target}: ${error.message}`, {
      cause: error,
    })
  })
}

async function usualMode(source: string): Promise<number> {
  const original = await stat(source).catch(() => null) // it may be what was lost
  return original ? original.mode & 0o666 : 0o600
}

async function synced(path: string): Promise<void> {
  const handle = await open(path)
  await handle.sync().finally(() => handle.close())
}

function onlyArtifact({ artifacts }: Manifest): Artifact {
  const [artifact] = artifacts
  if (!artifact || artifacts.length > 1)
    throw new Fault('target-invalid', `a SQLite backup has one file, this one has ${artifacts.length}`)
  return artifact
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
