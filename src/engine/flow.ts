import { closeSync, createReadStream, openSync } from 'node:fs'
import { Transform, type Duplex, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { passedThrough } from '../sys/memory.ts'
import {
  isBrokenPipe,
  ToolFailure,
  type Command,
  type Joined,
  type Processes,
  type Running,
} from '../sys/process.ts'
import { followSpool, spoolChunks, type Spool } from '../sys/spool.ts'

/** One step that bytes pass: a program, or a stream inside Node. */
export type Stage = Command | Duplex

/** Where the bytes come from: a complete file, a spool (growing or complete), a stream, or the first program itself (null). */
export type Inlet = { path: string } | { spool: Spool } | { stream: Readable } | null

/** Where they go: an open file (`fill` writes a stream into it, and closes it never), a receiver of chunks, whatever the last program's output is
 * given to, or nowhere (null). */
export type Outlet =
  | { fd: number; fill: (chunks: AsyncIterable<Buffer>) => Promise<void> }
  | { receive: (chunk: Buffer) => void }
  | { scan: (chunk: Buffer) => void }
  | null

/** Bytes through stages, in order. Neighbouring programs are joined by descriptors, so that no byte passes through JavaScript
 * between them; only where a stream stands between, its neighbours are pumped, with back-pressure. Resolves when every part
 * has ended well; when one fails the others end, are waited for, and the one that was the cause is thrown.
 * @param ends.isReader  the last program reads as much as it needs: when it exits 0, what could not be given to it is no failure; of
 * programs that wrote it only where it says so itself (`readsEnough`) */
export async function flow(
  stages: readonly Stage[],
  { from, to, isReader = false }: { from: Inlet; to: Outlet; isReader?: boolean },
  tools: { processes: Processes; running: Running },
): Promise<void> {
  const groups = grouped(stages)
  const joints = groups.slice(1).map(joint)
  const parts = groups.map(async (group, index) => {
    const inlet = index === 0 ? from : { stream: joints[index - 1]! }
    const outlet = joints[index] ? { into: joints[index] } : to
    try {
      if (group.programs) await throughPrograms(group.programs, { from: inlet, to: outlet }, tools)
      else await throughStreams(group.streams, { from: inlet, to: outlet }, tools.running.signal)
    } catch (error) {
      joints[index]?.destroy(error as Error)
      throw error
    } finally {
      joints[index - 1]?.destroy() // whoever writes there meets its end
    }
  })
  const ends = await Promise.allSettled(parts)
  const last = stages.at(-1)
  const readsEnough = last !== undefined && 'argv' in last && last.readsEnough === true
  const isContent = isReader && ends.at(-1)?.status === 'fulfilled'
  const failures = ends
    .flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))
    .filter((failure) => !isContent || (failure instanceof ToolFailure && !readsEnough) || !isEffect(failure))
  if (failures.length > 0) throw failures.find((failure) => !isEffect(failure)) ?? failures[0]
}

function joint(): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passedThrough(chunk.length)
      done(null, chunk)
    },
  })
}

type Group = { programs: Command[]; streams?: never } | { streams: Duplex[]; programs?: never }
type Part<To> = { from: Inlet; to: To | { into: Transform } }

function grouped(stages: readonly Stage[]): Group[] {
  const groups: Group[] = []
  for (const stage of stages) {
    const last = groups.at(-1)
    if ('argv' in stage) {
      if (last?.programs) last.programs.push(stage)
      else groups.push({ programs: [stage] })
    } else if (last?.streams) last.streams.push(stage)
    else groups.push({ streams: [stage] })
  }
  return groups.length > 0 ? groups : [{ streams: [] }]
}

/** The stream behind them ends well only when every program exited 0. */
async function throughPrograms(
  stages: readonly Command[],
  { from, to }: Part<Outlet>,
  { processes, running }: { processes: Processes; running: Running },
): Promise<void> {
  // a complete spool is handed over as a file: no byte of it passes through JavaScript
  const path = pathOf(from)
  const fd = path === null ? null : openSync(path, 'r')
  try {
    await processes.join(
      { stages, input: fd === null ? pumped(from, running.signal) : { fd }, output: to },
      running,
    )
    if (to && 'into' in to) to.into.end()
  } finally {
    if (fd !== null) closeSync(fd)
  }
}

function pathOf(from: Inlet): string | null {
  if (!from) return null
  if ('path' in from) return from.path
  return 'spool' in from && from.spool.ended() ? (from.spool.path ?? null) : null
}

function pumped(from: Inlet, signal: AbortSignal): Joined['input'] {
  if (!from || 'path' in from) return null
  return { stream: 'spool' in from ? spoolChunks(from.spool, signal) : from.stream }
}

async function throughStreams(
  streams: readonly Duplex[],
  { from, to }: Part<Outlet>,
  signal: AbortSignal,
): Promise<void> {
  const first = source(from, signal)
  if (to && 'into' in to) await pipeline([first, ...streams, to.into], { signal })
  else await pipeline([first, ...streams, sink(to)], { signal })
}

function source(from: Inlet, signal: AbortSignal): Readable {
  if (!from) throw new TypeError('a stream has to be fed')
  if ('stream' in from) return from.stream
  return 'path' in from ? createReadStream(from.path) : followSpool(from.spool, signal)
}

type Sink = (chunks: AsyncIterable<Buffer>) => Promise<void>

function sink(to: Outlet): Sink {
  if (to && 'fd' in to) return to.fill
  const take = to ? ('receive' in to ? to.receive : to.scan) : () => undefined
  return async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) take(chunk)
  }
}

const effects = ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED']

/** A part that failed only because its neighbour had ended. */
function isEffect(failure: unknown): boolean {
  if (failure instanceof ToolFailure) return isBrokenPipe(failure)
  return effects.includes((failure as NodeJS.ErrnoException | null)?.code ?? '')
}
