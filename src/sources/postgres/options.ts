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
    schemas: patterns('Dump only these schemas.'),
    exclude_schemas: patterns('Leave these schemas out.'),
    tables: patterns('Dump only these tables.'),
    exclude_tables: patterns('Leave these tables out.'),
    exclude_table_data: patterns('Dump these tables without their rows.'),
    lock_timeout: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]*[smh]$',
        default: '60s',
        description: 'Give up when a table stays locked by somebody else for longer than this.',
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

/** As arguments of pg_dump. */
export function dumpArguments(options: Record<string, unknown>): string[] {
  const filters = Object.entries(argumentOf).flatMap(([option, argument]) =>
    ((options[option] as string[] | undefined) ?? []).map((pattern) => `${argument}=${pattern}`),
  )
  return [`--lock-wait-timeout=${lockTimeoutMs(options)}`, ...filters]
}

/** Then a dump without a single table may be what was asked for. */
export function isFiltered(options: Record<string, unknown>): boolean {
  return Object.keys(argumentOf).some((option) => options[option] !== undefined)
}

export function lockTimeoutMs(options: Record<string, unknown>): number {
  const { lock_timeout: text } = options
  return (typeof text === 'string' ? parseDuration(text) : null) ?? defaultLockTimeoutMs
}
