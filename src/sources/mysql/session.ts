import { readFile } from 'node:fs/promises'
import { connect as connectSocket } from 'node:net'
import type { Connection as Client, ConnectionOptions, SslOptions } from 'mysql2'
import type { SourceContext } from '../source.ts'
import { connectSeconds, sessionName } from './environment.ts'
import { sessionFault } from './faults.ts'
import { serverVersionOf, type Version } from './flavour.ts'
import type { Connection } from './url.ts'

/** One open connection for short questions. */
export interface Session {
  version: Version
  /** After how many rows the server would have cut each answer to this user; ours are not cut. */
  selectLimit: string
  /** Is the connection encrypted? */
  encrypted: boolean
  /** `?` stands for a value. Numbers beyond 2^53 and times come as text. */
  rows: <Row>(sql: string, values?: unknown[]) => Promise<Row[]>
}

export interface SessionNeeds {
  context: SourceContext
  /** null: clean-up after an abort, which must still be done; deadlines hold all the same. */
  signal: AbortSignal | null
  /** Longest time of one statement. */
  deadlineMs?: number
}

const defaultDeadlineMs = 30_000 // catalogue questions take milliseconds

/** Connects to the connection's database, works, and always closes.
 * @throws Fault database-unreachable · database-refused · database-missing · the signal's reason */
export function withSession<T>(
  connection: Connection,
  needs: SessionNeeds,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  return converse({ connection, database: connection.database }, needs, work)
}

/** The same without a database: the target need not be there. */
export function withServer<T>(
  connection: Connection,
  needs: SessionNeeds,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  return converse({ connection, database: null }, needs, work)
}

interface Where {
  connection: Connection
  database: string | null
}

async function converse<T>(
  where: Where,
  needs: SessionNeeds,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { signal } = needs
  signal?.throwIfAborted()
  let client: Client | null = null
  const gone = Promise.withResolvers<never>()
  gone.promise.catch(() => {}) // nobody may be waiting when it comes
  const drop = (): void => {
    client?.destroy() // the driver has no other way to stop waiting; the server notices the closed socket
    gone.reject(signal?.reason)
  }
  signal?.addEventListener('abort', drop, { once: true })
  try {
    const opened = await Promise.race([open(where, needs, (made) => (client = made)), gone.promise])
    return await work(await sessionOf(opened, needs, gone.promise)) // who works also cleans up, and is waited for
  } catch (error) {
    signal?.throwIfAborted()
    throw sessionFault(error, where.connection)
  } finally {
    signal?.removeEventListener('abort', drop)
    ;(client as Client | null)?.destroy()
  }
}

/** As the programs do by default, TLS is tried first, and then the plain connection. */
async function open(where: Where, needs: SessionNeeds, made: (client: Client) => void): Promise<Client> {
  const { createConnection } = await import('mysql2') // only strategies on MySQL and MariaDB pay for loading it
  const attempts = await encryptions(where.connection)
  for (const [index, ssl] of attempts.entries()) {
    const client = createConnection({ ...settings(where, needs), ...(ssl && { ssl }) })
    client.on('error', () => {}) // a lost connection also rejects the statement that waits for it
    made(client)
    try {
      await client.promise().connect()
      return client
    } catch (error) {
      client.destroy()
      if (index === attempts.length - 1 || (error as { code?: string }).code !== 'HANDSHAKE_NO_SSL_SUPPORT')
        throw error
    }
  }
  throw new TypeError('no way to connect') // encryptions() is never empty
}

function settings({ connection, database }: Where, { context }: SessionNeeds): ConnectionOptions {
  const { host, port, socket, user, password } = connection
  const through = socket === null ? context.reach({ host, port }) : null
  return {
    user,
    ...(password !== null && { password }),
    ...(database !== null && { database }),
    host, // also behind a tunnel: certificates are of this name
    ...(through
      ? { stream: () => connectSocket({ ...through, keepAlive: true, noDelay: true }) }
      : { socketPath: socket! }),
    charset: 'utf8mb4_general_ci',
    connectTimeout: connectSeconds * 1000,
    supportBigNumbers: true,
    dateStrings: true,
    connectAttributes: { program_name: sessionName(context.runId) },
  }
}

async function encryptions({ socket, tls }: Connection): Promise<(SslOptions | null)[]> {
  if (tls.mode === 'disabled' || socket !== null) return [null]
  const files = await Promise.all([tls.ca, tls.cert, tls.key].map((path) => readPem(path)))
  const [ca, cert, key] = files
  const own = { ...(ca && { ca }), ...(cert && key && { cert, key }), minVersion: 'TLSv1.2' }
  if (tls.mode === 'verify-identity') return [{ ...own, rejectUnauthorized: true, verifyIdentity: true }]
  if (tls.mode === 'verify-ca') return [{ ...own, rejectUnauthorized: true }]
  const unverified = { ...own, rejectUnauthorized: false }
  return tls.mode === 'required' ? [unverified] : [unverified, null]
}

/** A missing file has the system's code of a missing socket: it must not be told as a server that is away. */
async function readPem(path: string | null): Promise<string | null> {
  if (path === null) return null
  return readFile(path, 'utf8').catch((cause: Error) => {
    throw new Error(`certificate file "${path}" cannot be read: ${cause.message}`, { cause })
  })
}

async function sessionOf(
  client: Client,
  { deadlineMs = defaultDeadlineMs }: SessionNeeds,
  gone: Promise<never>,
): Promise<Session> {
  const rows = async <Row>(sql: string, values: unknown[] = []): Promise<Row[]> => {
    const over = deadline(deadlineMs)
    const [found] = await Promise.race([client.promise().query({ sql, values }), over.reached, gone]).finally(
      over.drop,
    )
    return (Array.isArray(found) ? found : []) as Row[]
  }
  await rows(
    "SET @easy_backup_limit = @@SESSION.sql_select_limit, SESSION sql_select_limit = 18446744073709551615, SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'",
  ) // quotes and backslashes mean the same everywhere, and no answer is cut
  const [row] = await rows<{ version: string; selectLimit: string }>(
    'SELECT version() AS version, CAST(@easy_backup_limit AS CHAR) AS selectLimit',
  )
  const version = serverVersionOf(row!.version)
  if (version.flavour === 'MySQL' && version.number >= 800)
    await rows('SET SESSION information_schema_stats_expiry = 0') // sizes would be those of yesterday
  const [status] = await rows<{ Value: string }>("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
  return { version, selectLimit: row!.selectLimit, encrypted: (status?.Value ?? '') !== '', rows }
}

/** The server may go on for a while: the connection is closed right after. */
function deadline(ms: number): { reached: Promise<never>; drop: () => void } {
  const { promise: reached, reject } = Promise.withResolvers<never>()
  const over = AbortSignal.timeout(ms)
  const onOver = (): void => reject(new Error('query read timeout'))
  over.addEventListener('abort', onOver, { once: true })
  return { reached, drop: () => over.removeEventListener('abort', onOver) }
}
