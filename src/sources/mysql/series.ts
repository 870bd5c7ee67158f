import { isChosen } from '../../core/databases.ts'
import type { Series } from '../../core/model.ts'
import type { SourceSettings } from '../source.ts'
import { readRights } from './grants.ts'
import { systemDatabases } from './names.ts'
import type { Place } from './place.ts'
import { withServer } from './session.ts'

/** Without the server's own. Accounts and grants are in none of them; they are not backed up here. */
export async function listSeries(
  { origin, context }: Place,
  { strategy, databases }: SourceSettings,
  signal: AbortSignal,
): Promise<Series[]> {
  if (databases === null) return [{ strategy, name: origin.database, sole: true }]
  const rows = await withServer(origin, { context, signal }, (server) =>
    server.rows<{ name: string }>(
      'SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA ORDER BY SCHEMA_NAME',
    ),
  )
  return rows
    .map(({ name }) => name)
    .filter((name) => !systemDatabases.includes(name.toLowerCase()) && isChosen(databases, name))
    .map((name) => ({ strategy, name, sole: false }))
}

/** A user sees the databases on which they have some right: without one on the whole server, what is not listed may be there.
 * https://dev.mysql.com/doc/refman/8.4/en/show-databases.html */
export function seesAll({ origin, context }: Place, signal: AbortSignal): Promise<boolean> {
  return withServer(origin, { context, signal }, async (server) => {
    const grants = await server.rows<Record<string, string>>('SHOW GRANTS')
    // a partial revoke takes a database out of what is granted everywhere
    if (grants.some((row) => Object.values(row)[0]?.startsWith('REVOKE'))) return false
    const { everywhere } = await readRights(server)
    return everywhere('SHOW DATABASES') || everywhere('SELECT')
  })
}
