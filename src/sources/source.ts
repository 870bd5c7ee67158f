import type { Readable } from 'node:stream'
import type { TSchema } from 'typebox'
import type { Clock } from '../core/clock.ts'
import type { DatabaseChoice } from '../core/databases.ts'
import type { Log } from '../core/log.ts'
import type { Artifact, Manifest, Series, TableRows } from '../core/model.ts'
import type { Host } from '../core/tunnel.ts'
import type { Command, Processes } from '../sys/process.ts'
import type { Cloning } from './cloning.ts'
import type { Scratches } from './scratch.ts'
import type { SwapNames, Swapping } from './swapping.ts'

/** A kind of database. One file (or folder) plus one word in `registry.ts`. */
export interface SourceDriver {
  kind: string
  /** As people read it: `PostgreSQL`. */
  name: string
  /** URL schemes that select it. */
  schemes: readonly string[]
  /** JSON Schema of `options`; validation, types and reference page come from it. */
  options: TSchema
  /** Those of its options that leave something of a database out of a dump; `rows`: they leave the table itself in it. Absent: none. */
  leavingOut?: { all: readonly string[]; rows: readonly string[] }
  /** Judges a URL without connecting.
   * @returns what is wrong, or the facts that may be shown and the secrets that may not */
  parseUrl(url: string): UrlMistake | UrlFacts
  /** The same server, another database. Absent: a URL of this kind stands for one database alone. */
  at?(url: string, database: string): string
  /** Recognises a dump of its engine by its first bytes, filters undone, whatever the file is called.
   * @param head the first raw bytes, up to 64 KiB
   * @returns what they say; null = not of this engine */
  sniff(head: Buffer): Sniffed | null
  /** Costs nothing: connects only when a method is called. */
  open(config: SourceSettings, context: SourceContext): Source
}

export interface UrlMistake {
  mistake: string
  hint: string
}

export interface UrlFacts {
  endpoint: string
  database: string
  secrets: string[]
  /** The servers that it names, for tunnels; empty for a file or a socket. */
  hosts: readonly Host[]
}

/** What a dump's first bytes say; null where they do not tell. */
export interface Sniffed {
  /** As in manifests; `sql` is text, which needs `--allow-sql-fallback`. */
  format: string
  /** Only text that any engine could mean. */
  vague: boolean
  database: string | null
  serverVersion: string | null
  toolVersion: string | null
  /** When it was dumped, epoch ms. */
  createdAt: number | null
}

export interface SourceSettings {
  strategy: string
  url: string
  /** Dump from here instead of `url`; null = url. */
  dumpUrl: string | null
  /** Credentials for restores; null = url. */
  restoreUrl: string | null
  /** Restores have credentials of their own, which this work does not get: what `url` may do tells nothing of them. */
  restorerWithheld?: boolean
  options: Record<string, unknown>
  /** What `series` lists; null: the one database of the URL. Everything else is about that of the URL. */
  databases: DatabaseChoice | null
}

/** What a source may use of the outside world. */
export interface SourceContext {
  processes: Processes
  clock: Clock
  log: Log
  /** A private folder of this run (0700), removed after it; for credential files and scratch copies. */
  folder: string
  /** Where a server of one of the URLs is connected to: itself, or this machine's end of a tunnel. Certificates are still those of the
   * server itself. */
  reach(host: Host): Host
  /** Written into child environments and session names, so that recovery finds strays. */
  runId: string
  /** Each line a tool says (stderr; stdout when it is not the dump); kept with the run. */
  said(tool: string, line: string): void
}

/** One database server or file. Every method takes a signal and leaves nothing behind when it fires. */
export interface Source {
  /** The databases this strategy covers now.
   * @throws Fault database-unreachable · database-refused · database-missing */
  series(signal: AbortSignal): Promise<Series[]>

  /** Does `series` show every chosen database of the server, also those that this user may not read? Only then is one that it lacks
   * gone. Absent: it does. @throws Fault as those of `series` */
  seesAll?(signal: AbortSignal): Promise<boolean>

