import { mkdtemp, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Type } from 'typebox'
import { parseDuration } from '../../core/duration.ts'
import { Fault } from '../../core/faults.ts'
import { checkLine } from '../check-line.ts'
import { plainName } from '../plain-name.ts'
import type { CheckLine, Inspection, Sink, Source, SourceContext, SourceDriver } from '../source.ts'
import { cloning } from './clone.ts'
import { removePartials, restore, undone } from './restore.ts'
import { scratches } from './scratch.ts'
import { sniff } from './sniff.ts'
import { marksOf, planInPlace, swapping } from './swap.ts'
import { plan, readTarget, resolveTarget } from './target.ts'
import { databaseOf, parsePath, pathOf } from './url.ts'
import { work } from './worker.ts'
import type { Examination, FileFacts } from './work.ts'

/** SQLite through its online backup: consistent while others write, never a copy of the live file. No program is needed. */
export const sqlite: SourceDriver = {
  kind: 'sqlite',
  name: 'SQLite',
  schemes: ['sqlite', 'sqlite3'],
  options: Type.Object(
    {
      lock_timeout: Type.Optional(
        Type.String({
          pattern: '^[1-9][0-9]*[smh]$',
          default: '60s',
          description: 'Give up when a writer keeps the file locked for longer than this.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  parseUrl(url) {
    const parsed = parsePath(url)
    if ('mistake' in parsed) return parsed
    return { endpoint: parsed.path, database: databaseOf(parsed.path), secrets: [], hosts: [] }
  },
  sniff,
  open({ strategy, url, dumpUrl, restoreUrl, options }, context) {
    const file = pathOf(dumpUrl ?? url)
    const targets = [file, pathOf(restoreUrl ?? url)]
    const live = pathOf(url)
    return openSource({ file, live, targets, strategy, lockTimeoutMs: lockTimeout(options), context })
  },
}

interface Place {
  file: string
  /** What a restore in place replaces. */
  live: string
  /** Beside these a restore makes its file. */
  targets: readonly string[]
  strategy: string
  lockTimeoutMs: number
  context: SourceContext
}

function openSource(place: Place): Source {
  const { file, strategy, context } = place
  return {
    series: async () => [{ strategy, name: databaseOf(file), sole: true }],
    inspect: (_series, signal) => inspect(place, signal),
    dump: (_series, _inspection, sink, signal) => dump(place, sink, signal),
    async prove(_name, raw, signal, format = 'sqlite') {
      return inScratch(context, async (copy) => {
        const { damage, tables, objects } = await undone(
          { file: copy, format, context, otherwise: 'proof-failed' },
          raw,
          signal,
        )
        if (damage.length > 0) throw new Fault('proof-failed', `the dump is damaged: ${damage[0]}`)
        return { rawBytes: format === 'sql' ? null : (await stat(copy)).size, tables, objects }
      })
    },
    plan: (backup, request, signal) =>
      request.inPlace
        ? planInPlace(place, request, signal)
        : plan({ source: file, context }, { backup, request }, signal),
    marks: ({ database, url }) => marksOf(url === null ? (database ?? file) : pathOf(url)),
    clone: cloning(context),
    swap: swapping(context),
    scratch: scratches(context),
    restore: (backup, request, _plan, artifact, signal) =>
      restore({ source: file, context }, { backup, request, artifact }, signal),
    terminate: (runId) => removePartials(place.targets, runId), // no server holds sessions; this is all that a dead run leaves
    check: (signal) => check(place, signal),
    stockRestore: () => ['cp {file} restored.db', 'sqlite3 restored.db "PRAGMA integrity_check"'],
    close: async () => {}, // nothing stays open between calls
  }
}

async function inspect(place: Place, signal: AbortSignal): Promise<Inspection> {
  const { file, lockTimeoutMs, context } = place
  await assertThere(file)
  const task = { do: 'read-facts', file, lockTimeoutMs } as const
  const facts = await work<FileFacts>(task, { context, otherwise: 'database-refused' }, signal)
  return {
    engine: { kind: 'sqlite', name: 'SQLite', serverVersion: facts.sqliteVersion, toolVersion: null },
    method: 'online backup',
    format: 'sqlite',
    database: databaseOf(file),
    endpoint: file,
    hasTables: facts.tables > 0,
    sizeBytes: facts.sizeBytes,
    warnings: [],
  }
}

async function dump({ file, lockTimeoutMs, context }: Place, sink: Sink, signal: AbortSignal): Promise<void> {
  await assertThere(file)
  await inScratch(context, async (copy) => {
    const task = { do: 'copy', file, to: copy, lockTimeoutMs } as const
    const found = await work<Examination>(task, { context, otherwise: 'dump-failed' }, signal)
    if (found.damage.length > 0) throw damaged(file, found.damage[0]!)
    for (const remark of found.remarks) context.said('sqlite', remark)
    await sink.file(`${plainName(databaseOf(file))}.db`).fromFile(copy)
  })
}

/** A file to work on, in a folder of its own: a process that is ended leaves its journal beside the file. */
async function inScratch<T>({ folder }: SourceContext, use: (copy: string) => Promise<T>): Promise<T> {
  const own = await mkdtemp(join(folder, 'scratch-'))
  try {
    return await use(join(own, 'copy.db'))
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

function damaged(file: string, finding: string): Fault {
  return new Fault('dump-failed', `the database ${file} is damaged: ${finding}`, {
    hint: 'restore a backup from before the damage, or save what can be read with: sqlite3 FILE .recover',
    retry: false,
  })
}

/** SQLite would create a missing file, and call a folder a disk error. */
async function assertThere(file: string): Promise<void> {
  const facts = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR')
      throw new Fault('database-missing', `${file} does not exist`, {
        hint: 'check the path in database_url',
      })
    throw new Fault('database-refused', `${file} cannot be read: ${error.message}`, { cause: error })
  })
  if (!facts.isFile())
    throw new Fault('database-refused', `${file} is not a file`, { hint: 'check the path in database_url' })
}

async function check(place: Place, signal: AbortSignal): Promise<CheckLine[]> {
  const { file } = place
  const readable = await checkLine('database', signal, async () => {
    const { engine } = await inspect(place, signal)
    return `SQLite ${engine.serverVersion} reads ${file}`
  })
  const creatable = await checkLine('right to create', signal, async () => {
    const request = { database: null, url: null, stamp: 'check', noOwner: false }
    const { blockers } = await readTarget(await resolveTarget(file, request))
    if (blockers.length > 0) throw new Fault('target-invalid', blockers.join('; '))
    return `restores can be written to ${dirname(file)}`
  })
  return [readable, creatable]
}

const defaultLockTimeoutMs = 60_000

function lockTimeout({ lock_timeout: text }: Record<string, unknown>): number {
  return (typeof text === 'string' ? parseDuration(text) : null) ?? defaultLockTimeoutMs
}
