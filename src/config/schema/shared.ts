import { Type } from 'typebox'
import { defaults } from '../defaults.ts'
import { access } from './access.ts'
import { drill } from './drill.ts'
import { encryption } from './encryption.ts'
import { expect } from './expect.ts'
import { hooks } from './hooks.ts'
import { count, databaseUrl, duration, flag, group, later, limit, reading, text } from './words.ts'

const retentionRule = group(
  {
    max_age: duration({ description: 'Backups older than this are deleted', examples: ['30d'] }),
    keep_last: kept('of the newest good backups'),
    keep_hourly: kept('hours: the newest good backup of each'),
    keep_daily: kept('days: the newest good backup of each', 7),
    keep_weekly: kept('weeks from Monday (ISO 8601): the newest good backup of each', 4),
    keep_monthly: kept('months: the newest good backup of each', 12),
    keep_yearly: kept('years: the newest good backup of each'),
    min_keep: count({
      description: 'So many of the newest good backups stay, however old and whatever the other rules say',
      default: defaults.min_keep,
      minimum: 1,
      examples: [3],
    }),
    keep_gone: duration({
      description:
        'With `databases`: so long after a database was seen to be gone all its backups stay; then they go, the newest too. Without it nothing of a gone database is deleted',
      examples: ['90d'],
    }),
  },
  {
    description:
      'What none of the `keep_…` rules holds is deleted, and with `max_age` what is older; calendar in the `timezone` of the strategy. Pinned backups stay; broken ones never count, and go when a good one in their place would',
  },
)

function kept(what: string, example = 24) {
  return count({ description: `Keep so many ${what}`, minimum: 0, maximum: 100_000, examples: [example] })
}

const retention = (description: string) =>
  Type.Optional(
    Type.Union([reading('duration', { description: 'An age' }), retentionRule], {
      description,
      expected: 'an age such as 30d, or a group with max_age, keep_daily and the like',
      examples: ['30d', { keep_daily: 7, keep_weekly: 4, keep_monthly: 12 }],
    }),
  )

const compressionRule = Type.Object(
  {
    type: reading('compression', { description: 'gzip, zstd or none', examples: ['zstd'] }),
    level: count({ description: 'From fast to small; the range is the program’s own', examples: [6] }),
  },
  { additionalProperties: false, description: 'A compression with its level' },
)

const storageItem = Type.Object(
  {
    name: Type.String({ description: 'Name of a place under `storages`', examples: ['disk'] }),
    retention: retention('How long backups stay in this place; in place of the retention of the strategy'),
  },
  { additionalProperties: false },
)

/** Keys that may stand under `global` and in a strategy; the strategy's value wins. */
export const shared = {
  timezone: Type.Optional(
    reading('timezone', {
      description: 'Zone of the schedule, by its IANA name',
      default: defaults.timezone,
      examples: ['Europe/Paris'],
    }),
  ),
  schedule: Type.Optional(
    Type.Unsafe<unknown>({
      reads: 'schedule',
      description: 'When it runs: a duration, cron, a group with `every`, or `manual`',
      default: defaults.schedule,
      examples: ['6h', { every: '1d', at: '02:30' }],
    }),
  ),
  retention: retention('How long backups stay; without it nothing is ever deleted'),
  compression: Type.Optional(
    Type.Union([reading('compression', { description: 'A compression' }), compressionRule], {
      description: 'How dumps are compressed: `gzip`, `zstd` or `none`, or a group with `type` and `level`',
      default: defaults.compression,
      expected: 'gzip, zstd or none, or a group with type and level',
      examples: ['zstd', { type: 'gzip', level: 9 }],
    }),
  ),
  prove: flag({
    description: 'Decode every dump whole before it counts as a backup (level V2)',
    default: defaults.prove,
    examples: [false],
  }),
  retry: Type.Optional(
    group(
      {
        max_attempts: count({
          description: 'Attempts in all',
          default: defaults.retry.max_attempts,
          minimum: 1,
          maximum: 100,
          examples: [5],
        }),
        delay: duration({
          description: 'Wait before the second attempt; it doubles each time',
          default: defaults.retry.delay,
          examples: ['30s'],
        }),
        max_delay: duration({
          description: 'Longest wait between two attempts',
          default: defaults.retry.max_delay,
          examples: ['10m'],
        }),
      },
      { description: 'What can succeed later is tried again' },
    ),
  ),
  timeout: Type.Optional(
    group(
      {
        backup: limit({
          description: 'A backup that takes longer is stopped; 0 = no limit',
          default: defaults.timeout.backup,
          examples: ['30m'],
        }),
        upload: limit({
          description: 'An upload that goes on for longer after the dump is stopped; 0 = no limit',
          default: defaults.timeout.upload,
          examples: ['10m'],
        }),
        restore: limit({
          description: 'A restore that takes longer is stopped; 0 = no limit',
          default: defaults.timeout.restore,
          examples: ['6h'],
        }),
        stall: duration({
          description: 'Nothing moves for so long: stopped. Always on',
          default: defaults.timeout.stall,
          examples: ['10m'],
        }),
      },
      { description: 'When running work is stopped' },
    ),
  ),
  expect: Type.Optional(expect),
  storage: Type.Optional(
    Type.Union(
      [
        Type.String({ description: 'Name of a place' }),
        Type.Array(
          Type.Union([Type.String(), storageItem], { expected: 'the name of a place under storages' }),
          {
            minItems: 1,
            description: 'Names of places',
          },
        ),
      ],
      {
        description:
          'Where dumps go: a place under `storages`, or several for one dump, each with its own retention when wanted. Needed when there are several places',
        expected: 'the name of a place under storages',
        examples: ['disk', ['s3', { name: 'nas', retention: '7d' }]],
      },
    ),
  ),
  restore: Type.Optional(
    group(
      {
        database_url: databaseUrl({
          description: 'Stronger credentials, used only for a confirmed restore',
          examples: ['postgres://owner:${OWNER_PASSWORD}@prod-db:5432/myapp'],
        }),
        expires: duration({
          description: 'A restore that nobody confirmed ends after this',
          default: defaults.restore.expires,
          examples: ['1h'],
        }),
        undo: duration({
          description:
            'After a restore in place the replaced database is kept, and can be put back, for this long',
          default: defaults.restore.undo,
          examples: ['3d'],
        }),
        freshness_sql: text({
          description: 'A question whose one value is the newest data, for the plan of a restore in place',
          examples: ['SELECT max(created_at) FROM orders'],
        }),
      },
      { description: 'Restoring' },
    ),
  ),
  encryption,
  drill,
  hooks,
  access,
  spool: later('Streaming without disk', { what: 'spool' }),
}
