import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib'
import { Type } from 'typebox'
import type { Direction, Filter, Hearing } from './filter.ts'
import { notWhole } from './wrap/not-whole.ts'
import { strict } from './wrap/strict.ts'

const defaultLevel = 3 // what zstd itself uses
const chunkSize = 128 * 1024

/** Zstandard by the `zstd` program (all cores), else Node (one core). Both write a checksum of the content. */
export const zstd: Filter = {
  kind: 'zstd',
  role: 'compression',
  extension: '.zst',
  options: Type.Object(
    {
      level: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 19, // above it every reader needs more memory than the programs allow by default
          default: defaultLevel,
          description: 'From 1 (fast) to 19 (small)',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  program(direction, has, { level }) {
    if (!has('zstd')) return null
    return {
      argv:
        direction === 'encode'
          ? ['zstd', '-q', '-c', '--check', `-${level ?? defaultLevel}`, '-T0']
          : ['zstd', '-dc', '-v', '--no-progress'], // -v: it says how many bytes it gave out
    }
  },
  // never ZSTD_c_nbWorkers: it crashes Node 24 and 26
  encode: ({ level }) =>
    createZstdCompress({
      chunkSize,
      params: {
        [constants.ZSTD_c_compressionLevel]: level ?? defaultLevel,
        [constants.ZSTD_c_checksumFlag]: 1,
      },
    }),
  decode: () => strict('zstd', createZstdDecompress({ chunkSize })),
  sniff: (head) => head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd, // RFC 8878, section 3.1.1
  hear,
  stockDecode: () => 'zstd -dc',
}

const brokenWords = /premature end|decoding error|unexpected end of file|unsupported format|unknown header/i

function hear(direction: Direction): Hearing {
  let bytes: number | null = null
  return {
    line(text) {
      const told = Number(/: (\d+) bytes$/.exec(text)?.[1] ?? NaN) || null
      bytes = told ?? bytes
      return told !== null || text.startsWith('***') // its banner
    },
    bytes: () => bytes,
    judge: (failure) => (direction === 'decode' ? notWhole('zstd', brokenWords, failure) : null),
  }
}
