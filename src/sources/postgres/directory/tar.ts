/** Tar as POSIX has it: ustar, with a pax header where a size does not fit. Only what a dump in directory format needs.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06 */
export const blockBytes = 512

/** Two blocks of zeros. */
export const archiveEnd = Buffer.alloc(2 * blockBytes)

const largestPlain = 8 ** 11 - 1 // eleven octal digits: 8 GiB less one byte

/** Who a member belongs to, and when it was written; the same for every member of one dump. */
export interface Stamp {
  owner: string
  group: string
  /** Epoch seconds. */
  at: number
}

/** What stands before a member's bytes.
 * @param name  plain, at most 100 bytes */
export function memberHeader({ name, size }: { name: string; size: number }, stamp: Stamp): Buffer {
  if (size <= largestPlain) return header({ name, size, type: '0' }, stamp)
  const record = paxRecord('size', String(size))
  return Buffer.concat([
    header({ name: `${name}.pax`.slice(-100), size: record.length, type: 'x' }, stamp),
    record,
    padding(record.length),
    header({ name, size: largestPlain, type: '0' }, stamp),
  ])
}

/** What stands behind a member's bytes. */
export function padding(size: number): Buffer {
  return Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes)
}

function header(
  { name, size, type }: { name: string; size: number; type: string },
  { owner, group, at }: Stamp,
): Buffer {
  const block = Buffer.alloc(blockBytes)
  block.write(name, 0, 100)
  block.write('0000600\0', 100)
  block.write('0000000\0', 108) // user and group 0: who unpacks it owns it
  block.write('0000000\0', 116)
  block.write(octal(size, 11), 124)
  block.write(octal(at, 11), 136)
  block.write('        ', 148) // the sum of all bytes, itself taken as blanks
  block.write(type, 156)
  block.write('ustar\x0000', 257)
  block.write(owner, 265, 31)
  block.write(group, 297, 31)
  block.write(`${octal(sumOf(block), 6)}\0 `, 148)
  return block
}

/** `<length> key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.from(`${length}${rest}`)
}

function octal(amount: number, digits: number): string {
  return amount.toString(8).padStart(digits, '0')
}

export interface Header {
  name: string
  /** `0` a file, `5` a folder, `x` and `g` pax headers. */
  type: string
  size: number
  owner: string
  group: string
  at: number
}

/** @returns null = a block of zeros
 * @throws Error when it is none */
export function readHeader(block: Buffer): Header | null {
  if (block.every((byte) => byte === 0)) return null
  const sum = number(block, 148, 8)
  const blank = Buffer.from(block).fill(0x20, 148, 156)
  if (sumOf(blank) !== sum) throw new Error('a header of the tar archive is damaged')
  const prefix = block.toString('latin1', 257, 262) === 'ustar' ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type: block[156] === 0 ? '0' : String.fromCharCode(block[156]!),
    size: number(block, 124, 12),
    owner: text(block, 265, 32),
    group: text(block, 297, 32),
    at: number(block, 136, 12),
  }
}

/** The size that a pax header gives the member behind it; null = none. */
export function paxSize(records: Buffer): number | null {
  const size = /(?:^|\n)\d+ size=(\d+)\n/.exec(records.toString('latin1'))?.[1]
  return size === undefined ? null : Number(size)
}

function sumOf(block: Buffer): number {
  return block.reduce((sum, byte) => sum + byte, 0)
}

function text(block: Buffer, from: number, length: number): string {
  const field = block.subarray(from, from + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? length : end)
}

/** Octal digits, or a binary number where the first bit is set (GNU tar writes large sizes so). */
function number(block: Buffer, from: number, length: number): number {
  if ((block[from]! & 0x80) !== 0) return Number(block.readBigUInt64BE(from + length - 8))
  const digits = text(block, from, length).trim()
  const amount = digits === '' ? 0 : parseInt(digits, 8)
  if (!/^[0-7]*$/.test(digits)) throw new Error('a header of the tar archive is damaged')
  return amount
}
