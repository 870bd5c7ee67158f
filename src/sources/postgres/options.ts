import { Type } from 'typebox'
import { parseDuration } from '../../core/duration.ts'

const patterns = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, pattern: '^[^\\u0000]+$' }), {
      description: `${description} A pattern of pg_dump: \`*\` and \`?\` are wildcards, "…" keeps capitals and dots.`,
    }),
  )

export const postgresOptions = Type.Object(
  {
    schemas: patterns('Dump only these schemas; one that matches nothing fails the backup.'),
    exclude_schemas: patterns('Leave these schemas out.'),
    tables: patterns('Dump only these tables; one that matches nothing fails the backup.'),
    exclude_tables: patterns('Leave these tables out.'),
    exclude_table_data: patterns('Dump these tables without their rows.'),
    lock_timeout: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]*[smh]$',
        default: '60s',
        description: 'Give up when a table stays locked by somebody else for longer than this.',
      }),
    ),
    jobs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 16,
        default: 1,
        description:
          'How many tables are dumped at a time. From 2 on the dump is pg_dump’s directory format in one tar archive, and restores into a new database use as many jobs. It takes one connection more than this, and room in `temp_dir` for the largest tables, uncompressed and not encrypted.',
      }),
    ),
  },
  { additionalProperties: false },
)

const defaultLockTimeoutMs = 60_000
const argumentOf: Record<string, string> = {
  schemas: '--schema',
  exclude_schemas: '--exclude-schema',
  tables: '--table',
  exclude_tables: '--exclude-table',
  exclude_table_data: '--exclude-table-data',
}

/** Workers of pg_dump and pg_restore; 1 = the custom format, which has no workers. */
export function jobsOf({ jobs }: Record<string, unknown>): number {
  return typeof jobs === 'number' ? jobs : 1
}

/** As arguments of pg_dump. */
export function dumpArguments(options: Record<string, unknown>): string[] {
  const filters = Object.entries(argumentOf).flatMap(([option, argument]) =>
    ((options[option] as string[] | undefined) ?? []).map((pattern) => `${argument}=${pattern}`),
  )
  // else a misspelt table is missing in a backup that is called good; of what is left out nothing is missing
  const strict = ['schemas', 'tables'].some((option) => options[option] !== undefined)
  return [`--lock-wait-timeout=${lockTimeoutMs(options)}`, ...filters, ...(strict ? ['--strict-names'] : [])]
}

export const leavingOut = { all: Object.keys(argumentOf), rows: ['exclude_table_data'] }

/** Then a dump without a single table may be what was asked for. */
export function isFiltered(options: Record<string, unknown>): boolean {
  return leavingOut.all.some((option) => options[option] !== undefined)
}

export function lockTimeoutMs(options: Record<string, unknown>): number {
  const { lock_timeout: text } = options
  return (typeof text === 'string' ? parseDuration(text) : null) ?? defaultLockTimeoutMs
}
