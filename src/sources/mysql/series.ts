import { isChosen } from '../../core/databases.ts'
import type { Series } from '../../core/model.ts'
import type { SourceSettings } from '../source.ts'
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
