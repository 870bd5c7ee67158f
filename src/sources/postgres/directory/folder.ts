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
 * @throws Fault restore-failed when it cannot be unpacked · disk-full before a byte is written · those of `work` */
export async function withFolder<T>(
  place: Place,
  { artifact, raw }: { artifact: Pick<Artifact, 'rawBytes'>; raw: RawInput },
  signal: AbortSignal,
  work: (dump: DumpInput) => Promise<T>,
): Promise<T> {
  const folder = join(place.context.folder, 'restore.dir')
  await requireRoom(place.context.folder, artifact)
  await mkdir(folder, { mode: 0o700 })
  try {
    await unpack(raw, folder)
    return await work(folderInput(place, await folderWithToc(folder), signal))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
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
