import { Type } from 'typebox'
import { matches } from './names.ts'

const patterns = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, pattern: '^[^\\u0000]+$' }), {
      description: `${description} \`*\` and \`?\` are wildcards.`,
    }),
  )

export const mysqlOptions = Type.Object(
  {
    tables: patterns('Dump only these tables and views, and the routines and events.'),
    exclude_tables: patterns('Leave these tables and views out.'),
    exclude_table_data: patterns('Dump these tables without their rows (MariaDB’s client only).'),
  },
  { additionalProperties: false },
)

export const leavingOut = {
  all: ['tables', 'exclude_tables', 'exclude_table_data'],
  rows: ['exclude_table_data'],
}

/** Then a dump without a single table may be what was asked for. */
export function isFiltered(options: Record<string, unknown>): boolean {
  return leavingOut.all.some((option) => options[option] !== undefined)
}

export interface Choice {
  /** null: all. */
  only: string[] | null
  without: string[]
  withoutRows: string[]
}

/** The patterns of the options as names of this moment. */
export function chosen(options: Record<string, unknown>, names: readonly string[]): Choice {
  const named = (option: string): string[] | null => {
    const list = options[option] as string[] | undefined
    return list ? names.filter((name) => list.some((pattern) => matches(pattern, name))) : null
  }
  return {
    only: named('tables'),
    without: named('exclude_tables') ?? [],
    withoutRows: named('exclude_table_data') ?? [],
  }
}
