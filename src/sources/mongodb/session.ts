import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Db, MongoClient } from 'mongodb'
import { Fault } from '../../core/faults.ts'
import type { Host } from '../../core/tunnel.ts'
import type { SourceContext } from '../source.ts'
import { sessionFault } from './faults.ts'
import { endpointOf, uriOf, type Connection } from './url.ts'

const connectMs = 10_000 // a server that is alive answers within one
const defaultDeadlineMs = 60_000

export interface SessionNeeds {
  context: SourceContext
  /** null: nothing interrupts it. */
  signal: AbortSignal | null
  /** Of one question. */
  deadlineMs?: number
}

export interface Session {
  client: MongoClient
  /** The connection's own database. */
  db: Db
  admin: Db
  /** What the server says of itself. */
  hello: Hello
  serverVersion: string
}

export interface Hello {
  setName?: string
  /** `isdbgrid`: a router of a sharded cluster. */
  msg?: string
  isWritablePrimary?: boolean
  /** Only of a time it says. */
  localTime?: Date
}

/** The session name by which recovery finds what a dead run left on a server. */
export function sessionName(runId: string): string {
  return `easy-backup ${runId}`
}

/** Runs `work` with a connection of its own, closed whatever happens. @throws Fault database-… */
export async function withSession<T>(
  connection: Connection,
  needs: SessionNeeds,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { context, signal } = needs
  signal?.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  aborted.promise.catch(() => undefined) // it may fire when nobody waits any more
  const stop = (): void => aborted.reject(signal!.reason as Error)
  signal?.addEventListener('abort', stop, { once: true })
  let client: MongoClient | null = null
  try {
    client = await openClient(await uriFor(connection, needs), context.runId)
    const working = useClient(client, { connection, needs, work })
    return await Promise.race([working, aborted.promise])
  } catch (error) {
    signal?.throwIfAborted()
    throw sessionFault(error, connection)
  } finally {
    signal?.removeEventListener('abort', stop)
    await client?.close(true).catch(() => undefined) // what still runs on it is over
  }
}

async function openClient(uri: string, runId: string): Promise<MongoClient> {
  const { MongoClient: Client } = await import('mongodb') // only strategies on MongoDB pay for loading it
  return new Client(uri, {
    appName: sessionName(runId),
    connectTimeoutMS: connectMs,
    serverSelectionTimeoutMS: connectMs,
    maxPoolSize: 4,
    retryReads: true,
  })
}

interface Use<T> {
  connection: Connection
  needs: SessionNeeds
  work: (session: Session) => Promise<T>
}

async function useClient<T>(client: MongoClient, { connection, needs, work }: Use<T>): Promise<T> {
  await connect(client, connection)
  const timeoutMS = needs.deadlineMs ?? defaultDeadlineMs
  const admin = client.db('admin', { timeoutMS })
  const [hello, { version }] = await Promise.all([
    admin.command({ hello: 1 }) as Promise<Hello>,
    admin.command({ buildInfo: 1 }) as Promise<unknown> as Promise<{ version: string }>,
  ])
  const db = client.db(connection.database, { timeoutMS })
  return work({ client, db, admin, hello, serverVersion: version })
}

/** The driver tries again until its time is over, in case another server of a set answers. Of one alone the first answer counts. */
async function connect(client: MongoClient, { hosts, isSrv }: Connection): Promise<void> {
  if (isSrv || hosts.length > 1) return void (await client.connect())
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => undefined) // it may fail later, when nobody waits any more
  client.once('serverHeartbeatFailed', ({ failure }) => failed.reject(failure))
  await Promise.race([client.connect(), failed.promise])
}

/** The connection string that is really connected to: through a tunnel only one server can be, the one that takes writes. */
export async function uriFor(connection: Connection, needs: SessionNeeds): Promise<string> {
  const { hosts, isSrv, parameters } = connection
  if (isSrv) return uriOf(connection)
  const ends = hosts.map((host) => ({ host, end: needs.context.reach(host) }))
  if (ends.every(({ host, end }) => isSame(host, end))) return uriOf(connection)
  const { tls, ssl, tlsInsecure } = parameters
  if ((tls === 'true' || ssl === 'true') && tlsInsecure !== 'true')
    throw new Fault(
      'tunnel-refused',
      `mongodump cannot check the certificate of ${endpointOf(connection)} through a tunnel`,
      {
        hint: 'add tlsInsecure=true to the URL when the tunnel is encrypted (ssh); what is sent stays encrypted as well',
      },
    )
  const { replicaSet: _, directConnection: __, ...kept } = parameters
  const direct = { ...connection, parameters: { ...kept, directConnection: 'true' } }
  const uris = ends.map(({ end }) => uriOf(direct, { hosts: [end] }))
  return uris.length === 1 ? uris[0]! : writable(uris, connection, needs)
}

function isSame(a: Host, b: Host): boolean {
  return a.host === b.host && a.port === b.port
}

/** The first that takes writes; else the first that answers. */
async function writable(uris: string[], connection: Connection, { context }: SessionNeeds): Promise<string> {
  let answering: string | null = null
  let trouble: unknown = null
  for (const uri of uris) {
    const client = await openClient(uri, context.runId)
    try {
      const hello = (await client.db('admin').command({ hello: 1 })) as Hello
      if (hello.isWritablePrimary) return uri
      answering ??= uri
    } catch (error) {
      trouble = error
    } finally {
      await client.close(true).catch(() => undefined)
    }
  }
  if (answering !== null) return answering
  throw sessionFault(trouble, connection)
}

/** A configuration file of the tools: a URL as an argument could be read by everybody, in the environment by the same user for the
 * whole life of the child (promise 14). https://www.mongodb.com/docs/database-tools/mongodump/#std-option-mongodump.--config */
export async function toolConfig(connection: Connection, needs: SessionNeeds): Promise<string> {
  const path = join(needs.context.folder, `mongo-${randomUUID()}.yml`)
  const uri = await uriFor(connection, needs)
  await writeFile(path, `uri: ${JSON.stringify(uri)}\n`, { mode: 0o600, flag: 'wx' }) // a JSON string is one of YAML
  return path
}
