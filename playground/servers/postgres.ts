import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from './free-port.ts'
import { endAndRemove, give, launch, makeFolder, ownerOf, stop, untilReady } from './watched.ts'

/** A throw-away PostgreSQL server on loopback TCP, with password authentication. */
export interface PostgresServer {
  /** Major version. */
  version: number
  superuser: string
  password: string
  port: number
  /** Folder of its unix socket; it is the host of a connection through it. */
  socketDir: string
  /** URL of the superuser. */
  url(database?: string): string
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>
  createDatabase(name: string): Promise<void>
  /** Ends it and removes its folder. It also ends by itself when this process does, however that dies. */
  close(): Promise<void>
}

const owner = ownerOf('postgres', 'nobody')
const superuser = 'postgres'
const debianFolder = '/usr/lib/postgresql'

/** Majors whose server programs are installed, newest first. */
export function postgresMajors(): number[] {
  if (!existsSync(debianFolder)) return []
  return readdirSync(debianFolder)
    .map(Number)
    .filter((major) => existsSync(join(binaries(major), 'initdb')))
    .sort((a, b) => b - a)
}

export async function startPostgres(options: { version?: number } = {}): Promise<PostgresServer> {
  const version = options.version ?? postgresMajors()[0]
  if (version === undefined) throw new Error('the PostgreSQL server programs are not installed')
  const folder = await makeFolder('eb-pg-', owner)
  const password = randomBytes(12).toString('hex')
  await initialise(folder, { version, password })
  const port = await freePort()
  const where = ['-D', join(folder, 'data'), '-k', folder, '-p', String(port)]
  const argv = [join(binaries(version), 'postgres'), ...where, ...quick]
  const watcher = launch({ argv, folder, owner, ending: endAndRemove('QUIT') })
  const query = async (sql: string, database = 'postgres') => (await ask(sql, database)).rows
  const ask = (sql: string, database: string) =>
    withClient({ host: '127.0.0.1', port, user: superuser, password, database }, (client) =>
      client.query<Record<string, unknown>>(sql),
    )
  await untilReady({ watcher, folder }, () => query('SELECT 1'))
  return {
    version,
    superuser,
    password,
    port,
    socketDir: folder,
    url: (database = 'postgres') =>
      `postgres://${superuser}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    query,
    createDatabase: async (name) => void (await query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`)),
    close: () => stop(watcher),
  }
}

function binaries(major: number): string {
  return join(debianFolder, String(major), 'bin')
}

async function initialise(
  folder: string,
  { version, password }: { version: number; password: string },
): Promise<void> {
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  await give(passwordFile, owner)
  const args = ['-D', join(folder, 'data'), '-U', superuser, `--pwfile=${passwordFile}`]
  const settings = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync']
  await promisify(execFile)(join(binaries(version), 'initdb'), [...args, ...settings], {
    ...owner,
    cwd: folder,
  })
  await rm(passwordFile)
}

const settings = ['full_page_writes=off', 'synchronous_commit=off', 'shared_buffers=64MB', 'max_wal_size=2GB', 'jit=off', 'logging_collector=off'] // prettier-ignore
const quick = ['-h', '127.0.0.1', '-F', ...settings.flatMap((setting) => ['-c', setting])]

async function withClient<T>(config: pg.ClientConfig, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(config)
  client.on('error', () => {}) // the server may end while the connection is idle
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
