import type { Strategy } from '../core/config.ts'
import type { DatabaseChoice } from '../core/databases.ts'
import type { SourceFacts } from './catalogue.ts'
import type { Findings } from './findings.ts'
import { child, isMapping } from './pointer.ts'
import type { DatabasesFile } from './schema/databases.ts'
import type { StrategyFile } from './schema/strategy.ts'

/** null: the one of the URL. */
export function databasesOf(written: DatabasesFile | undefined): DatabaseChoice | null {
  if (written === undefined) return null
  const { include = ['*'], exclude = [] } = typeof written === 'string' ? {} : written
  return { include, exclude }
}

/** Some kinds of database are a file each: there is no server that could be asked for others. */
export function checkDatabases(
  { databases }: StrategyFile,
  { at, own }: { at: string; own: SourceFacts | null },
  findings: Findings,
): void {
  if (databases === undefined) return
  const place = child(at, 'databases')
  if (own && !own.at)
    findings.keyMistake(
      place,
      `a ${own.name} URL stands for one database alone`,
      'remove it, and write a strategy for each',
    )
  if (isMapping(databases) && Array.isArray(databases.include) && databases.include.length === 0)
    findings.mistake(child(place, 'include'), 'an empty list chooses nothing', 'name some, or remove it')
}

/** What is legal but hardly meant of a whole server. */
export function warnOfDatabases(
  { source, retention, placeRetention }: Strategy,
  { strategy, at }: { strategy: Record<string, unknown>; at: string },
  findings: Findings,
): void {
  if (source.databases === null) {
    const policies = [retention, ...Object.values(placeRetention)]
    const isOwn = 'retention' in strategy || 'storage' in strategy
    if (isOwn && policies.some((policy) => policy?.keepGoneMs != null))
      findings.warning(
        child(at, 'retention' in strategy ? 'retention' : 'storage'),
        'keep_gone is about databases that a server no longer has',
        'write databases: all, or remove it',
      )
    return
  }
  const named = ['schemas', 'exclude_schemas', 'tables', 'exclude_tables', 'exclude_table_data']
  const used = named.filter((key) => key in source.options)
  if (used.length > 0)
    findings.warning(
      child(at, 'options'),
      `${used.join(', ')} ${used.length === 1 ? 'holds' : 'hold'} for every database of the server`,
      'give a database with options of its own a strategy, and exclude it here',
    )
}