  /** Facts about one series, read right before a dump; chooses the client and refuses a too old one before a byte.
   * @throws Fault tool-missing · tool-too-old and those of `series` */
  inspect(series: Series, signal: AbortSignal): Promise<Inspection>

  /** Writes the series into the sink, one artifact after another. Resolves only when every producer ended well.
   * @throws Fault dump-failed · database-locked · database-refused … */
  dump(series: Series, inspection: Inspection, sink: Sink, signal: AbortSignal): Promise<void>

  /** Decodes one artifact whole with the engine's own parser (level V2) and counts its rows.
   * @param raw the artifact's bytes before filters; reading it to the end is part of the proof
   * @param format a manifest's; default: what this source dumps. `sql` is judged without a row being counted
   * @throws Fault proof-failed */
  prove(artifactName: string, raw: RawInput, signal: AbortSignal, format?: string): Promise<Proof>

  /** What restoring `backup` into `target` would meet. Reads only, changes nothing.
   * @param front the artifact's first raw bytes, cut somewhere; absent = nothing of the dump is known yet */
  plan(
    backup: Manifest,
    target: TargetRequest,
    signal: AbortSignal,
    front?: RawInput | null,
  ): Promise<TargetPlan>

  /** Restores into a target that does not exist yet (created here), is empty, or is overwritten (`clean`); stops at the first error.
   * After a fault a new target is removed, an empty one is empty or labelled partial, and an overwritten one holds its old data.
   * @param artifact opens the raw bytes of one artifact, verified beforehand
   * @throws Fault restore-failed · target-exists */
  restore(
    backup: Manifest,
    target: TargetRequest,
    plan: TargetPlan,
    artifact: (artifact: Artifact) => Promise<RawInput>,
    signal: AbortSignal,
  ): Promise<Restored>

  /** Is the server working for this run right now? A server that waits for somebody else's lock is not. Absent: only
   * children of this machine work. @throws Fault database-… when it cannot be asked */
  works?(signal: AbortSignal): Promise<boolean>

  /** What tells at this moment that two addresses lead to one database: then they have one of these in common. Absent: this kind
   * overwrites nothing.
   * @param of  as in a plan of that target; both null: the database of the URL
   * @returns empty: nothing bears the name
   * @throws Fault database-… when it cannot be asked */
  marks?(of: Pick<TargetRequest, 'database' | 'url'>, signal: AbortSignal): Promise<string[]>

  /** What makes a restored database a copy for people, together with `swap`. Absent: this kind cannot be cloned. */
  clone?: Cloning

  /** Puts a restored database in the place of the live one. Absent: this kind is restored beside only. */
  swap?: Swapping

  /** Restores into something of our own, to be compared and thrown away. Absent: backups of this kind cannot be drilled. */
  scratch?: Scratches

  /** Ends server sessions that a dead run left behind (found by the run id in their name). */
  terminate(runId: string, signal: AbortSignal): Promise<number>

  /** For doctor: can it be reached, read, and can a target be created? Each line a person can act on. */
  check(signal: AbortSignal): Promise<CheckLine[]>

  /** What the server's clock says, epoch ms. Absent where there is no server. */
  now?(signal: AbortSignal): Promise<number>

  /** Stock commands that restore the artifacts once filters are undone; `{file}` stands for the undone file's name. */
  stockRestore(manifestFacts: { series: string; artifacts: string[] }): string[]

  /** Closes connections. Never throws. */
  close(): Promise<void>
}

export interface CheckLine {
  name: string
  ok: boolean
  text: string
  hint: string | null
}

export interface Inspection {
  engine: {
    kind: string
    name: string
    serverVersion: string
    toolVersion: string | null
    /** Of the database itself, where no dump tells it: what its new tables and its routines sort by. */
    collation?: string
  }
  method: string
  format: string
  database: string
  endpoint: string
  /** Does it hold tables? An empty dump of a source with tables is a failure. */
  hasTables: boolean
  /** Size on the server in bytes; null = unknown. */
  sizeBytes: number | null
  warnings: string[]
}

