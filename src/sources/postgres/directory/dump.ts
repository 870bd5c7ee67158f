import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ToolFailure } from '../../../sys/process.ts'
import { createBrake, type Brake } from '../../../sys/brake.ts'
import type { Sink } from '../../source.ts'
import { programEnvironment } from '../environment.ts'
import { toolFault } from '../faults.ts'
import { dumpArguments, jobsOf } from '../options.ts'
import type { Place } from '../place.ts'
import type { Program } from '../programs.ts'
import { createBacklog, type Backlog } from './backlog.ts'
import { createFinished, filesOf, tocName, type Finished } from './finished.ts'
import { watchRoom } from './room.ts'
import type { Stamp } from './tar.ts'
import { tarOf } from './tar-writer.ts'

/** Several workers of pg_dump write one file for each table into a private folder; each finished file goes into a tar archive at
 * once and is removed. The artifact is that archive (docs/decisions/0018).
 * @param name of the artifact, without its ending
 * @throws Fault dump-failed · database-… */
export async function dumpDirectory(
  place: Place,
  { client, name, sink }: { client: Program; name: string; sink: Sink },
  signal: AbortSignal,
): Promise<void> {
  const { context } = place
  const folder = join(context.folder, 'dump.dir')
  const brake = createBrake()
  const backlog = createBacklog(folder, brake)
  const finished = createFinished(backlog.add)
  const over = new AbortController() // nobody takes the archive any more
  await mkdir(folder, { mode: 0o700 })
  const dumping = Promise.all([
    runWorkers(place, { client, folder, finished, brake }, AbortSignal.any([signal, over.signal])),
    watchRoom(context, { folder, fail: finished.fail }, AbortSignal.any([signal, finished.ended])),
  ])
  try {
    const archive = tarOf(folder, membersOf(folder, finished, backlog), {
      inside: `${name}.dir`,
      stamp: stampOf(place),
    })
    archive.once('close', () => over.abort(new Error('the archive is over')))
    await sink.file(`${name}.tar`).fromStream(archive)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    over.abort(new Error('the archive is over'))
    await dumping
    await rm(folder, { recursive: true, force: true })
  }
}

/** The moment and the run, in every member: one of another dump does not pass for one of this. */
function stampOf({ context }: Place): Stamp {
  return { owner: 'easy-backup', group: context.runId, at: Math.floor(context.clock.now() / 1_000) }
}

/** Never rejects: whoever waits for finished files learns how it ended. */
async function runWorkers(
  place: Place,
  { client, folder, finished, brake }: { client: Program; folder: string; finished: Finished; brake: Brake },
  signal: AbortSignal,
): Promise<void> {
  const { origin, context, options } = place
  signal.addEventListener('abort', brake.release, { once: true }) // before anybody tells it to end
  try {
    const env = { ...(await programEnvironment(origin, context)), PGDATABASE: origin.database }
    const fixed = ['--format=directory', '--compress=0', '--no-sync', '--no-password', '--verbose']
    const how = [`--jobs=${jobsOf(options)}`, `--file=${folder}`, ...dumpArguments(options)]
    const said = (tool: string, line: string): void => {
      if (!finished.line(line)) context.said(tool, line)
    }
    const command = { argv: [client.path, ...fixed, ...how], env, started: brake.started }
    await context.processes.join(
      { stages: [command], input: null, output: null },
      { signal, runId: context.runId, said },
    )
    finished.close()
  } catch (error) {
    finished.fail(toolFault(withoutChatter(error, finished), origin, 'dump-failed'))
  }
}

/** What it says while all is well names tables, which may be called like an error. */
function withoutChatter(error: unknown, finished: Finished): unknown {
  if (!(error instanceof ToolFailure)) return error
  const { tool, exitCode: code, exitSignal: signal, lastWords } = error
  return new ToolFailure(
    tool,
    { code, signal },
    lastWords.filter((line) => !finished.isChatter(line)),
  )
}

/** Names of complete files, the table of contents first: it is complete before the first table is begun. */
async function* membersOf(folder: string, finished: Finished, backlog: Backlog): AsyncGenerator<string> {
  let hasToc = false
  for await (const item of finished.items) {
    if (!hasToc) yield tocName
    hasToc = true
    for await (const name of filesOf(folder, item)) {
      yield name
      backlog.taken(name)
    }
  }
  if (!hasToc) yield tocName
  yield* await readdir(folder) // what no line announced; everything else is gone from there
}
