import { Readable } from 'node:stream'
import type { Strategy } from '../core/config.ts'
import type { Encryption } from '../core/encryption.ts'
import { Fault } from '../core/faults.ts'
import type { Artifact, Manifest, TableRows } from '../core/model.ts'
import { createFileSpool, type FileSpool } from '../sys/spool.ts'
import {
  canRead,
  decodingChain,
  encodingChain,
  storedName,
  type Applied,
  type PipelineTools,
} from './chain.ts'
import type { EngineContext } from './context.ts'
import { decodeBytes, encodeBytes, spoolPath } from './pipeline.ts'

/** What the manifest of an encrypted backup must not say in the clear: an object of its own, encrypted like the dump. */
export interface Details {
  schema: 1
  backup: string
  /** As Manifest.tables of a backup that is not encrypted. */
  tables: TableRows[] | null
  /** As Manifest.strategyConfig: options and questions name tables too. */
  strategyConfig: unknown
}

const name = 'details'
const largest = 64 * 1024 * 1024 // of 100,000 tables it has about 5 MB

/** The object before its length and digest are known, in its spool. Its plain text is never on the disk. */
export interface DetailsPart {
  artifact: Pick<Artifact, 'name' | 'key' | 'rawBytes' | 'filters'>
  spool: FileSpool
}

/** @param step.folder  of the run  @param into  of the backup in a place, ending in '/' */
export async function spoolDetails(
  context: EngineContext,
  step: {
    strategy: Pick<Strategy, 'compression' | 'encryption' | 'prove'>
    folder: string
    tools: PipelineTools
  },
  { details, into }: { details: Details; into: string },
): Promise<DetailsPart> {
  const chain = encodingChain(context.filters, step.strategy)
  const plain = Buffer.from(JSON.stringify(details))
  const bytes = await encodeBytes(plain, chain, step.tools)
  if (step.strategy.prove && canRead(step.strategy.encryption))
    await requireReadable(context, step, { plain, bytes, chain })
  const spool = await createFileSpool(spoolPath(step.folder, name), context.clock)
  try {
    await spool.fill(Readable.from([bytes]))
    await spool.finish()
  } catch (error) {
    await spool.close()
    throw error
  }
  const key = into + storedName(name, chain)
  return {
    artifact: { name, key, rawBytes: plain.length, filters: chain.map(({ filter }) => filter.kind) },
    spool,
  }
}

/** @throws Fault proof-failed */
async function requireReadable(
  context: EngineContext,
  { strategy, tools }: { strategy: Pick<Strategy, 'encryption'>; tools: PipelineTools },
  { plain, bytes, chain }: { plain: Buffer; bytes: Buffer; chain: readonly Applied[] },
): Promise<void> {
  const kinds = chain.map(({ filter }) => filter.kind)
  const back = await decodeBytes(bytes, decodingChain(context.filters, kinds, strategy.encryption), tools)
  if (!back.equals(plain)) throw new Fault('proof-failed', 'the details do not decrypt to what they were')
}

/** @param spool  fetched and compared with its digest. @throws Fault key-missing · key-wrong · object-corrupt */
export async function readDetails(
  context: EngineContext,
  {
    spool,
    artifact,
    backup,
    keys,
  }: { spool: FileSpool; artifact: Artifact; backup: string; keys: Encryption | null },
  tools: PipelineTools,
): Promise<Details> {
  if (artifact.storedBytes > largest) throw broken(artifact, 'is larger than it can be')
  const bytes = await spool.read(0, artifact.storedBytes, tools.running.signal)
  const plain = await decodeBytes(bytes, decodingChain(context.filters, artifact.filters, keys), tools)
  let details: Details | null
  try {
    details = JSON.parse(plain.toString()) as Details | null
  } catch {
    throw broken(artifact, 'is not JSON')
  }
  if (details?.schema !== 1 || details.backup !== backup) throw broken(artifact, 'is of another backup')
  return details
}

function broken({ key }: Artifact, why: string): Fault {
  return new Fault('object-corrupt', `${key} ${why}`)
}

/** The manifest as it would be without encryption, for whoever compares with it. */
export function withDetails(manifest: Manifest, { tables, strategyConfig }: Details): Manifest {
  return { ...manifest, tables, strategyConfig }
}