/** Where a dump goes: each artifact passes the filters into its spool. */
export interface Sink {
  /** Starts the artifact `name` (a plain file name that never ends in `.json`). One at a time. */
  file(name: string): ArtifactSink
}

export interface ArtifactSink {
  /** The program's standard output is the artifact. Resolves when it and every filter exited 0. */
  fromProgram(command: Command): Promise<void>
  /** A finished file on this disk is the artifact. */
  fromFile(path: string): Promise<void>
  /** The stream's bytes are the artifact; what the stream fails with is thrown. */
  fromStream(bytes: Readable): Promise<void>
}

/** Undone bytes of an artifact: a file to open, or a descriptor to hand to a program. */
export interface RawInput {
  /** Its bytes come by a single time, such as before an encryption; absent: as often as wanted. */
  once?: true
  /** Runs a program whose standard input is the raw bytes, joined by descriptors where there is a decoder program.
   * Every part must exit 0. `onOutput` sees standard output, chunk by chunk; a chunk's bytes are gone when it returns. Resolves with the number of raw bytes; null = not known. */
  intoProgram(command: Command, onOutput: ((chunk: Buffer) => void) | null): Promise<number | null>
  /** Writes the raw bytes into a new file. @returns size in bytes */
  intoFile(path: string): Promise<number>
  /** Shows `take` all of the raw bytes, chunk by chunk; a chunk's bytes are gone when it returns, and it never throws.
   * Resolves with how many there were. */
  intoReader(take: (chunk: Buffer) => void): Promise<number>
}

export interface Proof {
  /** Size of the artifact before filters; null when the parser does not tell. */
  rawBytes: number | null
  tables: TableRows[]
  /** How many schema objects of each kind it holds; absent: not counted. */
  objects?: Record<string, number>
}

/** What a person asked for; exactly one of the places. */
export interface TargetRequest {
  /** A database on the strategy's own server. For a file engine: a path. null: `suggested`. */
  database: string | null
  /** Another server (or file) by URL. */
  url: string | null
  /** The time in the suggested name, e.g. `20261120_060000`: when nothing was asked the driver takes
   * `<name>_restore_<stamp>`, the name cut to the engine's limit. */
  stamp: string
  noOwner: boolean
  /** It is changed before anybody uses it: statistics of it are gathered later. */
  draft?: boolean
  /** Without tablespaces and subscriptions, too; for a drill. */
  bare?: boolean
  /** Only these tables, as manifests name them; absent or empty: everything. */
  tables?: readonly string[]
  /** A target that holds something is overwritten, all or nothing. */
  clean?: boolean
  /** How many tables are loaded at a time; absent: one. */
  jobs?: number
  /** `plan` only: in the place of the strategy's own database. Where it is restored first, the plan says (`swap`). */
  inPlace?: {
    /** A question whose one value is the newest data; null: none. Asked read-only. */
    freshnessSql: string | null
  }
}

export interface TargetPlan {
  mode: 'new-database' | 'other-database' | 'other-server' | 'file' | 'in-place'
  name: string
  endpoint: string
  fingerprint: string
  exists: boolean
  /** true when it exists and holds nothing. */
  empty: boolean
  sizeBytes: number | null
  sessions: number | null
  serverVersion: string | null
  /** Roles that the dump names and the target lacks: `--no-owner --no-acl` is offered. Empty when `front` was absent or too short;
   * then a warning says that they are unknown. */
  missingRoles: string[]
  warnings: string[]
  blockers: string[]
  /** In place: the names. */
  swap?: SwapNames
  /** In place: what `freshnessSql` answered; null = nothing, or it could not be asked. */
  newest?: string | null
}

export interface Restored {
  /** Rows as counted in the target after the restore. */
  tables: TableRows[]
  warnings: string[]
  /** e.g. `psql -h … -d shop_restore_…`; never a password. */
  open: string | null
}

export type { Cloning } from './cloning.ts'
export type { Scratch, Scratches, ScratchPlace } from './scratch.ts'
export type { Swap, Swapped, SwapNames, Swapping } from './swapping.ts'
