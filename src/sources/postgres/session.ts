import type { Client, ClientConfig, QueryConfig } from 'pg'
import type { SourceContext } from '../source.ts'
import { sessionFault } from './faults.ts'
import { isSettled, openOne, reached } from './hosts.ts'
import { encryptions } from './tls.ts'
import type { Connection } from './url.ts'

export const connectSeconds = 10 // a server that is alive answers within one

/** The session name by which recovery finds what a dead run left on a server. */
export function sessionName(runId: string): string {
  return `easy-backup ${runId}`
}

/** One open connection for short questions. */
export interface Session {
  serverMajor: number
  serverVersion: string
  rows: <Row>(sql: string, values?: unknown[]) => Promise<Row[]>
  /** The one host that it is with. */
  at: Connection
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
  let tried = connection
  const drop = (): void => {
    if (client) dropSocket(client)
  }
  signal?.addEventListener('abort', drop, { once: true })
  try {
    const opened = await openOne(connection, (at) => {
      signal?.throwIfAborted()
      return connect((tried = at), needs, (made) => (client = made))
    })
    return await work(await sessionOf(opened.client, (tried = opened.at)))
  } catch (error) {
    signal?.throwIfAborted()
    throw sessionFault(error, tried)
  } finally {
    signal?.removeEventListener('abort', drop)
    await (client as Client | null)?.end().catch(() => {}) // it is gone either way
  }
}

/** The one host that a program is to work with, chosen now; nothing is asked where there is nothing to choose. */
export function settled(connection: Connection, needs: SessionNeeds): Promise<Connection> {
  return isSettled(connection)
    ? Promise.resolve(connection)
    : withSession(connection, needs, ({ at }) => Promise.resolve(at))
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
    password: () => password ?? '', // a function, or the machine's own PGPASSWORD and .pgpass were read
    ...(parameters.options ? { options: parameters.options } : {}),
    application_name: sessionName(needs.context.runId),
    connectionTimeoutMillis: connectSeconds * 1000,
    statement_timeout: deadlineMs,
    query_timeout: deadlineMs + 5_000, // when the server cannot even cancel it
    keepAlive: true,
  }
}

function mayHelpPlain(error: unknown): boolean {
  const { code, message } = error as { code?: string; message: string }
  return code === '28000' || /does not support SSL/.test(message)
}

async function sessionOf(client: Client, at: Connection): Promise<Session> {
  const rows = async <Row>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    (await client.query(sql, values)).rows as Row[]
  const [version] = await rows<{ number: number; text: string }>(
    `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS text`,
  )
  return {
    serverMajor: Math.floor(version!.number / 10_000),
    serverVersion: version!.text.split(' ')[0]!,
    at,
    rows,
    one: async (sql) => void (await client.query({ text: sql, queryMode: 'extended' } as QueryConfig)),
  }
}

/** The driver has no other way to stop waiting; the server notices the closed socket. */
function dropSocket(client: Client): void {
  ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
}
