import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes } from '../../../core/duration.ts'
import { Fault } from '../../../core/faults.ts'
import type { Artifact } from '../../../core/model.ts'
import { freeBytes } from '../../../sys/files.ts'
import { ToolFailure } from '../../../sys/process.ts'
import type { RawInput } from '../../source.ts'
import type { Place } from '../place.ts'
import { tocName } from './finished.ts'

/** What pg_restore reads: a stream, or a folder by its name. */
export type DumpInput = Pick<RawInput, 'intoProgram'>

/** A dump that lies in a folder, which is the program's last argument. */
export function folderInput({ context }: Place, folder: string, signal: AbortSignal): DumpInput {
  const { runId, said } = context
  return {
    async intoProgram(command, onOutput) {
      const stages = [{ ...command, argv: [...command.argv, folder] }]
      const running = { signal, runId, said: (tool: string, line: string) => said(tool, line) }
      await context.processes.join({ stages, input: null, output: onOutput && { scan: onOutput } }, running)
      return null
    },
  }
}

/** Works with the unpacked archive, which is gone afterwards.
 * @throws Fault restore-failed when it cannot be unpacked · tool-missing, disk-full before a byte is written · those of `work` */
export async function withFolder<T>(
  place: Place,
  { artifact, raw }: { artifact: Pick<Artifact, 'rawBytes'>; raw: RawInput },
  signal: AbortSignal,
  work: (dump: DumpInput) => Promise<T>,
): Promise<T> {
  const folder = join(place.context.folder, 'restore.dir')
  await unpacker(place, signal)
  await requireRoom(place.context.folder, artifact)
  await mkdir(folder, { mode: 0o700 })
  try {
    await unpack(raw, folder)
    return await work(folderInput(place, await folderWithToc(folder), signal))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The tar that unpacks. Sizes over 8 GiB stand in pax headers, which busybox's passes over: it would cut the largest tables.
 * @returns its name and version
 * @throws Fault tool-missing */
export async function unpacker({ context }: Place, signal: AbortSignal): Promise<string> {
  const { runId, said } = context
  const running = { signal, runId, said: (tool: string, line: string) => said(tool, line) }
  const told = await context.processes
    .output({ argv: ['tar', '--version'] }, running)
    .catch((error: unknown) => {
      if (error instanceof ToolFailure) return error.lastWords.join(' ') // it does not even know the question
      throw error
    })
  if (/GNU tar|bsdtar|libarchive/.test(told)) return told.split('\n')[0]!
  const what = /busybox/i.test(told) ? "busybox's tar" : 'this tar'
  throw new Fault(
    'tool-missing',
    `${what} may cut files over 8 GiB: a restore of several tables at a time needs another`,
    {
      hint: 'install GNU tar (package tar)',
    },
  )
}

async function requireRoom(folder: string, { rawBytes }: Pick<Artifact, 'rawBytes'>): Promise<void> {
  const free = await freeBytes(folder)
  if (rawBytes === null || free >= rawBytes) return
  throw new Fault(
    'disk-full',
    `unpacking this backup takes ${formatBytes(rawBytes)} in temp_dir, and ${formatBytes(free)} are free`,
    { hint: 'make room there, or point temp_dir to a larger disk' },
  )
}

/** By the program tar, so that no byte passes through JavaScript. Its own exit status says nothing of an archive that was cut
 * between two members: the file that is missing then is pg_restore's to find. */
async function unpack(raw: RawInput, folder: string): Promise<void> {
  const argv = ['tar', '-x', '-o', '-f', '-', '-C', folder]
  await raw.intoProgram({ argv }, null).catch((error: unknown) => {
    const isTars = error instanceof ToolFailure && error.tool === 'tar'
    if (!isTars || error.lastWords.some((line) => /no space left|quota exceeded/i.test(line))) throw error
    throw new Fault('restore-failed', `the backup cannot be unpacked: ${error.message}`, { cause: error })
  })
}

async function folderWithToc(folder: string): Promise<string> {
  const names = await readdir(folder)
  if (names.includes(tocName)) return folder
  if (names.length === 1) return join(folder, names[0]!)
  throw new Fault('restore-failed', `the backup holds no ${tocName}`)
}
