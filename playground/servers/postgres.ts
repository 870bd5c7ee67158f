import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from './free-port.ts'

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

const run = promisify(execFile)
const superuser = 'postgres'
const debianFolder = '/usr/lib/postgresql'
const readyAttempts = 200
const readyPauseMs = 50

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
  const owner = await account()
  const folder = await mkdtemp(join(tmpdir(), 'eb-pg-'))
  if (owner) await chown(folder, owner.uid, owner.gid)
  const password = randomBytes(12).toString('hex')
  await initialise(folder, { version, owner, password })
  const port = await freePort()
  const watcher = launch(folder, { version, owner, port })
  const query = async (sql: string, database = 'postgres') => (await ask(sql, database)).rows
  const ask = (sql: string, database: string) =>
    withClient({ host: '127.0.0.1', port, user: superuser, password, database }, (client) =>
      client.query<Record<string, unknown>>(sql),
    )
  await untilReady(query, watcher)
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

interface Account {
  uid: number
  gid: number
}

/** initdb and the server refuse root: then they run as the account that the package made, else as nobody. */
async function account(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null
  return accountOf('postgres').catch(() => accountOf('nobody'))
}

async function accountOf(name: string): Promise<Account> {
  const idOf = async (flag: string) => Number((await run('id', [flag, name])).stdout)
  return { uid: await idOf('-u'), gid: await idOf('-g') }
}

async function initialise(
  folder: string,
  { version, owner, password }: { version: number; owner: Account | null; password: string },
): Promise<void> {
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (owner) await chown(passwordFile, owner.uid, owner.gid)
  const args = ['-D', join(folder, 'data'), '-U', superuser, `--pwfile=${passwordFile}`]
  const settings = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync']
  await run(join(binaries(version), 'initdb'), [...args, ...settings], { ...owner, cwd: folder })
  await rm(passwordFile)
}

/** The shell outlives us for a moment: its standard input ends when we do, then it ends the server and cleans up. */
const watch = `
"$1" -D "$2/data" -k "$2" -p "$3" -h 127.0.0.1 -F -c full_page_writes=off -c synchronous_commit=off \
  -c shared_buffers=64MB -c max_wal_size=2GB -c jit=off -c logging_collector=off >"$2/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -QUIT $server 2>/dev/null
wait $server
rm -rf "$2"
`

function launch(
  folder: string,
  { version, owner, port }: { version: number; owner: Account | null; port: number },
): ChildProcess {
  const args = ['-c', watch, 'sh', join(binaries(version), 'postgres'), folder, String(port)]
  const child = spawn('sh', args, {
    ...owner,
    cwd: folder,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  child.unref()
  ;(child.stdin as unknown as { unref(): void }).unref()
  return child
}

async function untilReady(query: (sql: string) => Promise<unknown>, watcher: ChildProcess): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return void (await query('SELECT 1'))
    } catch (error) {
      if (attempt === readyAttempts) {
        await stop(watcher)
        throw new Error('the PostgreSQL server did not start', { cause: error })
      }
      await new Promise((resolve) => setTimeout(resolve, readyPauseMs))
    }
  }
}

async function stop(watcher: ChildProcess): Promise<void> {
  if (watcher.exitCode !== null) return
  const ended = new Promise((resolve) => watcher.once('exit', resolve))
  watcher.ref()
  watcher.stdin!.end()
  await ended
}

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
