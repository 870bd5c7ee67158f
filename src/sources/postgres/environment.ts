import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from '../../core/tunnel.ts'
import type { SourceContext } from '../source.ts'
import { libpqVariables, type Connection } from './url.ts'

export const connectSeconds = 10 // a server that is alive answers within one

/** The session name by which recovery finds what a dead run left on a server. */
export function sessionName(runId: string): string {
  return `easy-backup ${runId}`
}

/** The connection as libpq's environment. The password goes into a private file: a child's environment is
 * readable in /proc for its whole life, its arguments for everybody (promise 14). */
export async function programEnvironment(
  connection: Connection,
  context: SourceContext,
): Promise<Record<string, string>> {
  const { host, port, user, password, parameters } = connection
  const via = reached(connection, context)
  const extra = Object.entries(parameters).map(([name, value]) => [libpqVariables[name]!, value])
  return {
    ...(Object.fromEntries(extra) as Record<string, string>),
    PGHOST: host, // certificates are of this name
    PGPORT: String(via.port),
    ...(via.host === host && via.port === port ? {} : { PGHOSTADDR: via.host }),
    PGUSER: user,
    PGAPPNAME: sessionName(context.runId),
    PGCONNECT_TIMEOUT: String(connectSeconds),
    ...(password === null ? {} : { PGPASSFILE: await passwordFile(password, context.folder) }),
  }
}

/** Where the server is connected to, which may be this machine's end of a tunnel. A socket is on this machine anyway. */
export function reached({ host, port }: Connection, context: SourceContext): Host {
  return host.startsWith('/') ? { host, port } : context.reach({ host, port })
}

/** https://www.postgresql.org/docs/current/libpq-pgpass.html */
async function passwordFile(password: string, folder: string): Promise<string> {
  const path = join(folder, `pgpass-${randomUUID()}`)
  const escaped = password.replaceAll('\\', '\\\\').replaceAll(':', '\\:')
  await writeFile(path, `*:*:*:*:${escaped}\n`, { mode: 0o600, flag: 'wx' })
  return path
}

/** One name as a connection string: pg_restore would read a plain one that holds `=` as parameters. */
export function databaseArgument(name: string): string {
  return `dbname='${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
