/** CRC-64 of ECMA-182, reflected, as archives of mongodump carry it for the documents of each collection. Two halves of 32 bits:
 * BigInt would be fifty times slower. Eight bytes at a time. */
export interface Crc64 {
  high: number
  low: number
}

const polynomial = { high: 0xc96c5795, low: 0xd7870f42 }
const lanes = 8
const highs = new Uint32Array(lanes * 256)
const lows = new Uint32Array(lanes * 256)

for (let byte = 0; byte < 256; byte++) {
  let [high, low] = [0, byte]
  for (let bit = 0; bit < 8; bit++) {
    const isOdd = low & 1
    low = ((low >>> 1) | (high << 31)) >>> 0
    high >>>= 1
    if (isOdd) [high, low] = [(high ^ polynomial.high) >>> 0, (low ^ polynomial.low) >>> 0]
  }
  ;[highs[byte], lows[byte]] = [high, low]
}
for (let at = 256; at < lanes * 256; at++) {
  const [high, low] = [highs[at - 256]!, lows[at - 256]!]
  lows[at] = lows[low & 0xff]! ^ ((low >>> 8) | (high << 24))
  highs[at] = highs[low & 0xff]! ^ (high >>> 8)
}

export function startCrc(): Crc64 {
  return { high: 0xffffffff, low: 0xffffffff }
}

export function addToCrc(crc: Crc64, bytes: Buffer, from: number, to: number): void {
  let { high, low } = crc
  let at = from
  for (; at + 8 <= to; at += 8) {
    const a = low ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    const b =
      high ^ (bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24))
    const [i, j, k, l] = [1792 + (a & 0xff), 1536 + ((a >>> 8) & 0xff), 1280 + ((a >>> 16) & 0xff), 1024 + (a >>> 24)] // prettier-ignore
    const [m, n, o, p] = [768 + (b & 0xff), 512 + ((b >>> 8) & 0xff), 256 + ((b >>> 16) & 0xff), b >>> 24]
    low = lows[i]! ^ lows[j]! ^ lows[k]! ^ lows[l]! ^ lows[m]! ^ lows[n]! ^ lows[o]! ^ lows[p]!
    high = highs[i]! ^ highs[j]! ^ highs[k]! ^ highs[l]! ^ highs[m]! ^ highs[n]! ^ highs[o]! ^ highs[p]!
  }
  for (; at < to; at++) {
    const index = (low ^ bytes[at]!) & 0xff
    low = ((low >>> 8) | (high << 24)) ^ lows[index]!
    high = (high >>> 8) ^ highs[index]!
  }
  crc.high = high
  crc.low = low
}

/** As archives have it: a signed number of 64 bits. */
export function endOfCrc({ high, low }: Crc64): bigint {
  return BigInt.asIntN(64, (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0))
}
