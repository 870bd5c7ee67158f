import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SourceContext } from '../source.ts'
import { reached } from './hosts.ts'
import { connectSeconds, sessionName, settled } from './session.ts'
import { libpqVariables, type Connection } from './url.ts'

/** The connection as libpq's environment. The password goes into a private file: a child's environment is
 * readable in /proc for its whole life, its arguments for everybody (promise 14). */
export async function programEnvironment(
  connection: Connection,
  context: SourceContext,
): Promise<Record<string, string>> {
  const one = await settled(connection, { context, signal: null })
  const { host, port, user, password, parameters } = one
  const via = reached(one, context)
  const extra = Object.entries(parameters).map(([name, value]) => [libpqVariables[name]!, value])
  return {
    ...(Object.fromEntries(extra) as Record<string, string>),
    PGHOST: host, // certificates are of this name
    PGPORT: String(via.port),
    ...(via.host === host && via.port === port ? {} : { PGHOSTADDR: via.host }),
    PGUSER: user,
    PGAPPNAME: sessionName(context.runId),
    PGCONNECT_TIMEOUT: String(connectSeconds),
    PGPASSFILE: await passwordFile(password, context.folder),
  }
}

/** Without a password it is empty: that of the machine's own user is not for us.
 * https://www.postgresql.org/docs/current/libpq-pgpass.html */
async function passwordFile(password: string | null, folder: string): Promise<string> {
  const path = join(folder, `pgpass-${randomUUID()}`)
  const escaped = password?.replaceAll('\\', '\\\\').replaceAll(':', '\\:')
  await writeFile(path, escaped === undefined ? '' : `*:*:*:*:${escaped}\n`, { mode: 0o600, flag: 'wx' })
  return path
}

/** One name as a connection string: pg_restore would read a plain one that holds `=` as parameters. */
export function databaseArgument(name: string): string {
  return `dbname='${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
