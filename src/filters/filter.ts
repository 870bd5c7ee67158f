import type { TSchema } from 'typebox'
import type { Transform } from 'node:stream'

/** Bytes to bytes, in an ordinary format: undone by a stock program that needs nothing of ours. */
export interface Filter {
  kind: string
  /** Appended to the artifact's name, with the dot: `.zst`. */
  extension: string
  /** JSON Schema of its options beside `type`. */
  options: TSchema
  /** The installed program that does it, joined by descriptors; null = use the stream below.
   * @param has says whether a program is on PATH */
  program(
    direction: 'encode' | 'decode',
    has: (program: string) => boolean,
    options: FilterOptions,
  ): string[] | null
  /** The same format from Node's own zlib. A truncated or damaged input makes `decode` fail. */
  encode(options: FilterOptions): Transform
  decode(): Transform
  /** Recognises its format from an object's first bytes (at least 6). */
  sniff(head: Uint8Array): boolean
  /** What the decoding program says on standard error about the number of bytes it gave out; null = another line. */
  decodedBytes?(line: string): number | null
  /** Stock command that undoes it from standard input to standard output: `zstd -dc`. */
  stockDecode: string
}

export interface FilterOptions {
  /** null: the filter's default. */
  level: number | null
}
