import { BSON, type Document } from 'mongodb'

/** The format of `mongodump --archive`, written and read without a word of the driver's own reader: slow and plain. */
const magic = 0x8199e26d
export const terminator = Buffer.from([0xff, 0xff, 0xff, 0xff])

/** CRC-64 of ECMA-182, bit by bit. */
export function crcOf(documents: readonly Buffer[]): BSON.Long {
  let crc = 0xffffffffffffffffn
  for (const document of documents)
    for (const byte of document) crc = table[Number((crc ^ BigInt(byte)) & 0xffn)]! ^ (crc >> 8n)
  return BSON.Long.fromBigInt(BigInt.asIntN(64, crc ^ 0xffffffffffffffffn))
}

const table = Array.from({ length: 256 }, (_, byte) => {
  let value = BigInt(byte)
  for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ 0xc96c5795d7870f42n : value >> 1n
  return value
})

export interface Metadata {
  db: string
  collection: string
  type: string
  /** Extended JSON. */
  metadata: string
}

export function writeFront(all: readonly Metadata[]): Buffer {
  const number = Buffer.alloc(4)
  number.writeUInt32LE(magic)
  const header = {
    concurrent_collections: new BSON.Int32(4),
    version: '0.1',
    server_version: '7.0.14',
    tool_version: '100.0.0-stub',
  }
  const listed = all.map((one) => BSON.serialize({ ...one, size: new BSON.Int32(0) }))
  return Buffer.concat([number, BSON.serialize(header), ...listed, terminator])
}

export function writeBlock(db: string, collection: string, documents: readonly Buffer[]): Buffer {
  const header = BSON.serialize({ db, collection, EOF: false, CRC: BSON.Long.ZERO })
  return Buffer.concat([header, ...documents, terminator])
}

export function writeEnd(db: string, collection: string, documents: readonly Buffer[]): Buffer {
  return Buffer.concat([BSON.serialize({ db, collection, EOF: true, CRC: crcOf(documents) }), terminator])
}

export interface Reader {
  onCollection(metadata: Metadata): Promise<void>
  onDocuments(db: string, collection: string, documents: Buffer[]): Promise<void>
}

/** @throws Error with the words of mongorestore when it is no whole archive */
export async function readArchive(bytes: Buffer, reader: Reader): Promise<void> {
  if (bytes.length < 4 || bytes.readUInt32LE(0) !== magic)
    throw new Error('stream or file does not appear to be a mongodump archive')
  let at = 4
  const open = new Set<string>()
  const next = (): Buffer | null => {
    if (bytes.length < at + 4) throw corrupt('unexpected EOF')
    const size = bytes.readInt32LE(at)
    if (size === -1) return ((at += 4), null)
    if (size < 5 || bytes.length < at + size) throw corrupt('read bson ( unexpected EOF )')
    return bytes.subarray(at, (at += size))
  }
  next()
  for (let one = next(); one !== null; one = next()) {
    const metadata = BSON.deserialize(one) as Metadata
    open.add(`${metadata.db}.${metadata.collection}`)
    await reader.onCollection(metadata)
  }
  while (at < bytes.length) {
    const header = BSON.deserialize(next() ?? Buffer.alloc(0)) as Document & {
      db: string
      collection: string
    }
    const documents: Buffer[] = []
    let cut: unknown = null
    try {
      for (let one = next(); one !== null; one = next()) documents.push(one)
    } catch (error) {
      cut = error
    }
    await reader.onDocuments(header.db, header.collection, documents) // what came before it broke is there
    if (cut !== null) throw cut as Error
    if (header.EOF) open.delete(`${header.db}.${header.collection}`)
  }
  if (open.size > 0) throw corrupt(`${[...open][0]} was not closed`)
}

const corrupt = (why: string): Error =>
  new Error(`archive demultiplexer: corruption found in archive; ${why}`)
