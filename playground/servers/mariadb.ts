import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createConnection, escapeId, type RowDataPacket } from 'mysql2/promise'
import { freePort } from './free-port.ts'

/** A throw-away MariaDB server on loopback TCP, with password authentication. */
export interface MariadbServer {
  superuser: string
  password: string
  port: number
  /** Its unix socket. */
  socket: string
  /** URL of the superuser. */
  url(database?: string): string
  /** Several statements are allowed. @returns the rows of the last one */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>
  createDatabase(name: string): Promise<void>
  /** Ends it and removes its folder. It also ends by itself when this process does, however that dies. */
  close(): Promise<void>
}

const run = promisify(execFile)
const superuser = 'root'
const binaries = ['/usr/sbin', '/usr/bin', '/usr/local/bin']
const readyAttempts = 400
const readyPauseMs = 50

/** Are the server programs there? */
export function hasMariadb(): boolean {
  return ['mariadbd', 'mariadb-install-db'].every((name) => program(name) !== null)
}

/** @param options.settings  more arguments of mariadbd, e.g. `--ssl-ca=…` */
export async function startMariadb(options: { settings?: string[] } = {}): Promise<MariadbServer> {
  if (!hasMariadb()) throw new Error('the MariaDB server programs are not installed')
  const owner = await account()
  const folder = await mkdtemp(join(tmpdir(), 'eb-maria-'))
  if (owner) await chown(folder, owner.uid, owner.gid)
  const password = randomBytes(12).toString('hex')
  await initialise(folder, { owner, password })
  const port = await freePort()
  const socket = join(folder, 'server.sock')
  const watcher = launch(folder, { owner, port, settings: options.settings ?? [] })
  const query = (sql: string, database?: string) => ask({ socket, password, database }, sql)
  await untilReady(query, watcher)
  return {
    superuser,
    password,
    port,
    socket,
    url: (database = 'mysql') =>
      `mysql://${superuser}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    query,
    createDatabase: async (name) => void (await query(`CREATE DATABASE ${escapeId(name, true)}`)),
    close: () => stop(watcher),
  }
}

function program(name: string): string | null {
  return binaries.map((folder) => join(folder, name)).find(existsSync) ?? null
}

interface Account {
  uid: number
  gid: number
}

/** The server refuses root: then it runs as the account that the package made, else as nobody. */
async function account(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null
  return accountOf('mysql').catch(() => accountOf('nobody'))
}

async function accountOf(name: string): Promise<Account> {
  const idOf = async (flag: string) => Number((await run('id', [flag, name])).stdout)
  return { uid: await idOf('-u'), gid: await idOf('-g') }
}

const small = ['--innodb-buffer-pool-size=24M', '--innodb-log-file-size=32M', '--innodb-log-buffer-size=4M']

async function initialise(
  folder: string,
  { owner, password }: { owner: Account | null; password: string },
): Promise<void> {
  const how = ['--skip-test-db', '--skip-name-resolve', '--auth-root-authentication-method=normal']
  const args = ['--no-defaults', `--datadir=${join(folder, 'data')}`, `--tmpdir=${folder}`, ...how, ...small]
  await run(program('mariadb-install-db')!, args, { ...owner, cwd: folder })
  const first = [
    `ALTER USER root@localhost IDENTIFIED BY '${password}';`,
    `CREATE OR REPLACE USER root@'127.0.0.1' IDENTIFIED BY '${password}';`,
    `GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;`,
  ]
  await writeFile(join(folder, 'first.sql'), `${first.join('\n')}\n`, { mode: 0o600 })
  if (owner) await chown(join(folder, 'first.sql'), owner.uid, owner.gid)
}

/** The shell outlives us for a moment: its standard input ends when we do, then it ends the server and cleans up. */
const watch = `
program=$1 folder=$2 port=$3; shift 3
"$program" --no-defaults --datadir="$folder/data" --socket="$folder/server.sock" --pid-file="$folder/pid" --tmpdir="$folder" --port="$port" \
  --bind-address=127.0.0.1 --skip-name-resolve --init-file="$folder/first.sql" --innodb-flush-log-at-trx-commit=0 --innodb-flush-method=nosync \
  --skip-log-bin --event-scheduler=OFF --key-buffer-size=1M --aria-pagecache-buffer-size=1M "$@" >"$folder/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -KILL $server 2>/dev/null
wait $server
rm -rf "$folder"
`

function launch(
  folder: string,
  { owner, port, settings }: { owner: Account | null; port: number; settings: string[] },
): ChildProcess {
  const args = ['-c', watch, 'sh', program('mariadbd')!, folder, String(port), ...small, ...settings]
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
        throw new Error('the MariaDB server did not start', { cause: error })
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

async function ask(
  { socket, password, database }: { socket: string; password: string; database?: string | undefined },
  sql: string,
): Promise<Record<string, unknown>[]> {
  const where = { socketPath: socket, user: superuser, password, ...(database !== undefined && { database }) }
  const connection = await createConnection({ ...where, multipleStatements: true, charset: 'utf8mb4' })
  try {
    const [result] = await connection.query<RowDataPacket[] | RowDataPacket[][]>(sql)
    const last = Array.isArray(result) && Array.isArray(result.at(-1)) ? result.at(-1) : result
    return Array.isArray(last) ? (last as Record<string, unknown>[]) : []
  } finally {
    await connection.end()
  }
}
