import { Fault } from '../../core/faults.ts'
import type { Proof } from '../source.ts'
import { readPlain, type Plain } from './bson.ts'
import { addToCrc, endOfCrc, startCrc, type Crc64 } from './crc64.ts'

/** https://github.com/mongodb/mongo-tools, common/archive: a magic number; a block with a header and one document of metadata for
 * each collection; then blocks, each a header that names a collection, documents of it, and a terminator. The blocks of several
 * collections alternate. The last block of each has no documents, says EOF, and the CRC of all its documents. */
export const magic = 0x8199e26d
const terminator = 0xffffffff
const largest = 16 * 1024 * 1024 + 16 * 1024 // a document of 16 MiB, and what the server may add
const smallest = 5

export interface ArchiveHeader {
  serverVersion: string | null
  toolVersion: string | null
}

/** Reads an archive to its last byte, as it comes in chunks. */
export interface ArchiveReader {
  /** Never throws; the chunk's bytes are not kept. */
  take(chunk: Buffer): void
  /** @throws Fault proof-failed: it is cut, damaged, or lacks the end of a collection */
  end(): Proof
}

type Section = 'magic' | 'prelude' | 'metadata' | 'between' | 'documents'

interface Collection {
  rows: number
  crc: Crc64
  ended: boolean
}

export function createArchiveReader(): ArchiveReader {
  let section: Section = 'magic'
  let trouble: string | null = null
  let total = 0
  /** What is gathered before it is looked at: four bytes of a length, or a whole header. */
  let kept = Buffer.alloc(0)
  let wanted = 4
  /** Of a document that passes by: bytes still to come. */
  let passing = 0
  let current: Collection | null = null
  const prelude: Prelude = { collections: new Map(), objects: {}, names: [] }

  function take(chunk: Buffer): void {
    total += chunk.length
    let at = 0
    while (trouble === null && at < chunk.length) {
      if (passing > 0) {
        const to = Math.min(chunk.length, at + passing)
        addToCrc(current!.crc, chunk, at, to)
        passing -= to - at
        if (passing === 0 && chunk[to - 1] !== 0) trouble = 'a document does not end where it says'
        at = to
        continue
      }
      const to = Math.min(chunk.length, at + wanted - kept.length)
      kept = kept.length === 0 ? Buffer.from(chunk.subarray(at, to)) : Buffer.concat([kept, chunk.subarray(at, to)]) // prettier-ignore
      at = to
      if (kept.length === wanted) trouble = look()
    }
  }

  /** At what was gathered. @returns what is wrong with it */
  function look(): string | null {
    const bytes = kept
    const isLength = wanted === 4
    if (!isLength) {
      kept = Buffer.alloc(0)
      wanted = 4
      return readDocument(bytes)
    }
    const number = bytes.readUInt32LE(0)
    if (section === 'magic') {
      kept = Buffer.alloc(0)
      section = 'prelude'
      return number === magic ? null : 'this is not an archive of mongodump'
    }
    if (number === terminator) {
      kept = Buffer.alloc(0)
      if (section === 'prelude' || section === 'between') return 'a block has no header'
      section = 'between'
      return null
    }
    if (number < smallest || number > largest) return `${number} is not the size of a document`
    if (section !== 'documents') {
      wanted = number
      return null
    }
    kept = Buffer.alloc(0)
    if (current!.ended) return 'a collection goes on behind its end'
    addToCrc(current!.crc, bytes, 0, 4)
    current!.rows += 1
    passing = number - 4
    return null
  }

  function readDocument(bytes: Buffer): string | null {
    const values = readPlain(bytes)
    if (values === null) return 'a header cannot be read'
    if (section === 'prelude') {
      section = 'metadata'
      return typeof values.version === 'string' ? null : 'the archive says no version'
    }
    if (section === 'metadata') return noteCollection(prelude, values)
    section = 'documents'
    return openBlock(values)
  }

  function openBlock(values: Record<string, Plain>): string | null {
    const { db, collection, EOF, CRC } = values
    const isHeader = Object.keys(values).length === 4 && typeof EOF === 'boolean' && typeof CRC === 'bigint'
    if (!isHeader || (!EOF && CRC !== 0n)) return 'a header is not one'
    const name = `${String(db)}.${String(collection)}`
    const found = prelude.collections.get(name)
    if (!found) return `${name} is not in the archive's list of collections`
    current = found
    if (!EOF) return null
    if (found.ended) return `${name} ends twice`
    found.ended = true
    return CRC === endOfCrc(found.crc)
      ? null
      : `the documents of ${name} are not those that were dumped (CRC)`
  }

  function end(): Proof {
    const open = prelude.names.find(({ name }) => !prelude.collections.get(name)!.ended)
    if (trouble === null && (section !== 'between' || kept.length > 0)) trouble = 'it stops in the middle'
    if (trouble === null && open) trouble = `${open.name} has no end`
    if (trouble !== null) throw new Fault('proof-failed', `the archive is not whole: ${trouble}`)
    const tables = prelude.names.flatMap(({ name, shown }) =>
      shown === null ? [] : [{ name: shown, rows: prelude.collections.get(name)!.rows }],
    )
    return { rawBytes: total, tables, objects: prelude.objects }
  }

  return { take, end }
}

