import { Type } from 'typebox'
import { defaults } from '../defaults.ts'
import { databaseUrl, duration, flag, group } from './words.ts'

const limits = group(
  {
    min: Type.Optional(Type.Number({ description: 'At least', examples: [1000] })),
    max: Type.Optional(Type.Number({ description: 'At most', examples: [5_000_000] })),
  },
  { description: 'Limits of a number' },
)

const check = group(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 80,
      description: 'What it is called',
      examples: ['customers'],
    }),
    sql: Type.String({
      minLength: 1,
      description:
        'A question to the restored database, asked read-only; the first value of the first row counts',
      examples: ['SELECT count(*) FROM customers'],
    }),
    expect: Type.Union(
      [
        Type.String({ description: '`not_empty`: any value but NULL and empty text; else this value' }),
        Type.Number({ description: 'This number' }),
        Type.Boolean({ description: 'This truth' }),
        limits,
      ],
      {
        description: 'What the answer has to be: a value, `not_empty`, or a group with `min`, `max` or both',
        expected: 'a value, not_empty, or a group with min and max',
        examples: ['not_empty', 42, { min: 1000 }],
      },
    ),
  },
  { description: 'A question to the restored database' },
)

/** `drill`: a strategy's own replaces the global one whole. */
export const drill = Type.Optional(
  group(
    {
      schedule: Type.Optional(
        Type.Unsafe<unknown>({
          reads: 'schedule',
          description: 'When it is done, written like the `schedule` of backups; `manual`: only when asked',
          default: defaults.drill.schedule,
          examples: ['1w', { every: '1w', on: 'sunday', at: '04:00' }],
        }),
      ),
      scratch: flag({
        description:
          'Restore into a server of its own, started in `temp_dir` and thrown away; of SQLite into a file there. By default so, unless `database_url` names a server',
        examples: [true],
      }),
      database_url: databaseUrl({
        description:
          'In place of `scratch`: a server on which a new database is made for the drill and dropped after it (of SQLite: a file in this folder); not the production server',
        examples: ['postgres://drill:${DRILL_PASSWORD}@spare-db:5432/postgres'],
      }),
      checks: Type.Optional(
        Type.Array(check, {
          description: 'Questions to the restored database, beside its rows and schema objects',
          expected: 'a list of groups with name, sql and expect',
          examples: [[{ name: 'customers', sql: 'SELECT count(*) FROM customers', expect: { min: 1000 } }]],
        }),
      ),
      max_duration: duration({
        description: 'Fetching and restoring for longer than this fails the drill; absent: no limit',
        examples: ['30m'],
      }),
    },
    {
      description:
        'Restoring a backup for real, comparing it and throwing it away. Absent: only when somebody asks (`drill`)',
      examples: [{ schedule: '1w', max_duration: '30m' }],
    },
  ),
)
