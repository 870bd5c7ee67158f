/** A value of the few kinds that headers of archives have. */
export type Plain = string | number | bigint | boolean | null

/** Reads a BSON document that holds plain values only, whole. The full parser comes with the driver, which is loaded by who
 * connects; headers are read where nobody does, and at the start of files that claim to be an archive.
 * https://bsonspec.org/spec.html
 * @returns null when it is no such document */
export function readPlain(bytes: Buffer): Record<string, Plain> | null {
  const values: Record<string, Plain> = Object.create(null) as Record<string, Plain>
  if (bytes.length < 5 || bytes.readInt32LE(0) !== bytes.length || bytes.at(-1) !== 0) return null
  let at = 4
  const end = bytes.length - 1
  while (at < end) {
    const kind = bytes[at]!
    const stop = bytes.indexOf(0, at + 1)
    if (stop < 0 || stop >= end) return null
    const name = bytes.toString('utf8', at + 1, stop)
    const read = readValue(bytes.subarray(stop + 1, end), kind)
    if (read === null) return null
    values[name] = read.value
    at = stop + 1 + read.size
  }
  return at === end ? values : null
}

function readValue(bytes: Buffer, kind: number): { value: Plain; size: number } | null {
  const has = (size: number): boolean => bytes.length >= size
  switch (kind) {
    case 0x01:
      return has(8) ? { value: bytes.readDoubleLE(0), size: 8 } : null
    case 0x02:
      return readString(bytes)
    case 0x08:
      return has(1) && bytes[0]! <= 1 ? { value: bytes[0] === 1, size: 1 } : null
    case 0x0a:
      return { value: null, size: 0 }
    case 0x10:
      return has(4) ? { value: bytes.readInt32LE(0), size: 4 } : null
    case 0x12:
      return has(8) ? { value: bytes.readBigInt64LE(0), size: 8 } : null
    default:
      return null
  }
}

function readString(bytes: Buffer): { value: string; size: number } | null {
  if (bytes.length < 5) return null
  const length = bytes.readInt32LE(0)
  if (length < 1 || bytes.length < 4 + length || bytes[3 + length] !== 0) return null
  return { value: bytes.toString('utf8', 4, 3 + length), size: 4 + length }
}
