import type { Strategy } from '../core/config.ts'
import type { Encryption, EncryptionFacts } from '../core/encryption.ts'
import { Fault } from '../core/faults.ts'
import type { Direction, Filter, FilterOptions, FilterTools, Hearing, Prepared } from '../filters/filter.ts'
import type { Command, Processes, Running, ToolFailure } from '../sys/process.ts'
import type { Stage } from './flow.ts'
import { withUntried } from './reading-keys.ts'
import { ToolFailure as Failed, toolOf } from '../sys/process.ts'

/** One filter with its options, in the order of encoding. */
export interface Applied {
  filter: Filter
  options: FilterOptions
}

export interface PipelineTools {
  processes: Processes
  running: Running
  /** The private folder of the run; a chain with an encryption needs it. */
  folder?: string
}

/** What a strategy's dumps pass through: compression, then encryption. */
export function encodingChain(
  filters: readonly Filter[],
  { compression: { type, level }, encryption }: Pick<Strategy, 'compression' | 'encryption'>,
): Applied[] {
  const compressed = type === 'none' ? [] : [{ filter: known(type, filters), options: { level } }]
  if (!encryption) return compressed
  return [...compressed, { filter: known(encryption.type, filters), options: { level: null, encryption } }]
}

/** The same backwards: what undoes an artifact with the keys that the strategy has now.
 * @param kinds  an artifact's `filters`, in the order they were applied
 * @throws Fault key-missing where this host cannot read it · target-invalid for a filter that is not built in */
export function decodingChain(
  filters: readonly Filter[],
  kinds: readonly string[],
  encryption: Encryption | null,
): Applied[] {
  return kinds.map((kind) => {
    const filter = known(kind, filters)
    if (filter.role === 'compression') return { filter, options: { level: null } }
    return { filter, options: { level: null, encryption: keyFor(kind, encryption) } }
  })
}

function keyFor(kind: string, encryption: Encryption | null): Encryption {
  if (encryption?.type !== kind)
    throw new Fault(
      'key-missing',
      `this backup is encrypted with ${kind}, and the strategy has no key for it`,
      {
        hint: `set encryption: { type: ${kind}, … } with its identity_file or passphrase, or decrypt it where the key is`,
      },
    )
  if (canRead(encryption)) return encryption
  throw new Fault(
    'key-missing',
    `this backup is encrypted with ${kind} for recipients whose key is not on this host`,
    {
      hint: 'set encryption.identity_file, or decrypt it where the key is',
    },
  )
}

/** Can this host read what it encrypts? With recipients only it cannot, and dumps are proved before their encryption. */
export function canRead(encryption: Encryption | null): boolean {
  return !encryption || encryption.passphrase !== null || encryption.identityFile !== null
}

/** For the manifest; also tells before the first byte what would stop the encryption.
 * @throws Fault tool-missing · key-missing · key-wrong */
export async function encryptionFacts(
  filters: readonly Filter[],
  encryption: Encryption | null,
  tools: FilterTools,
): Promise<EncryptionFacts | null> {
  if (!encryption) return null
  return known(encryption.type, filters).keys!.facts({ level: null, encryption }, tools)
}

/** Stock commands that undo an artifact, in the order of their pipe; `KEYFILE` stands for the private key. */
export function stockDecoders(
  filters: readonly Filter[],
  kinds: readonly string[],
  facts: Pick<EncryptionFacts, 'mode'> | null,
): string[] {
  return kinds.toReversed().map((kind) => known(kind, filters).stockDecode(facts?.mode ?? null))
}

export function storedName(name: string, chain: readonly Applied[]): string {
  return name + chain.map(({ filter }) => filter.extension).join('')
}

function known(kind: string, filters: readonly Filter[]): Filter {
  const filter = filters.find((candidate) => candidate.kind === kind)
  if (!filter) throw new Fault('target-invalid', `this backup uses ${kind}, which this version cannot undo`)
  return filter
}

/** A chain made ready for one run: keys at hand, programs found. */
export interface OpenChain {
  /** In the order of the bytes. */
  stages: Stage[]
  /** Its programs' words go to their filters first. */
  running: Running
  /** What the outermost decoding program said it gave out; null = nothing. */
  bytes(): number | null
}

/** Works with a chain that is ready; what `prepare` made is gone afterwards. What its filters make of a failure is thrown instead.
 * @throws Fault tool-missing · key-missing · key-wrong · object-corrupt · and those of `work` */
export async function withChain<T>(
  { chain, direction }: { chain: readonly Applied[]; direction: Direction },
  tools: PipelineTools,
  work: (open: OpenChain) => Promise<T>,
): Promise<T> {
  const ready: Prepared[] = []
  try {
    for (const { filter, options } of chain)
      ready.push(filter.keys ? await filter.keys.prepare(direction, options, toolsOf(tools)) : plain(options))
    const steps = chain.map(({ filter }, index) => stepOf(filter, direction, { tools, ready: ready[index]! }))
    return await heard(steps, { direction, tools }, work)
  } catch (error) {
    throw chain.reduce<unknown>(
      (fault, { options: { encryption } }) => (encryption ? withUntried(fault, encryption) : fault),
      error,
    )
  } finally {
    for (const { close } of ready.toReversed()) await close()
  }
}

function plain(options: FilterOptions): Prepared {
  return { options, close: async () => {} }
}

function toolsOf({ folder, ...tools }: PipelineTools): FilterTools {
  if (folder === undefined) throw new Fault('internal', 'an encryption needs the folder of its run')
  return { ...tools, folder }
}

interface Step {
  stage: Stage
  /** null: a stream, or a program that needs no listener. */
  hearing: Hearing | null
}

function stepOf(
  filter: Filter,
  direction: Direction,
  { tools, ready: { options } }: { tools: PipelineTools; ready: Prepared },
): Step {
  const program = filter.program(direction, (name) => tools.processes.find(name) !== null, options)
  if (program) return { stage: program, hearing: filter.hear?.(direction) ?? null }
  const stream = filter[direction]?.(options)
  if (stream) return { stage: stream, hearing: null }
  throw new Fault('tool-missing', `${filter.kind} is not installed`, {
    hint: `install the package that brings ${filter.kind}`,
  })
}

async function heard<T>(
  steps: readonly Step[],
  { direction, tools }: { direction: Direction; tools: PipelineTools },
  work: (open: OpenChain) => Promise<T>,
): Promise<T> {
  const { running } = tools
  const listeners = steps.flatMap(({ stage, hearing }) =>
    hearing ? [{ tool: toolOf(stage as Command), hearing }] : [],
  )
  const said = (tool: string, line: string): void => {
    const listener = listeners.find((candidate) => candidate.tool === tool)
    if (!listener?.hearing.line(line)) running.said(tool, line)
  }
  const judged = (failure: ToolFailure | null): Fault | null => {
    const asked = failure ? listeners.filter(({ tool }) => tool === failure.tool) : listeners
    return asked.map(({ hearing }) => hearing.judge(failure)).find((fault) => fault !== null) ?? null
  }
  const ordered = steps.map(({ stage }) => stage)
  try {
    const result = await work({
      stages: direction === 'encode' ? ordered : ordered.toReversed(),
      running: { ...running, said },
      bytes: () => steps[0]?.hearing?.bytes() ?? null,
    })
    const objection = judged(null)
    if (objection) throw objection
    return result
  } catch (error) {
    throw (error instanceof Failed ? judged(error) : null) ?? error
  }
}
