import { resolve as absolute } from 'node:path'
import type {
  Config,
  Listen,
  Retention,
  SlackConnection,
  SlackRouting,
  StorageConfig,
  Strategy,
} from '../core/config.ts'
import { parseDuration } from '../core/duration.ts'
import type { Compression } from '../core/model.ts'
import { policyText } from '../core/retention/rules.ts'
import { parseSchedule, type ScheduleSpec } from '../core/schedule.ts'
import { accessOf } from './access.ts'
import { foldersOf, type DriverCatalogue } from './catalogue.ts'
import { clonesOf } from './clones.ts'
import { strategiesOf, type NamedStrategy } from './check-strategies.ts'
import { databaseUrlOf, sourceOf } from './database.ts'
import { databasesOf } from './databases.ts'
import { defaults } from './defaults.ts'
import { drillOf } from './drill.ts'
import { encryptionOf } from './encryption.ts'
import { expectOf } from './expect.ts'
import { hooksOf } from './hooks.ts'
import { notificationsOf } from './notifications.ts'
import type { ConfigFile } from './schema/file.ts'
import type { StrategyFile } from './schema/strategy.ts'
import { tunnelOf } from './tunnel.ts'
import { rereadBudgets } from './verify.ts'

type Global = NonNullable<ConfigFile['global']>
type Settings = Omit<Config, 'file' | 'warnings' | 'secrets' | 'hash' | 'redacted'>

interface Context {
  /** Relative paths start here: the folder of the file. */
  folder: string
  catalogue: DriverCatalogue
  redact(value: unknown, pointer: string): unknown
}

/** Fills in every default and lets each strategy's values win over the global ones. The file was judged before: nothing
 * can be wrong any more. */
export function resolveConfig(root: Record<string, unknown>, context: Context): Settings {
  const global = (root as unknown as ConfigFile).global ?? {}
  const { folder } = context
  return {
    strategies: strategiesOf(root).map((named) => strategyFrom(named, global, context)),
    storages: storagesOf(global, context),
    slack: slackConnection(global),
    logLevel: global.log_level ?? defaults.log_level,
    stateDir: absolute(folder, global.state_dir ?? defaults.state_dir),
    tempDir: absolute(folder, global.temp_dir ?? defaults.temp_dir),
    maxParallel: global.max_parallel_strategies ?? defaults.max_parallel_strategies,
    health: healthOf(global),
    metrics: metricsOf(global),
    notifications: notificationsOf(root, context.catalogue),
    access: accessOf(global.access, undefined),
    digest: digestOf(global),
    reread: rereadBudgets(global, storagesOf(global, context), context.catalogue),
  }
}

function strategyFrom(
  { name, pointer, strategy }: NamedStrategy,
  global: Global,
  context: Context,
): Strategy {
  const own = { ...global, ...strategy }
  const url = databaseUrlOf(strategy, context.catalogue, context.folder)!
  return {
    name,
    tags: strategy.tags ?? [],
    source: {
      kind: sourceOf(url, context.catalogue)!.kind,
      url,
      dumpUrl: strategy.dump_url ?? null,
      restoreUrl: strategy.restore?.database_url ?? global.restore?.database_url ?? null,
      options: strategy.options ?? {},
      databases: databasesOf(strategy.databases),
      tunnel: tunnelOf(strategy.tunnel, context),
    },
    schedule: scheduleOf(own.schedule),
    timezone: own.timezone ?? defaults.timezone,
    retention: retentionOf(own.retention),
    compression: compressionOf(own.compression ?? global.s3?.compression),
    encryption: encryptionOf(own.encryption, context.folder),
    prove: own.prove ?? defaults.prove,
    hooks: hooksOf(own.hooks, context.folder),
    clones: clonesOf(strategy.clones, context.folder),
    drill: drillOf(own.drill),
    ...limitsOf(strategy, global),
    storages: chosenStorages(own.storage, global),
    placeRetention: placeRetentionOf(own.storage),
    slack: routingOf(strategy, global),
    protected: strategy.protected ?? false,
    access: accessOf(global.access, strategy.access),
    redacted: context.redact(strategy, pointer),
  }
}

/** The groups that merge key by key. */
function limitsOf(
  strategy: StrategyFile,
  global: Global,
): Pick<Strategy, 'retry' | 'timeout' | 'expect' | 'restore'> {
  const retry = { ...defaults.retry, ...global.retry, ...strategy.retry }
  const timeout = { ...defaults.timeout, ...global.timeout, ...strategy.timeout }
  const restore = { ...defaults.restore, ...global.restore, ...strategy.restore }
  return {
    retry: { maxAttempts: retry.max_attempts, delayMs: ms(retry.delay), maxDelayMs: ms(retry.max_delay) },
    timeout: {
      backupMs: ms(timeout.backup),
      uploadMs: ms(timeout.upload),
      restoreMs: ms(timeout.restore),
      stallMs: ms(timeout.stall),
    },
    expect: expectOf(strategy.expect, global.expect),
    restore: {
      expiresMs: ms(restore.expires),
      undoMs: ms(restore.undo),
      freshnessSql: restore.freshness_sql ?? null,
    },
  }
}

