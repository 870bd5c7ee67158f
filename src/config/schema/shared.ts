import { Type } from 'typebox'
import { defaults } from '../defaults.ts'
import { count, databaseUrl, duration, flag, group, later, limit, reading } from './words.ts'

const gfs = ['keep_last', 'keep_hourly', 'keep_daily', 'keep_weekly', 'keep_monthly', 'keep_yearly'] as const

const keepLater = Object.fromEntries(
  [...gfs, 'keep_gone'].map((key) => [
    key,
    later('Backups kept by calendar, or after their database is gone', {
      what: key,
      instead: 'write max_age: 30d, or remove it',
    }),
  ]),
)

const retentionRule = group(
  {
    max_age: reading('duration', {
      description: 'Backups older than this are deleted',
      examples: ['30d'],
    }),
    min_keep: count({
      description: 'So many of the newest good backups stay, however old',
      default: defaults.min_keep,
      minimum: 1,
      examples: [3],
    }),
    ...(keepLater as Record<(typeof gfs)[number] | 'keep_gone', ReturnType<typeof later>>),
  },
  { description: 'An age with a floor' },
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
    retention: later('A retention of its own for this place', { what: 'a retention per storage' }),
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
  retention: Type.Optional(
    Type.Union([reading('duration', { description: 'An age' }), retentionRule], {
      description: 'How long backups stay; without it nothing is ever deleted',
      expected: 'an age such as 30d, or a group with max_age and min_keep',
      examples: ['30d', { max_age: '30d', min_keep: 5 }],
    }),
  ),
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
  expect: Type.Optional(
    group(
      {
        max_age: duration({
          description:
            'The newest good backup may be this old before it counts as overdue; by default 1.5 times the schedule, and its usual duration',
          examples: ['26h'],
        }),
        size_change: later('A backup that shrank or grew by more is suspicious', {
          what: 'expect.size_change',
        }),
      },
      { description: 'What is normal' },
    ),
  ),
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
        description: 'Where dumps go: the name of a place under `storages`. Needed when there are several',
        expected: 'the name of a place under storages',
        examples: ['disk'],
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
        undo: later('How long the replaced database stays', { what: 'restore.undo' }),
      },
      { description: 'Restoring' },
    ),
  ),
  encryption: later('Encryption of dumps (age, gpg)', { what: 'encryption' }),
  drill: later('Restores that are tried by themselves', { what: 'drill' }),
  hooks: later('Programs before and after a backup', { what: 'running hooks' }),
  access: later('Who may do what', { what: 'access' }),
  spool: later('Streaming without disk', { what: 'spool' }),
}
