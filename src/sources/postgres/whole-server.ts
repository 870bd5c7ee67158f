import { isChosen, globalsName, type DatabaseChoice } from '../../core/databases.ts'
import type { Series } from '../../core/model.ts'
import type { Place } from './place.ts'
import { withSession } from './session.ts'

/** Of hosting providers, which nobody else may read. */
const system = ['rdsadmin', 'cloudsqladmin', 'azure_maintenance', 'azure_sys', 'alloydbadmin']

/** Every database of the server that is chosen, and its globals. One that we may not connect to is listed all the same: its backup
 * then fails loudly instead of being missing. */
export async function listSeries(
  { origin, context }: Place,
  { strategy, choice }: { strategy: string; choice: DatabaseChoice },
  signal: AbortSignal,
): Promise<Series[]> {
  const rows = await withSession(origin, { context, signal }, (session) =>
    session.rows<{ name: string }>(listed),
  )
  const names = rows.map(({ name }) => name).filter((name) => !system.includes(name))
  const databases = names.filter((name) => isChosen(choice, name))
  const globals = { strategy, name: globalsName(names), sole: false, globals: true } as const
  return [globals, ...databases.map((name) => ({ strategy, name, sole: false }))]
}

/** -2: its DROP DATABASE was interrupted, and it can only be dropped.
 * https://www.postgresql.org/docs/current/catalog-pg-database.html */
const listed = `SELECT datname AS name FROM pg_database
  WHERE NOT datistemplate AND datconnlimit <> -2 ORDER BY datname COLLATE "C"`
