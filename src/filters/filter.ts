import type { Duplex } from 'node:stream'
import type { TSchema } from 'typebox'
import type { Encryption, EncryptionFacts } from '../core/encryption.ts'
import type { Fault } from '../core/faults.ts'
import type { Command, Processes, Running, ToolFailure } from '../sys/process.ts'

export type Direction = 'encode' | 'decode'

/** Bytes to bytes, in an ordinary format: undone by a stock program that needs nothing of ours. */
export interface Filter {
  kind: string
  /** A dump is compressed first, then encrypted: nothing can be compressed afterwards. */
  role: 'compression' | 'encryption'
  /** Appended to the artifact's name, with the dot: `.zst`. */
  extension: string
  /** JSON Schema of its options beside `type`; of a compression. */
  options: TSchema
  /** The program that does it, joined by descriptors; null = it is not installed: then the stream below is used, and without one
   * the tool is missing. Secrets are in `secrets` only (promise 14).
   * @param has says whether a program is on PATH
   * @param options of an encryption: as `keys.prepare` gave them */
  program(direction: Direction, has: (program: string) => boolean, options: FilterOptions): Command | null
  /** The same format inside Node; absent where only a program knows it. A truncated or damaged input makes `decode` fail. */
  encode?(options: FilterOptions): Duplex
  decode?(options: FilterOptions): Duplex
  /** Recognises its format from an object's first bytes (at least 6). */
  sniff(head: Uint8Array): boolean
  /** Only of an encryption: can what it stored hold what it was given?
   * @param plainBytes  null = nobody counted them
   * @param stored  its first bytes, and how many there are in all */
  canHold?(plainBytes: number | null, stored: { head: Uint8Array; bytes: number }): boolean
  /** Follows one run of its program; absent: whatever it says goes to the run's log, and exit status 0 is enough. */
  hear?(direction: Direction): Hearing
  /** Stock command that undoes it from standard input to standard output: `zstd -dc`. `KEYFILE` stands for the private key.
   * @param mode of an encryption; null for a compression */
  stockDecode(mode: EncryptionFacts['mode'] | null): string
  /** Only of an encryption. */
  keys?: KeyHandling
}

export interface FilterOptions {
  /** null: the filter's default. */
  level: number | null
  /** Of an encryption: recipients, passphrase, identity file. */
  encryption?: Encryption
  /** Of an encryption that needs one: the private folder that `prepare` filled. */
  home?: string
}

/** How an encryption deals with keys. Every method needs `options.encryption`. */
export interface KeyHandling {
  /** Makes keys usable for one run of its program, and tells early what would stop it: before the first byte.
   * @returns options for `program`, `encode`, `decode`; and the end of it, which never throws and leaves no process or file
   * @throws Fault tool-missing · key-missing (no such file, or no private key where one is needed) · key-wrong (not a key of this kind) */
  prepare(direction: Direction, options: FilterOptions, tools: FilterTools): Promise<Prepared>
  /** What the manifest says of it. @throws as `prepare` */
  facts(options: FilterOptions, tools: FilterTools): Promise<EncryptionFacts>
}

/** What an encryption may use of the outside world. */
export interface FilterTools {
  processes: Processes
  running: Running
  /** The private folder of the run (0700), removed after it. */
  folder: string
}

export interface Prepared {
  options: FilterOptions
  close(): Promise<void>
}

/** Listens to one run of a filter's program. */
export interface Hearing {
  /** A line on standard error. @returns false: it is also for the run's log */
  line(text: string): boolean
  /** How many bytes it gave out; null = it did not say. */
  bytes(): number | null
  /** Once everything has ended.
   * @param failure of this program; null = it exited 0
   * @returns what is thrown instead, `key-wrong` and `object-corrupt` told apart where the format can; null = no objection */
  judge(failure: ToolFailure | null): Fault | null
}
