import { Type, type Static } from 'typebox'
import { databases } from './databases.ts'
import { clones } from './clones.ts'
import { connection } from './connection.ts'
import { shared } from './shared.ts'
import { slackRouting } from './slack.ts'
import { tunnel } from './tunnel.ts'
import { databaseUrl, flag, group, later } from './words.ts'

/** Everything of a strategy but its name. */
export const strategyKeys = {
  database_url: databaseUrl({
    description: 'The database: `postgres://user:password@host:port/name` or `sqlite:///path/of/file.db`',
    examples: ['postgres://backup:${DB_PASSWORD}@prod-db:5432/myapp'],
  }),
  connection,
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

const howToWrite =
  'write - name: production-db, and below it database_url: postgres://user:${DB_PASSWORD}@host:5432/name'

export const strategies = Type.Union(
  [
    Type.Array(named, { minItems: 1, description: 'A list; each has a name', instead: howToWrite }),
    Type.Record(Type.String(), unnamed, {
      minProperties: 1,
      description: 'Name → strategy',
      instead: howToWrite,
    }),
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
