import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable, Transform } from 'node:stream'
import { asFault } from '../core/faults.ts'
import type { ArtifactSink, RawInput } from '../sources/source.ts'
import { bytesSpool, fillFile, type FileSpool, type Spool } from '../sys/spool.ts'
import { withChain, type Applied, type OpenChain, type PipelineTools } from './chain.ts'
import { flow, type Inlet, type Outlet, type Stage } from './flow.ts'
import { requireSealed } from './sealed.ts'
import { tee } from './tee.ts'

/** Bytes in, filters, spool: where a source's artifact goes. Programs are joined by descriptors; a filter without an installed
 * program runs in Node, with the same format.
 * @param chain  as `encodingChain` gives it */
export function artifactSink(
  spool: FileSpool,
  chain: readonly Applied[],
  tools: PipelineTools,
): ArtifactSink {
  const to = { fd: spool.fd, fill: spool.fill }
  const { signal } = tools.running
  const encode = async (first: readonly Stage[], from: Inlet): Promise<void> => {
    await withChain({ chain, direction: 'encode' }, tools, ({ stages, running }) =>
      flow([...unseekable(first, stages), ...stages], { from, to }, { ...tools, running }),
    )
    await requireSealed(chain, { plainBytes: null, stored: spool, signal })
  }
  return {
    fromProgram: (command) => encode([command], null),
    fromFile: (path) => encode([], { path }),
    fromStream: (stream) => encode([], { stream }),
  }
}

/** A program without filters behind it would write into the file itself, and go back in it: pg_dump completes the front of its dump at
 * its end. But a spool is read while it grows, and what was read must stay. Filters only ever append. */
function unseekable(source: readonly Stage[], filters: readonly Stage[]): readonly Stage[] {
  return source.length > 0 && filters.length === 0 ? [...source, new PassThrough()] : source
}

/** For a host that cannot read what it encrypts: the same sink, and the raw bytes for a proof that reads beside it, taken after the
 * compression and before the encryption ("V2 at dump"). Nothing unencrypted touches the disk; compressed bytes pass through Node,
 * at the pace of the slower one. When the dump, the encryption or the proof ends early, so do the others.
 * @returns raw  to be read once, while the sink is filled; it waits for that */
export function provableSink(
  spool: FileSpool,
  chain: readonly Applied[],
  tools: PipelineTools,
): { sink: ArtifactSink; raw: RawInput } {
  const { through, branch, bytes } = tee()
  const isOpen = ({ filter }: Applied): boolean => filter.role === 'compression'
  const open = chain.filter(isOpen)
  const sealed = chain.filter((applied) => !isOpen(applied))
  const to = { fd: spool.fd, fill: spool.fill }
  const encode = (first: readonly Stage[], from: Inlet): Promise<void> =>
    withChain({ chain: open, direction: 'encode' }, tools, (inner) =>
      withChain({ chain: sealed, direction: 'encode' }, { ...tools, running: inner.running }, (outer) =>
        flow(
          [...first, ...inner.stages, through, ...outer.stages],
          { from, to },
          { ...tools, running: outer.running },
        ),
      ),
    )
      .then(() => requireSealed(sealed, { plainBytes: bytes(), stored: spool, signal: tools.running.signal }))
      .catch((error: unknown) => {
        branch.destroy(error as Error) // not before the cause is known, which the proof would cover up
        throw error
      })
  return {
    sink: {
      fromProgram: (command) => encode([command], null),
      fromFile: (path) => encode([], { path }),
      fromStream: (stream) => encode([], { stream }),
    },
    raw: { ...undone({ stream: branch }, open, tools), once: true },
  }
}

/** The raw bytes behind a spool (growing or complete), filters undone. May be read again and again.
 * @param chain  as `decodingChain` gives it
 * Its methods throw, beside what they promise: Fault key-wrong · key-missing · object-corrupt (the filter itself knows) */
export function rawInput(spool: Spool, chain: readonly Applied[], tools: PipelineTools): RawInput {
  return undone({ spool }, chain, tools)
}

