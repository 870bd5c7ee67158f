import { Type, type Static } from 'typebox'
import { defaults } from '../defaults.ts'
import { digest } from './digest.ts'
import { notifications } from './notifications.ts'
import { s3 } from './s3.ts'
import { shared } from './shared.ts'
import { slackConnection } from './slack.ts'
import { strategies } from './strategy.ts'
import { verify } from './verify.ts'
import { choice, count, flag, folder, group, text } from './words.ts'

const listen = (path: string) => ({
  port: count({
    description: 'Port; 0 takes a free one',
    default: 8080,
    minimum: 0,
    maximum: 65_535,
    examples: [9090],
  }),
  path: Type.Optional(
    Type.String({ reads: 'http-path', description: 'Path', default: path, examples: [path] }),
  ),
})

const monitoring = group(
  {
    health_check: Type.Optional(
      group(listen(defaults.health_check.path), { description: 'Health as JSON; absent: no HTTP server' }),
    ),
    metrics: Type.Optional(
      group(
        {
          enabled: flag({ description: 'Serve metrics', default: true, examples: [true] }),
          ...listen(defaults.metrics.path),
        },
        { description: 'Prometheus metrics; equal ports share a server' },
      ),
    ),
    bind: text({
      description: 'Address to listen on; `0.0.0.0` is every one',
      default: defaults.bind,
      examples: ['0.0.0.0'],
    }),
  },
  { description: 'What is served over HTTP' },
)

export const globalKeys = {
  slack: Type.Optional(slackConnection),
  log_level: choice(['debug', 'info', 'warn', 'error'], {
    description: 'How much is logged',
    default: defaults.log_level,
    examples: ['debug'],
  }),
  ...shared,
  temp_dir: folder({
    description: 'Folder for unfinished work',
    default: defaults.temp_dir,
    examples: ['/var/tmp/easy-backup'],
  }),
  state_dir: folder({
    description: 'Folder for what the service remembers',
    default: defaults.state_dir,
    examples: ['/var/lib/easy-backup'],
  }),
  max_parallel_strategies: count({
    description: 'So many backups run at once; the others wait in order',
    default: defaults.max_parallel_strategies,
    minimum: 1,
    maximum: 64,
    examples: [4],
  }),
  storages: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Object(
        { type: Type.String({ description: 'Kind of place', examples: ['local'] }) },
        { description: 'A place for backups; see below for the keys of each type' },
      ),
      {
        description: 'Places for backups, by name',
        expected: 'names with a place each',
        examples: [{ disk: { type: 'local', path: './backups' } }],
      },
    ),
  ),
  s3,
  monitoring: Type.Optional(monitoring),
  digest: Type.Optional(digest),
  verify: Type.Optional(verify),
  notifications,
}

/** The one schema of the configuration file: types, validation, `config/schema.json` and the reference page come from it. */
export const file = group(
  {
    version: Type.Optional(
      Type.Unsafe<1>({ const: 1, description: 'Version of this format', default: 1, examples: [1] }),
    ),
    global: Type.Optional(group(globalKeys, { description: 'What holds for every strategy' })),
    strategies,
  },
  { description: 'Configuration of easy-backup' },
)

export type ConfigFile = Static<typeof file>
