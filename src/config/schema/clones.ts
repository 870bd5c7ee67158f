import { Type } from 'typebox'
import { duration, flag, group } from './words.ts'

const place = group(
  {
    database_url: Type.String({
      url: true,
      expected: 'a database URL',
      description:
        'The database that the copy becomes, of the same kind. Its user makes databases there and owns what is copied; it is reached as the strategy’s own database is',
      examples: ['postgres://staging:${STAGING_PASSWORD}@staging-db:5432/myapp'],
    }),
    sanitize: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description:
          'Files of SQL, beside the configuration file, that are run in the copy before it gets its name: each in one transaction, in this order, until the first error. When one fails there is no copy, and what was there stays',
        expected: 'a list of files',
        examples: [['sanitize.sql']],
      }),
    ),
    drop_after: duration({
      description: 'The copy is dropped so long after it was made; absent: it stays',
      examples: ['7d'],
    }),
    protected: flag({
      description: 'Overwriting what is there needs a reason and a second person',
      default: false,
      examples: [true],
    }),
  },
  { description: 'A place for copies' },
)

/** `clones`: of one strategy, because a place holds one database. */
export const clones = Type.Optional(
  Type.Record(Type.String(), place, {
    description: 'Where `clone <strategy> <place>` may copy a backup to: name of the place → database',
    examples: [
      {
        staging: {
          database_url: 'postgres://staging:${STAGING_PASSWORD}@staging-db:5432/myapp',
          sanitize: ['sanitize.sql'],
          drop_after: '7d',
        },
      },
    ],
  }),
)
