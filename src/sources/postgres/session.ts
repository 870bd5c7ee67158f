import { readFile } from 'node:fs/promises'
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'
import type { Client, ClientConfig, QueryConfig } from 'pg'
import type { SourceContext } from '../source.ts'
import { connectSeconds, reached, sessionName } from './environment.ts'
import { sessionFault } from './faults.ts'
import type { Connection } from './url.ts'

/** One open connection for short questions. */
export interface Session {
  serverMajor: number
  serverVersion: string
  rows: <Row>(sql: string, values?: unknown[]) => Promise<Row[]>
  /** Of somebody else's text: more than one statement in it is refused. */
  one: (sql: string) => Promise<void>
}

export interface SessionNeeds {
  context: SourceContext
  /** null: clean-up after an abort, which must still be done; deadlines hold all the same. */
  signal: AbortSignal | null
  /** Longest time of one statement. */
  deadlineMs?: number
}

const defaultDeadlineMs = 30_000 // catalogue questions take milliseconds

/** Connects, works, and always closes.
 * @throws Fault database-unreachable · database-refused · database-missing · the signal's reason */
export async function withSession<T>(
  connection: Connection,
  needs: SessionNeeds,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { signal } = needs
  signal?.throwIfAborted()
  let client: Client | null = null
  const drop = (): void => {
    if (client) dropSocket(client)
  }
  signal?.addEventListener('abort', drop, { once: true })
  try {
    client = await connect(connection, needs, (made) => (client = made))
    return await work(await sessionOf(client))
  } catch (error) {
    signal?.throwIfAborted()
    throw sessionFault(error, connection)
  } finally {
    signal?.removeEventListener('abort', drop)
    await (client as Client | null)?.end().catch(() => {}) // it is gone either way
  }
}

/** As libpq does by default, TLS is tried first, and then the plain connection. */
async function connect(
  connection: Connection,
  needs: SessionNeeds,
  made: (client: Client) => void,
): Promise<Client> {
  const { default: pg } = await import('pg') // only strategies on PostgreSQL pay for loading it
  const attempts = await encryptions(connection)
  for (const [index, ssl] of attempts.entries()) {
    const client = new pg.Client({ ...settings(connection, needs), ssl })
    client.on('error', () => {}) // a lost connection also rejects the statement that waits for it
    made(client)
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.end().catch(() => {}) // it never was open
      if (index === attempts.length - 1 || !mayHelpPlain(error)) throw error
    }
  }
  throw new TypeError('no way to connect') // encryptions() is never empty
}

function settings(connection: Connection, needs: SessionNeeds): ClientConfig {
  const { user, password, database, parameters } = connection
  const deadlineMs = needs.deadlineMs ?? defaultDeadlineMs
  return {
    ...reached(connection, needs.context),
    user,
    database,
    ...(password === null ? {} : { password }),
    ...(parameters.options ? { options: parameters.options } : {}),
    application_name: sessionName(needs.context.runId),
    connectionTimeoutMillis: connectSeconds * 1000,
    statement_timeout: deadlineMs,
    query_timeout: deadlineMs + 5_000, // when the server cannot even cancel it
    keepAlive: true,
  }
}

type Encryption = ConnectionOptions | false

/** https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION */
async function encryptions({ host, parameters }: Connection): Promise<Encryption[]> {
  const { sslmode = 'prefer', sslrootcert, sslcert, sslkey } = parameters
  if (sslmode === 'disable' || host.startsWith('/')) return [false]
  const authority = sslrootcert && sslrootcert !== 'system' ? { ca: await readPem(sslrootcert) } : {}
  const own = sslcert && sslkey ? { cert: await readPem(sslcert), key: await readPem(sslkey) } : {}
  const tls = { ...authority, ...own, ...nameOf(host) }
  if (sslmode === 'verify-full') return [tls]
  if (sslmode === 'verify-ca') return [{ ...tls, checkServerIdentity: () => undefined }]
  const unverified = { ...tls, rejectUnauthorized: false }
  if (sslmode === 'require') return [unverified]
  return sslmode === 'allow' ? [false, unverified] : [unverified, false]
}

const isAddress = /^[\d.]+$|:/

/** The certificate is that of the server, which need not be what is connected to. An address is no name to ask for (RFC 6066). */
function nameOf(host: string): ConnectionOptions {
  return {
    ...(!isAddress.test(host) && { servername: host }),
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
  }
}

/** A missing file has the system's code of a missing socket: it must not be told as a server that is away. */
function readPem(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: Error) => {
    throw new Error(`certificate file "${path}" cannot be read: ${cause.message}`, { cause })
  })
}

function mayHelpPlain(error: unknown): boolean {
  const { code, message } = error as { code?: string; message: string }
  return code === '28000' || /does not support SSL/.test(message)
}

async function sessionOf(client: Client): Promise<Session> {
  const rows = async <Row>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    (await client.query(sql, values)).rows as Row[]
  const [version] = await rows<{ number: number; text: string }>(
    `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS text`,
  )
  return {
    serverMajor: Math.floor(version!.number / 10_000),
    serverVersion: version!.text.split(' ')[0]!,
    rows,
    one: async (sql) => void (await client.query({ text: sql, queryMode: 'extended' } as QueryConfig)),
  }
}

/** The driver has no other way to stop waiting; the server notices the closed socket. */
function dropSocket(client: Client): void {
  ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
}
