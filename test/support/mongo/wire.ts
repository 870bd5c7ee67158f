import { BSON, type Document } from 'mongodb'

/** One request, as OP_MSG or as the OP_QUERY of a first greeting.
 * https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ */
export interface Request {
  id: number
  isQuery: boolean
  /** Nobody waits for an answer. */
  isSilent: boolean
  command: Document
  /** Documents to write, as BSON. */
  documents: Buffer[]
}

const opReply = 1
const opQuery = 2004
const opMsg = 2013
const moreToCome = 2

/** Whole messages of a stream of bytes. */
export function createSplitter(onMessage: (message: Buffer) => void): (chunk: Buffer) => void {
  let kept: Buffer = Buffer.alloc(0)
  return (chunk) => {
    kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk])
    while (kept.length >= 4 && kept.length >= kept.readInt32LE(0)) {
      const size = kept.readInt32LE(0)
      onMessage(kept.subarray(0, size))
      kept = kept.subarray(size)
    }
  }
}

export function readRequest(message: Buffer): Request {
  const id = message.readInt32LE(4)
  const kind = message.readInt32LE(12)
  if (kind === opQuery) return readQuery(message, id)
  if (kind !== opMsg) throw new Error(`opcode ${kind} is not spoken here`)
  const flags = message.readUInt32LE(16)
  if (flags & ~moreToCome & 0xffff) throw new Error(`flags ${flags} are not understood`)
  let at = 20
  let command: Document = {}
  const documents: Buffer[] = []
  while (at < message.length) {
    const section = message[at]!
    const size = message.readInt32LE(at + 1)
    const body = message.subarray(at + 1, at + 1 + size)
    if (section === 0) {
      const { documents: inline = [], ...rest } = BSON.deserialize(body, { fieldsAsRaw: { documents: true } })
      command = rest
      documents.push(...(inline as Buffer[]))
    } else documents.push(...sequenceOf(body))
    at += 1 + size
  }
  return { id, isQuery: false, isSilent: (flags & moreToCome) !== 0, command, documents }
}

/** A kind-1 section: its size, the name of its field, documents. */
function sequenceOf(body: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = body.indexOf(0, 4) + 1; at < body.length; at += body.readInt32LE(at))
    found.push(body.subarray(at, at + body.readInt32LE(at)))
  return found
}

function readQuery(message: Buffer, id: number): Request {
  const end = message.indexOf(0, 20)
  const command = BSON.deserialize(message.subarray(end + 1 + 8))
  const $db = message.toString('utf8', 20, end).replace(/\.\$cmd$/, '')
  return { id, isQuery: true, isSilent: false, command: { ...command, $db }, documents: [] }
}

export function writeReply({ id, isQuery }: Request, answer: Document): Buffer {
  const body = BSON.serialize(answer)
  const front = Buffer.alloc(isQuery ? 36 : 21)
  front.writeInt32LE(front.length + body.length, 0)
  front.writeInt32LE(id, 8)
  front.writeInt32LE(isQuery ? opReply : opMsg, 12)
  if (isQuery) {
    front.writeInt32LE(8, 16) // AwaitCapable
    front.writeInt32LE(1, 32)
  }
  return Buffer.concat([front, body])
}