function undone(from: Inlet, chain: readonly Applied[], tools: PipelineTools): RawInput {
  const decode = <T>(work: (open: OpenChain) => Promise<T>): Promise<T> =>
    withChain({ chain, direction: 'decode' }, tools, work)
  return {
    intoProgram: (command, onOutput) =>
      decode(async ({ stages, running, bytes }) => {
        const counter = counting()
        const isMeasured = stages.length > 0 && 'argv' in stages.at(-1)!
        const decoders = isMeasured || stages.length === 0 ? stages : [...stages, counter.stream]
        const to = onOutput ? { scan: onOutput } : null
        await flow([...decoders, command], { from, to, isReader: true }, { ...tools, running })
        if (stages.length === 0) return sizeOf(from)
        return isMeasured ? bytes() : counter.bytes()
      }),
    intoFile: (path) =>
      decode(async ({ stages, running }) => {
        const file = await open(path, 'wx', 0o600)
        const to = { fd: file.fd, fill: (chunks: AsyncIterable<Buffer>) => fillFile(file, chunks) }
        try {
          await flow(stages, { from, to }, { ...tools, running })
        } finally {
          await file.close()
        }
        return (await stat(path)).size
      }),
    intoReader: (take) =>
      decode(async ({ stages, running }) => {
        let bytes = 0
        const scan = (chunk: Buffer): void => {
          bytes += chunk.length
          take(chunk)
        }
        await flow(stages, { from, to: { scan } }, { ...tools, running })
        return bytes
      }),
  }
}

async function sizeOf(from: Inlet): Promise<number | null> {
  return from && 'spool' in from ? from.spool.size() : null
}

function counting(): { stream: Transform; bytes: () => number } {
  let bytes = 0
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done(null, chunk)
    },
  })
  return { stream, bytes: () => bytes }
}

/** Something small through a whole chain, nothing of it on the disk. @throws as `artifactSink` */
export async function encodeBytes(
  bytes: Buffer,
  chain: readonly Applied[],
  tools: PipelineTools,
): Promise<Buffer> {
  const counter = counting()
  const sealing = chain.findIndex(({ filter }) => filter.role === 'encryption')
  const encoded = await collected(async (to) =>
    withChain({ chain, direction: 'encode' }, tools, ({ stages, running }) =>
      flow(
        sealing < 0 ? stages : stages.toSpliced(sealing, 0, counter.stream),
        { from: { stream: Readable.from([bytes]) }, to },
        { ...tools, running },
      ),
    ),
  )
  const { signal } = tools.running
  await requireSealed(chain, { plainBytes: counter.bytes(), stored: bytesSpool(encoded), signal })
  return encoded
}

/** @throws as `rawInput` */
export async function decodeBytes(
  bytes: Buffer,
  chain: readonly Applied[],
  tools: PipelineTools,
): Promise<Buffer> {
  return collected(async (to) =>
    withChain({ chain, direction: 'decode' }, tools, ({ stages, running }) =>
      flow(stages, { from: { stream: Readable.from([bytes]) }, to }, { ...tools, running }),
    ),
  )
}

/** What an object's first bytes become, as far as they go: the rest of it is missing on purpose.
 * @param most  raw bytes that are enough
 * @throws Fault key-wrong · key-missing · passphrase-missing · tool-missing; anything else is what a cut ends with */
export async function decodeFront(
  front: { bytes: Buffer; most: number },
  chain: readonly Applied[],
  tools: PipelineTools,
): Promise<Buffer> {
  const enough = new AbortController()
  const signal = AbortSignal.any([tools.running.signal, enough.signal])
  const running = { ...tools.running, signal, said: () => undefined }
  const chunks: Buffer[] = []
  let size = 0
  const receive = (chunk: Buffer): void => {
    chunks.push(chunk)
    size += chunk.length
    if (size > front.most) enough.abort(new Error('enough'))
  }
  await withChain({ chain, direction: 'decode' }, { ...tools, running }, ({ stages, running: heard }) =>
    flow(
      stages,
      { from: { stream: Readable.from([front.bytes]) }, to: { receive } },
      { ...tools, running: heard },
    ),
  ).catch((error: unknown) => {
    tools.running.signal.throwIfAborted()
    if (['key-wrong', 'key-missing', 'passphrase-missing', 'tool-missing'].includes(asFault(error).code))
      throw error
  })
  return Buffer.concat(chunks)
}

async function collected(work: (to: Outlet) => Promise<void>): Promise<Buffer> {
  const chunks: Buffer[] = []
  await work({ receive: (chunk) => chunks.push(chunk) })
  return Buffer.concat(chunks)
}

export const spoolPath = (folder: string, name: string): string => join(folder, `spool-${name}`)
