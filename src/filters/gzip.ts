import { createGunzip, createGzip } from 'node:zlib'
import { Type } from 'typebox'
import type { Direction, Filter, Hearing } from './filter.ts'
import { notWhole } from './wrap/not-whole.ts'
import { strict } from './wrap/strict.ts'

const defaultLevel = 6 // what gzip itself uses
const chunkSize = 128 * 1024

/** Gzip by `pigz` (all cores), else `gzip`, else Node. Each writes one member, with a CRC-32 of the content. */
export const gzip: Filter = {
  kind: 'gzip',
  role: 'compression',
  extension: '.gz',
  options: Type.Object(
    {
      level: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 9,
          default: defaultLevel,
          description: 'From 1 (fast) to 9 (small)',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  program(direction, has, { level }) {
    const program = ['pigz', 'gzip'].find(has)
    if (!program) return null
    // -n: no name and time, so that equal dumps give equal objects
    const argv =
      direction === 'encode' ? [program, '-c', '-n', `-${level ?? defaultLevel}`] : [program, '-dc']
    return { argv }
  },
  encode: ({ level }) => createGzip({ level: level ?? defaultLevel, chunkSize }),
  decode: () => strict('gzip', createGunzip({ chunkSize })),
  sniff: (head) => head[0] === 0x1f && head[1] === 0x8b && head[2] === 0x08, // RFC 1952, section 2.3.1
  hear,
  stockDecode: () => 'gzip -dc',
}

/** Of pigz, GNU gzip and that of busybox. */
const brokenWords =
  /unexpected end of file|corrupted|invalid compressed data|crc error|incorrect length|short read|not in gzip format|unrecognized format|invalid magic|<stdin> empty|trailing garbage/i

function hear(direction: Direction): Hearing {
  return {
    line: () => false,
    bytes: () => null,
    judge: (failure) => (direction === 'decode' ? notWhole('gzip', brokenWords, failure) : null),
  }
}
