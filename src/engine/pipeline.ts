import { createReadStream, createWriteStream, openSync, closeSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, type Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Fault } from '../core/faults.ts'
import type { Filter, FilterOptions } from '../filters/filter.ts'
import type { ArtifactSink, RawInput } from '../sources/source.ts'
import { isBrokenPipe, type Command, type Joined, type Processes, type Running } from '../sys/process.ts'
import { followSpool, spoolChunks, type FileSpool, type Spool } from '../sys/spool.ts'

/** One filter with its options, in the order of encoding. */
export interface Applied {
  filter: Filter
  options: FilterOptions
}

export interface PipelineTools {
  processes: Processes
  running: Running
}

/** Bytes in, filters, spool: where a source's artifact goes. Programs are joined by descriptors;
 * a filter without an installed program runs in Node, with the same format. */
export function artifactSink(
  spool: FileSpool,
  chain: readonly Applied[],
  tools: PipelineTools,
): ArtifactSink {
  const encoders = programsOf(chain, 'encode', tools.processes)
  return {
    async fromProgram(command) {
      if (encoders)
        return tools.processes.join(
          { stages: [command, ...encoders], input: null, output: { fd: spool.fd } },
          tools.running,
        )
      const through = new PassThrough()
      const stored = pipeline([through, ...streamsOf(chain), spool.fill], { signal: tools.running.signal })
      await bothEnded(pumpProgram(command, through, tools), stored)
    },
    async fromFile(path) {
      if (encoders && encoders.length > 0)
        return withFile(path, (fd) =>
          tools.processes.join({ stages: encoders, input: { fd }, output: { fd: spool.fd } }, tools.running),
        )
      await pipeline([createReadStream(path), ...streamsOf(chain), spool.fill], {
        signal: tools.running.signal,
      })
    },
  }
}

/** Waits for both, so that nobody writes any more. Storing that failed breaks the program's pipe; else the program is the cause. */
async function bothEnded(dumped: Promise<void>, stored: Promise<void>): Promise<void> {
  const [dump, store] = await Promise.allSettled([dumped, stored])
  const isEffect = store.status === 'rejected' && dump.status === 'rejected' && isBrokenPipe(dump.reason)
  if (dump.status === 'rejected' && !isEffect) throw dump.reason
  if (store.status === 'rejected') throw store.reason
}

/** A program's output into a stream; the stream ends well only when the program exited 0. */
async function pumpProgram(command: Command, into: PassThrough, tools: PipelineTools): Promise<void> {
  try {
    await tools.processes.join({ stages: [command], input: null, output: { into } }, tools.running)
    into.end()
  } catch (error) {
    into.destroy(error as Error)
    throw error
  }
}

/** The raw bytes behind a spool (growing or complete), filters undone. */
export function rawInput(
  spool: Spool & { path?: string },
  chain: readonly Applied[],
  tools: PipelineTools,
): RawInput {
  const { processes, running } = tools
  const decoders = programsOf(chain.toReversed(), 'decode', processes)

  async function intoProgram(
    command: Command,
    onOutput: ((chunk: Buffer) => void) | null,
  ): Promise<number | null> {
    const output = onOutput ? { scan: onOutput } : null
    if (!decoders) {
      const counter = counting()
      await processes.join({ stages: [command], input: { stream: decoded(counter.stream) }, output }, running)
      return counter.bytes()
    }
    const stages = [...decoders, command]
    const told = listening(running, chain)
    // a complete spool is handed over as a file: no byte of it passes through JavaScript
    if (spool.ended() && spool.path)
      await withFile(spool.path, (fd) => processes.join({ stages, input: { fd }, output }, told.running))
    else
      await processes.join(
        { stages, input: { stream: spoolChunks(spool, running.signal) }, output },
        told.running,
      )
    return decoders.length === 0 ? spool.size() : told.bytes()
  }

  /** An error anywhere travels down to the last stream, the one whose reader watches for errors. */
  function decoded(...more: Transform[]): Readable {
    const stages = [...chain.toReversed().map(({ filter }) => filter.decode()), ...more]
    return stages.reduce<Readable>(
      (bytes, stage) => {
        bytes.once('error', (error) => stage.destroy(error))
        return bytes.pipe(stage)
      },
      followSpool(spool, running.signal),
    )
  }

  async function intoFile(path: string): Promise<number> {
    if (decoders && decoders.length > 0) {
      const output = { fd: openSync(path, 'wx', 0o600) }
      const into = (input: Joined['input']): Promise<void> =>
        processes.join({ stages: decoders, input, output }, running)
      try {
        if (spool.ended() && spool.path) await withFile(spool.path, (fd) => into({ fd }))
        else await into({ stream: followSpool(spool, running.signal) })
      } finally {
        closeSync(output.fd)
      }
    } else {
      await pipeline(decoded(), createWriteStream(path, { flags: 'wx', mode: 0o600 }), {
        signal: running.signal,
      })
    }
    return (await stat(path)).size
  }

  return { intoProgram, intoFile }
}

/** The outermost decoder's own word for how many bytes it gave out, kept out of the run's log. */
function listening(
  running: Running,
  chain: readonly Applied[],
): { running: Running; bytes: () => number | null } {
  let bytes: number | null = null
  const said = (tool: string, line: string): void => {
    const told = chain[0]?.filter.decodedBytes?.(line) ?? null
    if (told !== null) bytes = told
    else if (!line.startsWith('***')) running.said(tool, line) // zstd's banner
  }
  return { running: { ...running, said }, bytes: () => bytes }
}

function counting(): { stream: PassThrough; bytes: () => number } {
  let bytes = 0
  const stream = new PassThrough()
  stream.on('data', (chunk: Buffer) => (bytes += chunk.length))
  return { stream, bytes: () => bytes }
}

/** The programs of the whole chain, or null when one of them has to run in Node. */
function programsOf(
  chain: readonly Applied[],
  direction: 'encode' | 'decode',
  processes: Processes,
): Command[] | null {
  const programs = chain.map(({ filter, options }) =>
    filter.program(direction, (program) => processes.find(program) !== null, options),
  )
  return programs.every((argv) => argv !== null) ? programs.map((argv) => ({ argv })) : null
}

function streamsOf(chain: readonly Applied[]): Transform[] {
  return chain.map(({ filter, options }) => filter.encode(options))
}

async function withFile<T>(path: string, use: (fd: number) => Promise<T>): Promise<T> {
  const fd = openSync(path, 'r')
  try {
    return await use(fd)
  } finally {
    closeSync(fd)
  }
}

/** @throws Fault internal for a filter that is not built in */
export function chainOf(
  kinds: readonly string[],
  filters: readonly Filter[],
  options: FilterOptions = { level: null },
): Applied[] {
  return kinds.map((kind) => {
    const filter = filters.find((candidate) => candidate.kind === kind)
    if (!filter) throw new Fault('target-invalid', `this backup uses ${kind}, which this version cannot undo`)
    return { filter, options }
  })
}

export function storedName(name: string, chain: readonly Applied[]): string {
  return name + chain.map(({ filter }) => filter.extension).join('')
}

export const spoolPath = (folder: string, name: string): string => join(folder, `spool-${name}`)
