import { Fault } from '../core/faults.ts'
import { listCopies } from '../state/catalogue.ts'
import { listedSeries, storedSeries } from '../state/series.ts'
import type { EngineContext } from './context.ts'
import { isOneOfMany, isWholeServer } from './series-scope.ts'

/** The newest backup of a whole server is of any of its databases. @throws Fault usage */
export async function refuseMany(context: EngineContext, strategy: string): Promise<void> {
  const known = await manyIn(context, strategy)
  if (known.length < 2) return
  const some = known.slice(0, namedDatabases).join(', ')
  const more = known.length > namedDatabases ? ` and ${known.length - namedDatabases} more` : ''
  throw new Fault('usage', `${strategy} has backups of ${known.length} databases: which is meant?`, {
    hint: `name it with --database (${some}${more}), or name a backup: \`list ${strategy}\``,
  })
}

/** Those that were listed, and those that only the places still tell of. A strategy of one database has several series when that was
 * called otherwise before, or when it was a whole server. */
async function manyIn({ config, database: { read } }: EngineContext, strategy: string): Promise<string[]> {
  const stored = await storedSeries(read, strategy)
  const found = config.strategies.find(({ name }) => name === strategy)
  if (found && isWholeServer(found)) {
    const listed = await listedSeries(read, strategy)
    return [...new Set([...listed.map(({ name }) => name), ...stored])].toSorted()
  }
  for (const series of stored.length < 2 ? [] : stored) {
    const [newestOne] = await listCopies(read, { strategies: [strategy], series, limit: 1 })
    if (newestOne && isOneOfMany(newestOne.manifest)) return stored
  }
  return []
}

const namedDatabases = 5
