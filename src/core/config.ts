import type { Access } from './access.ts'
import type { CloneConfig } from './clone.ts'
import type { DatabaseChoice } from './databases.ts'
import type { DrillConfig } from './drill.ts'
import type { Encryption } from './encryption.ts'
import type { HooksConfig } from './hooks.ts'
import type { LogLevel } from './log.ts'
import type { Compression } from './model.ts'
import type { NotificationConfig } from './notifications.ts'
import type { ScheduleSpec } from './schedule.ts'
import type { TunnelConfig } from './tunnel.ts'
import type { UsualLimits } from './usual.ts'

/** A strategy with every default filled in; what the engine works from. Milliseconds and bytes; 0 = off where said. */
export interface Strategy {
  name: string
  tags: string[]
  source: SourceConfig
  schedule: ScheduleSpec
  timezone: string
  /** null: nothing is ever deleted. */
  retention: Retention | null
  compression: { type: Compression; level: number | null }
  /** null: dumps are stored as anybody can read them. */
  encryption: Encryption | null
  prove: boolean
  /** null: none. */
  hooks: HooksConfig | null
  /** Place -> how a copy gets there: `clone <strategy> <place>`. */
  clones: Record<string, CloneConfig>
  /** null: only when somebody asks. */
  drill: DrillConfig | null
  retry: { maxAttempts: number; delayMs: number; maxDelayMs: number }
  /** Totals: 0 = off. `stallMs` (nothing moves) is always on. */
  timeout: { backupMs: number; uploadMs: number; restoreMs: number; stallMs: number }
  /** `maxAgeMs` null: schedule × 1.5 + usual duration. The others are what a good backup may differ from the usual by. */
  expect: { maxAgeMs: number | null } & UsualLimits
  storages: string[]
  /** Storage name -> its own retention, where `storage` items name one; elsewhere `retention` counts. */
  placeRetention: Record<string, Retention>
  /** `undoMs`: how long a replaced database is kept. `freshnessSql`: its one value is the newest data, for plans. */
  restore: { expiresMs: number; undoMs: number; freshnessSql: string | null }
  slack: SlackRouting | null
  protected: boolean
  /** Its own `access` over the global one, key by key; null: neither is there. */
  access: Access | null
  /** The strategy as in the file, secrets as `***`; goes into manifests and `config print`. */
  redacted: unknown
}

export interface SourceConfig {
  /** Driver kind, from the URL's scheme. */
  kind: string
  /** Holds secrets; never printed. */
  url: string
  /** Dump from here instead (a replica). */
  dumpUrl: string | null
  /** Stronger credentials, used only for a confirmed restore. */
  restoreUrl: string | null
  /** The driver's own options, validated by its schema. */
  options: Record<string, unknown>
  /** Many databases of the server, a series each; null: the one of the URL. */
  databases: DatabaseChoice | null
  /** null: the server answers from here. */
  tunnel: TunnelConfig | null
}

/** An age, calendar buckets (GFS), or both. 0 = that rule is not used. */
export interface Retention {
  /** null: no age limit. */
  maxAgeMs: number | null
  minKeep: number
  keepLast: number
  keepHourly: number
  keepDaily: number
  keepWeekly: number
  keepMonthly: number
  keepYearly: number
  /** So long everything of a database stays that the server no longer has; null or absent: nothing of it is ever deleted. */
  keepGoneMs?: number | null
  /** As people say it: `30d`, or `7 daily, 4 weekly, 30d at most`. */
  text: string
}

/** Where a strategy's messages go, each kind falling back to `channel`. Slack ids only. */
export interface SlackRouting {
  channel: string
  success: string | null
  failure: string | null
  approvals: string | null
  digest?: string | null
  mentionOnFailure: string[]
}

export interface SlackConnection {
  botToken: string
  /** Socket Mode; null = send-only: threads, no commands. */
  appToken: string | null
  /** HTTP mode, when there is no app token. */
  http?: SlackHttp
  /** Default `https://slack.com/api/`. */
  apiUrl: string
  blocks: 'basic' | 'rich'
  /** So long after the last beat Slack itself says that nothing is heard; 0 or absent = off. */
  silenceMs?: number
  routing: SlackRouting
}

/** Slack calls us: requests are signed with the secret. */
export interface SlackHttp {
  signingSecret: string
  listen: Omit<Listen, 'path'>
}

export interface StorageConfig {
  name: string
  /** Driver kind. */
  kind: string
  options: Record<string, unknown>
}

export interface Listen {
  bind: string
  port: number
  path: string
}

/** The whole configuration, frozen. Built by config/load; everything else only reads it. */
export interface Config {
  /** Path it was read from. */
  file: string
  strategies: Strategy[]
  storages: StorageConfig[]
  slack: SlackConnection | null
  logLevel: LogLevel
  stateDir: string
  tempDir: string
  maxParallel: number
  health: Listen | null
  metrics: Listen | null
  /** Who is told beside Slack. */
  notifications: NotificationConfig[]
  /** Bytes of stored backups that are read again each day, by place; 0 = none. */
  reread: Record<string, number>
  /** A summary now and then; null: none. */
  digest: { schedule: ScheduleSpec; timezone: string } | null
  /** Who may do what is about no strategy; null: nobody said anything. */
  access: Access | null
  /** Legal but doubtful, each with its position. */
  warnings: string[]
  /** Every secret value, for the scrubber. */
  secrets: string[]
  /** SHA-256 of what was loaded, with secrets resolved; binds confirmations to it. */
  hash: string
  /** The file's content with secrets as `***`, ready to print as YAML. */
  redacted: unknown
}
