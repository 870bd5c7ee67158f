import type { EncryptionFacts } from './encryption.ts'
import type { Actor, Compression, Level, Trigger } from './model.ts'

export interface TableRows {
  /** Schema-qualified as the engine prints it, e.g. `public.orders`. */
  name: string
  rows: number
}

/** One stored object of a backup, beside its manifest. */
export interface Artifact {
  /** As the source named it, without filter extensions, e.g. `myapp.dump`. */
  name: string
  /** Storage key of the object. */
  key: string
  /** Before filters; null when nothing measured it (`prove: false`). */
  rawBytes: number | null
  storedBytes: number
  /** Lower-case hex SHA-256 of the object as stored. */
  sha256: string
  /** Filter kinds in the order they were applied, e.g. ['zstd']. */
  filters: string[]
}

/** `manifest.json` beside the dump is the commit of a backup: written once, last. */
export interface Manifest {
  schema: 1
  id: string
  strategy: string
  series: string
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
  /** It holds what belongs to the server and to no database. */
  globals?: true
  /** Where the database answers, without credentials: `host:port` or a path. */
  endpoint: string
  /** Name of the machine that ran the backup. */
  host: string
  /** ISO 8601, UTC. */
  startedAt: string
  endedAt: string
  trigger: Trigger
  actor: Actor
  attempt: number
  rawBytes: number | null
  storedBytes: number
  compression: Compression
  encryption: EncryptionFacts | null
  level: Level
  /** It was decoded before its encryption, by a host that cannot read it: nobody has decoded what is stored. */
  provedAtDump?: true
  /** Exact rows per table as counted by the proof; null when not proved, and when they are in `details`. */
  tables: TableRows[] | null
  /** How many schema objects of each kind the dump holds, e.g. `{ INDEX: 12 }`, as its engine names kinds; absent: not counted. */
  objects?: Record<string, number>
  /** Options of the source with which something of the database was left out; which, `strategyConfig` says. Absent: nothing was. */
  leftOut?: string[]
  artifacts: Artifact[]
  /** Only of an encrypted backup: what names tables and counts their rows, encrypted like the dump. */
  details?: Artifact
  /** hourly, daily, weekly, monthly: the buckets in which it is the first of its series. */
  kinds: string[]
  /** Commands of stock tools that restore it, to be pasted in the folder that holds the artifacts. */
  restoreCommands: string[]
  strategyConfig: unknown
  tool: { name: 'easy-backup'; version: string }
  installation: string
  /** SHA-256 over the canonical JSON of everything above. */
  digest: string
}
