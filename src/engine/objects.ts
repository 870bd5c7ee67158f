import { createHash } from 'node:crypto'
import { asFault, Fault } from '../core/faults.ts'
import type { Artifact } from '../core/model.ts'
import type { ObjectInfo, Storage } from '../storages/storage.ts'
import type { FileSpool } from '../sys/spool.ts'
import { pipeline } from 'node:stream/promises'

const smallBytes = 16 * 1024 * 1024 // a manifest of 100,000 tables has about 5 MB

/** A manifest, marker or sidecar as text. @throws Fault object-missing · object-corrupt when it is implausibly large */
export async function readSmall(
  storage: Pick<Storage, 'get'>,
  key: string,
  signal: AbortSignal,
): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of await storage.get(key, { signal })) {
    size += (chunk as Buffer).length
    if (size > smallBytes) throw new Fault('object-corrupt', `${key} is larger than a manifest can be`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString()
}

/** All objects under a prefix, page by page. */
export async function* listAll(
  storage: Pick<Storage, 'list'>,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<ObjectInfo> {
  let cursor: string | null = null
  do {
    const page = await storage.list(prefix, cursor, signal)
    yield* page.objects
    cursor = page.cursor
  } while (cursor !== null)
}

/** What reading back needs of a place. */
export type Reader = Pick<Storage, 'get' | 'head' | 'list' | 'location'>

interface Reading {
  into: FileSpool | null
  onBytes: (bytes: number) => void
  signal: AbortSignal
}

/** Reads a stored artifact whole and compares length and digest with its manifest; into a spool when one is given.
 * Nothing is passed on before the end, so that no wrong byte reaches a target (promise 12).
 * @throws Fault object-corrupt · object-missing · storage-unreachable */
export async function fetchVerified(
  storage: Pick<Storage, 'get'>,
  artifact: Artifact,
  options: Reading,
): Promise<void> {
  const sha256 = await fetchWhole(storage, artifact, options)
  if (sha256 !== artifact.sha256)
    throw new Fault(
      'object-corrupt',
      `${artifact.key} does not have the SHA-256 of its manifest: it was changed or damaged`,
      { hint: olderHint },
    )
  await options.into?.finish()
}

/** What was altered on its way is not what lies there: only what reads wrong twice is wrong.
 * @param said  gets one line when it is read once more */
export async function readTwice<T>(read: () => Promise<T>, said: (line: string) => void): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const { code, message } = asFault(error)
    if (code !== 'object-corrupt') throw error
    said(`${message}; it is read once more`)
    return read()
  }
}

/** The same of an object that no manifest vouches for: only its length is compared.
 * @returns its SHA-256, lower-case hex */
export async function fetchUnknown(
  storage: Pick<Storage, 'get'>,
  artifact: Artifact,
  options: Reading,
): Promise<string> {
  const sha256 = await fetchWhole(storage, artifact, options)
  await options.into?.finish()
  return sha256
}

const olderHint = 'choose an older backup: `easy-backup list` shows which are good'

async function fetchWhole(
  storage: Pick<Storage, 'get'>,
  artifact: Artifact,
  options: Reading,
): Promise<string> {
  const hash = createHash('sha256')
  let bytes = 0
  const source = await storage.get(artifact.key, { signal: options.signal })
  const measure = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk)
      options.onBytes((bytes += chunk.length))
      yield chunk
    }
  }
  await pipeline(source, measure, options.into?.fill ?? discard, { signal: options.signal })
  if (bytes === artifact.storedBytes) return hash.digest('hex')
  throw new Fault('object-corrupt', `${artifact.key} has ${bytes} bytes instead of ${artifact.storedBytes}`, {
    hint: olderHint,
  })
}

async function discard(chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of chunks) void chunk
}