interface Prelude {
  /** By namespace. */
  collections: Map<string, Collection>
  /** `shown`: null of a view. */
  names: { name: string; shown: string | null }[]
  objects: Record<string, number>
}

/** A view has an end and no documents; those of a time series are in its buckets. */
function noteCollection(
  { collections, names, objects }: Prelude,
  values: Record<string, Plain>,
): string | null {
  const { db, collection, type, metadata } = values
  if (typeof db !== 'string' || typeof collection !== 'string') return 'a collection has no name'
  const facts = metadataOf(metadata)
  if (facts === null) return `the metadata of ${collection} cannot be read`
  const kind = type === 'view' || facts.isView ? 'view' : type === 'timeseries' ? 'timeseries' : 'collection'
  objects[kind] = (objects[kind] ?? 0) + 1
  if (facts.indexes > 0) objects.index = (objects.index ?? 0) + facts.indexes
  const shown = kind === 'timeseries' ? `system.buckets.${collection}` : collection
  const name = `${db}.${shown}`
  if (collections.has(name)) return `${name} is listed twice`
  collections.set(name, { rows: 0, crc: startCrc(), ended: false })
  names.push({ name, shown: kind === 'view' ? null : shown })
  return null
}

function metadataOf(metadata: Plain | undefined): { indexes: number; isView: boolean } | null {
  if (metadata === undefined || metadata === null || metadata === '') return { indexes: 0, isView: false }
  try {
    const { indexes, options } = JSON.parse(String(metadata)) as {
      indexes?: unknown[]
      options?: { viewOn?: unknown }
    }
    return { indexes: indexes?.length ?? 0, isView: options?.viewOn !== undefined }
  } catch {
    return null
  }
}

/** What the front of an archive says, as far as it is there. */
export function readFront(head: Buffer): (ArchiveHeader & { database: string | null }) | null {
  if (head.length < 4 || head.readUInt32LE(0) !== magic) return null
  const first = documentAt(head, 4)
  const second = first && documentAt(head, 4 + first.size)
  const text = (value: Plain | undefined): string | null => (typeof value === 'string' ? value : null)
  return {
    serverVersion: text(first?.values.server_version),
    toolVersion: text(first?.values.tool_version),
    database: text(second?.values.db),
  }
}

function documentAt(bytes: Buffer, at: number): { values: Record<string, Plain>; size: number } | null {
  if (bytes.length < at + 4) return null
  const size = bytes.readUInt32LE(at)
  const values = readPlain(bytes.subarray(at, at + size))
  return values && { values, size }
}
