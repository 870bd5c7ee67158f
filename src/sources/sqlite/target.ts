import { createHash } from 'node:crypto'
import { access, constants, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { Fault } from '../../core/faults.ts'
import type { Manifest } from '../../core/model.ts'
import { fittingName } from '../fitting-name.ts'
import type { SourceContext, TargetPlan, TargetRequest } from '../source.ts'
import { companions } from './companions.ts'
import { databaseOf, judge, pathOf, usualExtension } from './url.ts'
import type { Look } from './work.ts'
import { work } from './worker.ts'

const longestFileName = 255 // bytes, on every usual file system
const restoreRoom = 64 // for the temporary name around it

/** The file that a path leads to: what is replaced is the file, and a link to it stays one. What is not there leads nowhere else. */
export function realFile(path: string): Promise<string> {
  return realpath(path).catch(() => path)
}

/** @throws Fault target-invalid */
export async function resolveTarget(source: string, request: TargetRequest): Promise<string> {
  const path = await realFile(targetOf(await realFile(source), request))
  const name = basename(path)
  if ('mistake' in judge(path) || Buffer.byteLength(name) > longestFileName - restoreRoom)
    throw new Fault('target-invalid', `"${path}" cannot be the path of a new file`, {
      hint: 'give an absolute path, or a file name beside the original',
    })
  return path
}

function targetOf(source: string, request: TargetRequest): string {
  if (request.url !== null) return pathOf(request.url)
  const { database } = request
  if (database !== null) return isAbsolute(database) ? database : beside(source, database)
  const extension = usualExtension(source)
  const suffix = `_restore_${request.stamp}${extension || '.db'}`
  return beside(source, fittingName(databaseOf(source), suffix, longestFileName - restoreRoom))
}

/** A name only: `../etc/x` chooses nothing beside the original. */
function beside(source: string, name: string): string {
  if (['', '.', '..'].includes(name) || name.includes('/'))
    throw new Fault('target-invalid', `"${name}" is neither a file name nor an absolute path`)
  return join(dirname(source), name)
}

export interface FileState {
  fingerprint: string
  exists: boolean
  sizeBytes: number | null
  blockers: string[]
}

/** @param overwrite what is there may go */
export async function readTarget(path: string, overwrite = false): Promise<FileState> {
  const [folder, file] = [await facts(dirname(path)), await facts(path)]
  const left = []
  for (const suffix of companions) if (await facts(path + suffix)) left.push(path + suffix)
  const blockers = left.map((name) => `${name} is in the way: it belongs to another database of this name`)
  if (!folder) blockers.push(`the folder ${dirname(path)} does not exist`)
  else if (!(await isWritable(dirname(path)))) blockers.push(`no right to create files in ${dirname(path)}`)
  if (file && !overwrite) blockers.push(`${path} exists already: choose another name`)
  if (file && !file.isFile()) blockers.push(`${path} is not a file`)
  const identity = JSON.stringify([
    String(folder?.dev),
    String(folder?.ino),
    path,
    file ? String(file.ino) : 'absent',
  ])
  return {
    fingerprint: createHash('sha256').update(identity).digest('hex'),
    exists: file !== null,
    sizeBytes: file ? Number(file.size) : null,
    blockers,
  }
}

/** Whoever has a file open goes on writing into the one that was replaced. */
export function openBlockers(file: string, { openers }: Look): string[] {
  return openers.map((who) => `${file} is open in process ${who}: stop it first`)
}

export async function plan(
  { source, context }: { source: string; context: SourceContext },
  { backup, request }: { backup: Manifest; request: TargetRequest },
  signal: AbortSignal,
): Promise<TargetPlan> {
  const path = await resolveTarget(source, request)
  const { fingerprint, exists, sizeBytes, blockers } = await readTarget(path, request.clean)
  const look = { do: 'look', file: path, sql: null } as const
  const opened =
    exists && request.clean
      ? openBlockers(path, await work<Look>(look, { context, otherwise: 'target-invalid' }, signal))
      : []
  return {
    mode: 'file',
    name: path,
    endpoint: dirname(path),
    fingerprint,
    exists,
    empty: !exists,
    sizeBytes,
    sessions: null,
    serverVersion: process.versions.sqlite ?? null,
    missingRoles: [],
    warnings: ['sqlite', 'sql'].includes(backup.format) ? [] : [`the backup has the format ${backup.format}`],
    blockers: [
      ...blockers,
      ...opened,
      ...(request.tables?.length
        ? ['tables of a SQLite file cannot be restored alone: restore beside, and copy them over']
        : []),
    ],
  }
}

function facts(path: string) {
  return stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw new Fault('target-invalid', `${path} cannot be looked at: ${error.message}`, { cause: error })
  })
}

async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK).then(
    () => true,
    () => false,
  )
}
