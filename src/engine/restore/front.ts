import { Fault } from '../../core/faults.ts'
import type { EncryptionFacts } from '../../core/encryption.ts'
import type { Filter } from '../../filters/filter.ts'
import type { Reader } from '../objects.ts'
import { sealOf } from './seal.ts'

/** An object's first bytes with the filters undone, as far as they could be. */
export interface Front {
  /** Filter kinds in the order they were applied. */
  layers: string[]
  raw: Buffer
  /** Of the outermost encryption, as its own first bytes say; null = there is none. */
  seal: EncryptionFacts | null
}

/** Undoes an encryption as far as the bytes go, with whatever keys there are. @throws Fault key-missing · key-wrong */
export type Unseal = (filter: Filter, found: { seal: EncryptionFacts; bytes: Buffer }) => Promise<Buffer>

const storedBytes = 1024 * 1024 // the table of contents of some thousand tables, compressed
const rawBytes = 16 * 1024 * 1024 // what a small file may grow to while we only look
const mostLayers = 4

/** @throws Fault object-missing · storage-… */
export async function readFront(
  reader: Pick<Reader, 'get'>,
  from: { key: string; bytes: number; filters: readonly Filter[]; unseal: Unseal; signal: AbortSignal },
): Promise<Front> {
  if (from.bytes === 0) throw new Fault('object-corrupt', `${from.key} is empty`)
  const range = { start: 0, end: Math.min(from.bytes, storedBytes) - 1 }
  const chunks: Buffer[] = []
  for await (const chunk of await reader.get(from.key, { range, signal: from.signal }))
    chunks.push(chunk as Buffer)
  return peel(Buffer.concat(chunks), from)
}

/** The bytes say what they are; names and manifests may lie. */
export async function peel(
  stored: Buffer,
  { filters, unseal }: { filters: readonly Filter[]; unseal: Unseal },
): Promise<Front> {
  let seal: EncryptionFacts | null = null
  const layers: string[] = []
  let raw = stored
  while (layers.length < mostLayers) {
    const filter = filters.find((candidate) => candidate.sniff(raw))
    if (!filter) break
    layers.unshift(filter.kind)
    if (filter.role === 'encryption') {
      const found = sealOf(filter.kind, raw)
      seal ??= found
      raw = await unseal(filter, { seal: found, bytes: raw })
    } else raw = await undoFront(filter, raw)
  }
  return { layers, raw, seal }
}

/** What a decoder gives out before it misses the rest. */
function undoFront(filter: Filter, bytes: Buffer): Promise<Buffer> {
  return new Promise((done) => {
    const decoder = filter.decode!({ level: null })
    const chunks: Buffer[] = []
    let size = 0
    decoder.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > rawBytes) decoder.destroy()
    })
    decoder.once('error', () => undefined) // it was cut on purpose
    decoder.once('close', () => done(Buffer.concat(chunks)))
    decoder.end(bytes)
  })
}

/** What people may have wrapped around a dump; hexadecimal, as their formats begin. */
const closed: readonly { what: string; undo: string; fronts: readonly string[] }[] = [
  {
    what: 'encrypted with age',
    undo: 'age -d',
    fronts: ['6167652d656e6372797074696f6e2e6f72672f', '2d2d2d2d2d424547494e20414745'],
  },
  {
    what: 'encrypted with OpenPGP',
    undo: 'gpg -d',
    fronts: ['2d2d2d2d2d424547494e20504750', '84', '85', '8c0d04', 'c1', 'c30d04'],
  },
  { what: 'compressed with bzip2', undo: 'bzip2 -dc', fronts: ['425a68'] },
  { what: 'compressed with xz', undo: 'xz -dc', fronts: ['fd377a585a'] },
  { what: 'a zip archive', undo: 'unzip -p', fronts: ['504b0304'] },
]

/** Words for bytes that no source knows. */
export function unknownFormat(address: string, { raw, layers }: Front): Fault {
  if (raw.length === 0)
    return new Fault(
      'object-corrupt',
      `${address} is ${layers.at(-1)} that cannot be decoded: cut or damaged`,
    )
  const head = raw.toString('hex', 0, 64)
  const found = closed.find(({ fronts }) => fronts.some((front) => head.startsWith(front)))
  if (found)
    return new Fault('target-invalid', `${address} is ${found.what}`, {
      hint: `undo it first: ${found.undo} FILE > dump, then restore --from dump`,
    })
  const isTar = raw.toString('latin1', 257, 262) === 'ustar'
  const inside = layers.length > 0 ? ` inside ${layers.toReversed().join(' and ')}` : ''
  return new Fault(
    'target-invalid',
    `${address} holds ${isTar ? 'a tar archive' : 'no format that is known here'}${inside}`,
    {
      hint: 'it takes pg_dump’s custom format, a tar archive of its directory format with toc.dat first, a SQLite file, or plain SQL',
    },
  )
}
