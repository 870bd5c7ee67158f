import { chmod, link, open, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Fault, type FaultCode } from '../../core/faults.ts'
import type { Artifact, Manifest, TableRows } from '../../core/model.ts'
import { onlyArtifact, shellWord } from '../restoring.ts'
import type { RawInput, Restored, SourceContext, TargetRequest } from '../source.ts'
import { removeFile } from './companions.ts'
import { putInPlace } from './swap.ts'
import { readTarget, realFile, resolveTarget } from './target.ts'
import { work } from './worker.ts'
import type { Examination } from './work.ts'

export interface RestoreJob {
  backup: Manifest
  request: TargetRequest
  artifact: (artifact: Artifact) => Promise<RawInput>
}

/** Written beside the target, checked, and only then given its name, which must still be free; or, when the target is
 * overwritten, put in its place in one step, with the old file kept beside it. */
export async function restore(
  { source, context }: { source: string; context: SourceContext },
  job: RestoreJob,
  signal: AbortSignal,
): Promise<Restored> {
  const target = await resolveTarget(source, job.request)
  const isThere = await assertUsable(target, job.request)
  const partial = partialOf(target, context.runId)
  try {
    const raw = await job.artifact(onlyArtifact(job.backup))
    const { format } = job.backup
    const { tables, remarks, damage } = await undone(
      { file: partial, format, context, otherwise: 'restore-failed' },
      raw,
      signal,
    )
    if (damage.length > 0) throw new Fault('restore-failed', `the restored file is damaged: ${damage[0]}`)
    refuseOtherRows(tables, job.backup.tables)
    await chmod(partial, await usualMode(isThere ? target : source))
    await synced(partial)
    const kept = `${target}.replaced_${job.request.stamp}`
    await (isThere ? putInPlace(context, { file: target, beside: partial, kept }) : name(partial, target))
    const note = isThere ? [`the old file is kept as ${kept}: remove it when nobody needs it`] : []
    return { tables, warnings: [...remarks, ...note], open: `sqlite3 ${shellWord(target)}` }
  } finally {
    await removeFile(partial)
    await synced(dirname(target))
  }
}

interface Undoing {
  /** A new file. */
  file: string
  format: string
  context: SourceContext
  otherwise: FaultCode
}

/** Makes the database file of a dump, and reads every page of it. */
export async function undone(
  { file, format, context, otherwise }: Undoing,
  raw: RawInput,
  signal: AbortSignal,
): Promise<Examination> {
  if (format !== 'sql') {
    await raw.intoFile(file)
    return work<Examination>({ do: 'examine', file }, { context, otherwise }, signal)
  }
  const script = join(context.folder, 'script.sql')
  try {
    await raw.intoFile(script)
    return await work<Examination>({ do: 'run-script', file, script }, { context, otherwise }, signal)
  } finally {
    await rm(script, { force: true })
  }
}

/** Before anything gets a name: a file with other rows than its backup never becomes the target. */
function refuseOtherRows(found: readonly TableRows[], expected: readonly TableRows[] | null): void {
  const rows = new Map(found.map((table) => [table.name, table.rows]))
  const other = expected?.find((table) => rows.get(table.name) !== table.rows)
  if (other)
    throw new Fault(
      'restore-incomplete',
      `table ${other.name} has ${rows.get(other.name) ?? 'no'} rows instead of ${other.rows}`,
    )
}

/** Removes what a dead run left beside the original. @returns how many files */
export async function removePartials(targets: readonly string[], runId: string): Promise<number> {
  let removed = 0
  for (const folder of new Set((await Promise.all(targets.map(realFile))).map(dirname))) {
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

/** @returns whether something is there that will be overwritten */
async function assertUsable(target: string, { clean = false }: TargetRequest): Promise<boolean> {
  const { exists, blockers } = await readTarget(target, clean)
  if (exists && !clean)
    throw new Fault('target-exists', `${target} exists already`, { hint: 'choose another name' })
  if (blockers.length > 0) throw new Fault('target-invalid', blockers.join('; '))
  return exists
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

export async function synced(path: string): Promise<void> {
  const handle = await open(path)
  await handle.sync().finally(() => handle.close())
}