function scheduleOf(written: unknown): ScheduleSpec {
  const read = parseSchedule(written ?? defaults.schedule)
  if ('mistake' in read) throw new TypeError(`unchecked schedule: ${read.mistake}`)
  return read.spec
}

function retentionOf(written: StrategyFile['retention']): Retention | null {
  if (written === undefined) return null
  const rule = typeof written === 'string' ? { max_age: written } : written
  const policy = {
    maxAgeMs: rule.max_age === undefined ? null : ms(rule.max_age),
    minKeep: rule.min_keep ?? defaults.min_keep,
    keepLast: rule.keep_last ?? 0,
    keepHourly: rule.keep_hourly ?? 0,
    keepDaily: rule.keep_daily ?? 0,
    keepWeekly: rule.keep_weekly ?? 0,
    keepMonthly: rule.keep_monthly ?? 0,
    keepYearly: rule.keep_yearly ?? 0,
    ...(rule.keep_gone !== undefined && { keepGoneMs: ms(rule.keep_gone) }),
  }
  return { ...policy, text: policyText(policy) }
}

function compressionOf(written: StrategyFile['compression']): Strategy['compression'] {
  const { type, level } =
    typeof written === 'object' ? written : { type: written ?? defaults.compression, level: undefined }
  return { type: type as Compression, level: level ?? null }
}

function chosenStorages(written: StrategyFile['storage'], global: Global): string[] {
  if (written === undefined) return global.s3 ? ['s3'] : Object.keys(global.storages ?? {})
  const items = Array.isArray(written) ? written : [written]
  return items.map((item) => (typeof item === 'string' ? item : item.name))
}

/** The places that have a retention of their own. */
function placeRetentionOf(written: StrategyFile['storage']): Strategy['placeRetention'] {
  const items = Array.isArray(written) ? written : []
  return Object.fromEntries(
    items.flatMap((item) => {
      const own = typeof item === 'string' ? null : retentionOf(item.retention)
      return own === null || typeof item === 'string' ? [] : [[item.name, own]]
    }),
  )
}

function storagesOf({ s3, storages = {} }: Global, { folder, catalogue }: Context): StorageConfig[] {
  const { compression: _compression, ...bucket } = s3 ?? {}
  const places = { ...(s3 && { s3: { type: 's3', ...bucket } }), ...storages }
  return Object.entries(places).map(([name, { type, ...written }]) => {
    const options: Record<string, unknown> = { ...written }
    for (const key of foldersOf(catalogue.storages.find(({ kind }) => kind === type)?.options))
      if (typeof options[key] === 'string') options[key] = absolute(folder, options[key])
    return { name, kind: type, options }
  })
}

function slackConnection({ slack, monitoring }: Global): SlackConnection | null {
  if (!slack) return null
  const { signing_secret: signingSecret, port = defaults.slack.port } = slack
  const listen = { bind: monitoring?.bind ?? defaults.bind, port }
  return {
    botToken: slack.bot_token,
    appToken: slack.app_token ?? null,
    ...(signingSecret !== undefined && { http: { signingSecret, listen } }),
    apiUrl: slack.api_url ?? defaults.slack.api_url,
    blocks: slack.blocks ?? defaults.slack.blocks,
    silenceMs: slack.silence === 'off' ? 0 : ms(slack.silence ?? defaults.slack.silence),
    routing: routing(slack.channel_id, slack.channels, slack.mention_on_failure),
  }
}

/** A strategy's own `channel_id` beats the global `channels`: who says "to my channel" means everything. */
function routingOf({ slack: own }: StrategyFile, { slack }: Global): SlackRouting | null {
  if (!slack) return null
  const channels = own?.channel_id === undefined ? { ...slack.channels, ...own?.channels } : own.channels
  return routing(
    own?.channel_id ?? slack.channel_id,
    channels,
    own?.mention_on_failure ?? slack.mention_on_failure,
  )
}

function routing(
  channel: string,
  channels: NonNullable<StrategyFile['slack']>['channels'],
  mentionOnFailure: string[] = [],
): SlackRouting {
  return {
    channel,
    success: channels?.success ?? null,
    failure: channels?.failure ?? null,
    approvals: channels?.approvals ?? null,
    digest: channels?.digest ?? null,
    mentionOnFailure,
  }
}

function healthOf({ monitoring }: Global): Listen | null {
  const check = monitoring?.health_check
  if (!check) return null
  return { bind: monitoring.bind ?? defaults.bind, ...defaults.health_check, ...check }
}

function metricsOf({ monitoring }: Global): Listen | null {
  const { enabled = true, ...listen } = monitoring?.metrics ?? { enabled: false }
  if (!enabled) return null
  return { bind: monitoring?.bind ?? defaults.bind, ...defaults.metrics, ...listen }
}

function digestOf({ digest, timezone = defaults.timezone }: Global): Config['digest'] {
  return digest ? { schedule: scheduleOf(digest.schedule), timezone } : null
}

/** A duration that was judged before; 0 is off. */
function ms(written: string | number): number {
  return parseDuration(String(written)) ?? 0
}
