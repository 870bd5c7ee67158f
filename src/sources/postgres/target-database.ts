import { asFault, Fault } from '../../core/faults.ts'
import type { SourceContext } from '../source.ts'
import { quoted } from './names.ts'
import type { DumpedSchema } from './schema.ts'
import type { Session, SessionNeeds } from './session.ts'
import { withServer } from './target.ts'
import type { Connection } from './url.ts'

const createMs = 5 * 60_000 // template0 is small; a checkpoint on a busy server may take minutes
export const dropMs = 5 * 60_000 // removing the files of a large database

/** Two restores into one target exclude each other, from any machine. The lock lives as long as the session.
 * @throws Fault busy */
export async function lockTarget(session: Session, database: string): Promise<void> {
  const [row] = await session.rows<{ locked: boolean }>(
    `SELECT pg_try_advisory_lock(hashtextextended('easy-backup restore ' || $1, 0)) AS locked`,
    [database],
  )
  if (!row!.locked) throw new Fault('busy', `another restore into "${database}" is running`)
}

/** Creates the target with the dump's own encoding and locale, in its tablespace where there is one of that name.
 * @returns warnings
 * @throws Fault target-exists · target-invalid */
export async function createTarget(
  connection: Connection,
  { databaseOptions, tablespace }: Pick<DumpedSchema, 'databaseOptions' | 'tablespace'>,
  needs: SessionNeeds,
): Promise<string[]> {
  const create = `CREATE DATABASE ${quoted(connection.database)} TEMPLATE template0 `
  return withServer(connection, { ...needs, deadlineMs: createMs }, async (server) => {
    const where = await placeIn(server, tablespace)
    try {
      await server.rows(create + databaseOptions + where.sql)
      return where.warnings
    } catch (error) {
      if (!isUnknownLocale(error)) throw creationFault(error, connection)
    }
    const encoding = /ENCODING = (?:'[^']*'|\w+)/.exec(databaseOptions)?.[0] ?? ''
    await server.rows(create + encoding + where.sql).catch((error: unknown) => {
      throw creationFault(error, connection)
    })
    return [
      ...where.warnings,
      `the server lacks the locale of the dump (${databaseOptions}): text may sort differently`,
    ]
  })
}

async function placeIn(
  { rows }: Session,
  tablespace: string | null,
): Promise<{ sql: string; warnings: string[] }> {
  if (tablespace === null) return { sql: '', warnings: [] }
  const usable = `SELECT FROM pg_tablespace WHERE spcname = $1 AND has_tablespace_privilege(oid, 'CREATE')`
  if ((await rows(usable, [tablespace])).length > 0)
    return { sql: ` TABLESPACE ${quoted(tablespace)}`, warnings: [] }
  const lost = `this user finds no tablespace "${tablespace}", in which the database was: it is in the server’s own`
  return { sql: '', warnings: [lost] }
}

/** A comment on the database: what people see in `\l+`. */
export async function label(connection: Connection, text: string, needs: SessionNeeds): Promise<void> {
  const literal = `'easy-backup: ${text.replaceAll("'", "''")}'`
  await withServer(connection, needs, (server) =>
    server.rows(`COMMENT ON DATABASE ${quoted(connection.database)} IS ${literal}`),
  )
}

/** Also after an abort. @returns why it could not be dropped, or null */
export async function dropTarget(connection: Connection, context: SourceContext): Promise<Fault | null> {
  try {
    await withServer(connection, { context, signal: null, deadlineMs: dropMs }, async (server) => {
      const force = server.serverMajor >= 13 ? ' WITH (FORCE)' : ''
      await server.rows(`DROP DATABASE IF EXISTS ${quoted(connection.database)}${force}`)
    })
    return null
  } catch (error) {
    return asFault(error)
  }
}

/** 22023 invalid parameter, 42704 undefined object, 0A000 a provider this server lacks, 42601 an option it does not know. */
function isUnknownLocale(error: unknown): boolean {
  return ['22023', '42704', '0A000', '42601'].includes((error as { code?: string }).code ?? '')
}

function creationFault(error: unknown, { database, user }: Connection): unknown {
  const { code, message } = error as { code?: string; message: string }
  if (code === '42P04')
    return new Fault('target-exists', `database "${database}" was created by somebody else just now`, {
      cause: error,
    })
  if (code === '42501')
    return new Fault('target-invalid', `user "${user}" may not create databases: ${message}`, {
      cause: error,
    })
  return error
}
