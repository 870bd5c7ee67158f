import { Type, type Static } from 'typebox'
import { databases } from './databases.ts'
import { clones } from './clones.ts'
import { shared } from './shared.ts'
import { slackRouting } from './slack.ts'
import { tunnel } from './tunnel.ts'
import { count, databaseUrl, flag, group, later, text } from './words.ts'

/** In place of `database_url`, for who would rather not write a URL. */
const connection = Type.Object(
  {
    type: Type.String({ description: 'Kind of database, as in the URL', examples: ['postgres'] }),
    host: text({ description: 'Server', examples: ['prod-db'] }),
    port: count({ description: 'Port of the server', minimum: 1, maximum: 65_535, examples: [5432] }),
    user: text({ description: 'User', examples: ['backup'] }),
    password: Type.Optional(
      Type.String({ description: 'Password, as it is', secret: true, examples: ['${DB_PASSWORD}'] }),
    ),
    database: Type.String({ description: 'Name of the database; for SQLite its file', examples: ['myapp'] }),
    tls: Type.Optional(
      Type.Unsafe<boolean | string>({
        reads: 'tls',
        description: 'true, false, or a mode of the database such as `verify-full`',
        examples: [true],
      }),
    ),
    socket: text({
      description: 'Folder of the server’s socket, in place of `host`',
      examples: ['/var/run/postgresql'],
    }),
  },
  { additionalProperties: false, description: 'The database in single fields, in place of `database_url`' },
)

/** Everything of a strategy but its name. */
export const strategyKeys = {
  database_url: databaseUrl({
    description: 'The database: `postgres://user:password@host:port/name` or `sqlite:///path/of/file.db`',
    examples: ['postgres://backup:${DB_PASSWORD}@prod-db:5432/myapp'],
  }),
  connection: Type.Optional(connection),
  dump_url: databaseUrl({
    description: 'Dump from here instead, for example from a replica',
    examples: ['postgres://backup:${DB_PASSWORD}@replica:5432/myapp'],
  }),
  options: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'Options of this kind of database, see below',
      examples: [{ exclude_table_data: ['public.sessions'] }],
    }),
  ),
  tags: Type.Optional(
    Type.Array(Type.String({ reads: 'name' }), {
      description: 'Words to choose strategies by: `run tag:prod`',
      examples: [['client-a', 'prod']],
    }),
  ),
  protected: flag({
    description: 'Overwriting this database needs a second person',
    default: false,
    examples: [true],
  }),
  slack: Type.Optional(
    group(
      { ...slackRouting, channel_id: Type.Optional(slackRouting.channel_id) },
      { description: 'Where this strategy’s messages go; its own `channel_id` beats the global `channels`' },
    ),
  ),
  clones,
  ...shared,
  databases,
  tunnel,
  s3: later('A bucket of its own', {
    what: 'a bucket in a strategy',
    instead: 'name it under global.storages, with type: s3, and write storage: with that name here',
  }),
}

const named = group(
  {
    name: Type.String({
      reads: 'name',
      description: 'Name: small letters, digits, - and _; what people type and what folders are called',
      examples: ['production-db'],
    }),
    ...strategyKeys,
  },
  { description: 'A strategy: one database and how it is backed up' },
)

const unnamed = group(strategyKeys, { description: 'A strategy: one database and how it is backed up' })

export const strategies = Type.Union(
  [
    Type.Array(named, { minItems: 1, description: 'A list; each has a name' }),
    Type.Record(Type.String(), unnamed, { minProperties: 1, description: 'Name → strategy' }),
  ],
  {
    description: 'What is backed up: a list with names, or a map from name to strategy',
    expected: 'a list of strategies',
    examples: [
      [{ name: 'production-db', database_url: 'postgres://backup:${DB_PASSWORD}@prod-db:5432/myapp' }],
    ],
  },
)

export type StrategyFile = Static<typeof unnamed>
export { named as namedStrategy }
