import type { Readable } from 'node:stream'
import type { Series } from '../core/model.ts'
import type { Inspection, Proof, RawInput, Source } from '../sources/source.ts'
import type { Running } from '../sys/process.ts'
import { createFileSpool, type FileSpool } from '../sys/spool.ts'
import type { Attempt } from './backup.ts'
import type { EngineContext } from './context.ts'
import { canRead, encodingChain, storedName, type Applied, type PipelineTools } from './chain.ts'
import { artifactSink, provableSink, rawInput, spoolPath } from './pipeline.ts'
import type { Places } from './places.ts'
import type { Pulse } from './pulse.ts'

export interface Dumping extends Attempt {
  source: Source
  series: Series
  inspection: Inspection
  places: Places
}

/** One artifact in its spool, whole; proved unless `prove: false`. */
export interface Part {
  name: string
  key: string
  /** Filter kinds in the order they were applied. */
  filters: string[]
  spool: FileSpool
  proof: Proof | null
  /** How long its producer ran. */
  dumpMs: number
}

/** Everything the source writes, artifact after artifact, each followed by the proof and by every place while it grows.
 * Resolves when all is dumped and proved, however far the places are.
 * @param parts  gets each part as soon as it begins; closing its spool is the caller's */
export async function dumpAll(
  context: EngineContext,
  step: Dumping,
  { folder, parts }: { folder: string; parts: Part[] },
): Promise<void> {
  const chain = encodingChain(context.filters, step.strategy)
  step.pulse.stage('dump')

  async function onePart(name: string, produce: Produce): Promise<void> {
    const spool = await createFileSpool(spoolPath(step.folder, name), context.clock)
    const key = folder + storedName(name, chain)
    const filters = chain.map(({ filter }) => filter.kind)
    const part: Part = { name, key, filters, spool, proof: null, dumpMs: 0 }
    parts.push(part)
    step.places.send(key, spool)
    part.proof = await dumpAndProve(context, step, { part, chain, produce })
  }

  const file = (name: string) => ({
    fromProgram: (command: Parameters<Sunk['fromProgram']>[0]) =>
      onePart(name, (sink) => sink.fromProgram(command)),
    fromFile: (path: string) => onePart(name, (sink) => sink.fromFile(path)),
    fromStream: (bytes: Readable) => onePart(name, (sink) => sink.fromStream(bytes)),
  })
  await step.source.dump(step.series, step.inspection, { file }, step.signal)
}

type Sunk = ReturnType<typeof artifactSink>
type Produce = (sink: Sunk) => Promise<void>

async function dumpAndProve(
  context: EngineContext,
  step: Dumping,
  { part, chain, produce }: { part: Part; chain: Applied[]; produce: Produce },
): Promise<Proof | null> {
  const { spool } = part
  const stopped = new AbortController() // ends the others as soon as one fails
  const signal = AbortSignal.any([step.signal, stopped.signal])
  const running: Running = {
    signal,
    runId: step.run.id,
    said: (tool, line) => context.logs.append(step.run.id, `${tool}: ${line}`),
  }
  const tools = { processes: context.processes, running, folder: step.folder }
  const { sink, raw } = sinkAndRaw(step, { part, chain, tools })
  const begun = context.clock.monotonic()
  const [, proof] = await allOrFirstFault(
    [
      dumped(step.places, spool, () => produce(sink)).then(() => {
        part.dumpMs = context.clock.monotonic() - begun
        if (step.strategy.prove && !signal.aborted) step.pulse.stage('proof')
      }),
      step.strategy.prove ? step.source.prove(part.name, raw, signal) : null,
      watchSpool(context, spool, step.pulse, signal),
    ] as const,
    stopped,
  )
  return proof
}

/** The proof reads what will be stored; where this host cannot, it reads what is about to be encrypted ("V2 at dump"). */
function sinkAndRaw(
  { strategy }: Dumping,
  { part: { spool }, chain, tools }: { part: Part; chain: Applied[]; tools: PipelineTools },
): { sink: Sunk; raw: RawInput } {
  if (strategy.prove && !canRead(strategy.encryption)) return provableSink(spool, chain, tools)
  return { sink: artifactSink(spool, chain, tools), raw: rawInput(spool, chain, tools) }
}

/** The spool ends only when its producer ended well; otherwise whoever reads it fails with the producer's fault, and no place
 * is to blame. */
async function dumped(places: Places, spool: FileSpool, produce: () => Promise<void>): Promise<void> {
  try {
    await produce()
    await spool.finish()
  } catch (error) {
    places.stop(error)
    spool.fail(error)
    throw error
  }
}

async function watchSpool(
  context: EngineContext,
  spool: FileSpool,
  pulse: Pulse,
  signal: AbortSignal,
): Promise<void> {
  while (!spool.ended()) {
    pulse.moved('spool', await spool.size())
    await context.clock.sleep(200, signal)
  }
  pulse.moved('spool', await spool.size())
}

/** Waits for all; at the first failure tells the others to stop, waits until they did, and throws that first one. */
async function allOrFirstFault<T extends readonly unknown[]>(
  together: T,
  stopped: AbortController,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  let first: { error: unknown } | null = null
  const noted = together.map(async (promise) => {
    try {
      return await promise
    } catch (error) {
      first ??= { error }
      stopped.abort(error)
      throw error
    }
  })
  const results = await Promise.allSettled(noted)
  if (first) throw (first as { error: unknown }).error
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as never
}
