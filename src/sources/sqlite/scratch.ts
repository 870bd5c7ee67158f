import { mkdtemp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { asFault, Fault } from '../../core/faults.ts'
import type { Manifest } from '../../core/model.ts'
import type { RawInput, Scratch, Scratches, ScratchPlace, SourceContext } from '../source.ts'
import { removeFile } from './companions.ts'
import { removePartials, restore, undone } from './restore.ts'
import { pathOf } from './url.ts'
import { work } from './worker.ts'
import type { Examination, Look } from './work.ts'

const usualRatio = 5 // of raw to compressed, where nobody counted
const growth = 3 // the bytes themselves, the file that a script makes of them, and the one that its objects are counted in

/** A file in the run's folder, or beside the one that a URL names. */
export function scratches(context: SourceContext): Scratches {
  return {
    room: ({ storedBytes, rawBytes }) => (rawBytes ?? storedBytes * usualRatio) * growth,
    open: async (backup, at) => scratchOf({ context, backup, at, file: fileOf(context, backup, at) }),
    async sweep(backup, at) {
      const file = fileOf(context, backup, at)
      await removePartials([file], context.runId)
      await removeFile(file)
    },
  }
}

function fileOf({ folder }: SourceContext, { database }: Manifest, { url, stamp }: ScratchPlace): string {
  const name = `${database.replaceAll(/[^A-Za-z0-9._-]+/g, '_').slice(0, 100)}_drill_${stamp}.db`
  return join(url === null ? folder : dirname(pathOf(url)), name)
}

interface Opened {
  context: SourceContext
  backup: Manifest
  at: ScratchPlace
  file: string
}

function scratchOf({ context, backup, at, file }: Opened): Scratch {
  let isOurs = false
  const examine = async (path: string, signal: AbortSignal): Promise<Examination> =>
    work<Examination>({ do: 'examine', file: path }, { context, otherwise: 'restore-failed' }, signal)
  return {
    server: `${at.url === null ? 'a scratch file' : file}, SQLite ${process.versions.sqlite}`,
    async restore(artifact, signal) {
      const request = { database: file, url: null, stamp: at.stamp, noOwner: true }
      const restored = await restore({ source: file, context }, { backup, request, artifact }, signal)
      isOurs = true
      return restored
    },
    objectsOf: (raw, signal) => dumpedObjects(context, { backup, raw }, signal),
    objects: async (signal) => ({ counted: (await examine(file, signal)).objects, alike: true }),
    ask: (sql, signal) => ask(context, { file, sql }, signal),
    async close() {
      if (!isOurs) return null
      return removeFile(file).then(
        () => null,
        (error: unknown) => `${file} (${asFault(error).message}): remove it`,
      )
    },
  }
}

async function dumpedObjects(
  context: SourceContext,
  { backup: { format }, raw }: { backup: Manifest; raw: RawInput },
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const own = await mkdtemp(join(context.folder, 'scratch-'))
  try {
    const undoing = { file: join(own, 'copy.db'), format, context, otherwise: 'restore-failed' } as const
    return (await undone(undoing, raw, signal)).objects
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

const answerMs = 5 * 60_000 // a question to all rows of a large table

async function ask(
  context: SourceContext,
  { file, sql }: { file: string; sql: string },
  signal: AbortSignal,
): Promise<string | null> {
  const limit = AbortSignal.timeout(answerMs)
  const task = { do: 'look', file, sql } as const
  try {
    const either = AbortSignal.any([signal, limit])
    return (await work<Look>(task, { context, otherwise: 'restore-incomplete' }, either)).newest
  } catch (error) {
    signal.throwIfAborted()
    if (limit.aborted)
      throw new Fault('timed-out', 'it was not answered within five minutes', { retry: false })
    throw error
  }
}
