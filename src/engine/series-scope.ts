import type { Strategy } from '../core/config.ts'
import type { Manifest } from '../core/model.ts'
import type { SeriesRef } from '../state/series.ts'
import type { EngineContext } from './context.ts'

/** Does it have a series for each database of a server? */
export function isWholeServer({ source }: Pick<Strategy, 'source'>): boolean {
  return source.databases !== null
}

/** What "the backups before this one" are: of a whole server those of the same database; else all of the strategy, whatever its
 * database was called. */
export function scopeOf(
  { config }: Pick<EngineContext, 'config'>,
  { strategy, series }: SeriesRef,
): string | SeriesRef {
  const found = config.strategies.find(({ name }) => name === strategy)
  return found && isWholeServer(found) && series !== '' ? { strategy, series } : strategy
}

/** The database that a source is opened for: of a whole server that of the backup. */
export function databaseOf(
  strategy: Strategy,
  { database, globals }: Pick<Manifest, 'database' | 'globals'>,
): { database?: string } {
  return isWholeServer(strategy) && !globals ? { database } : {}
}

/** The same of a series whose backup is yet to be made. */
export function databaseOfSeries(
  strategy: Strategy,
  { series, params }: { series: string; params: { globals?: true } },
): { database?: string } {
  return isWholeServer(strategy) && series !== '' && !params.globals ? { database: series } : {}
}

/** What no other backup of the same may hold while it works. */
export function backupLease(strategy: string, series: string): string {
  return series === '' ? `backup/${strategy}` : `backup/${strategy}/${series}`
}

/** As its folder says, whatever the strategy is now: with a series in it. */
export function isOneOfMany({ artifacts }: Pick<Manifest, 'artifacts'>): boolean {
  return (artifacts[0]?.key.split('/').length ?? 0) > '<strategy>/<yyyy>/<mm>/<id>/<file>'.split('/').length
}
