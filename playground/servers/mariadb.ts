import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createConnection, escapeId, type RowDataPacket } from 'mysql2/promise'
import { freePort } from './free-port.ts'
import { endAndRemove, give, launch, makeFolder, ownerOf, stop, untilReady } from './watched.ts'

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

const owner = ownerOf('mysql', 'nobody')
const superuser = 'root'
const binaries = ['/usr/sbin', '/usr/bin', '/usr/local/bin']

/** Are the server programs there? */
export function hasMariadb(): boolean {
  return ['mariadbd', 'mariadb-install-db'].every((name) => program(name) !== null)
}

/** @param options.settings  more arguments of mariadbd, e.g. `--ssl-ca=…` */
export async function startMariadb(options: { settings?: string[] } = {}): Promise<MariadbServer> {
  if (!hasMariadb()) throw new Error('the MariaDB server programs are not installed')
  const folder = await makeFolder('eb-maria-', owner)
  const password = randomBytes(12).toString('hex')
  await initialise(folder, password)
  const port = await freePort()
  const socket = join(folder, 'server.sock')
  const argv = [...argvOf(folder, port), ...(options.settings ?? [])]
  const watcher = launch({ argv, folder, owner, ending: endAndRemove('KILL') })
  const query = (sql: string, database?: string) => ask({ socket, password, database }, sql)
  await untilReady({ watcher, folder }, () => query('SELECT 1'))
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

function places(folder: string): string[] {
  return ['--no-defaults', `--datadir=${folder}/data`, `--tmpdir=${folder}`]
}

const small = ['--innodb-buffer-pool-size=24M', '--innodb-log-file-size=32M', '--innodb-log-buffer-size=4M']
const smaller = ['--key-buffer-size=1M', '--aria-pagecache-buffer-size=1M', '--skip-log-bin', '--event-scheduler=OFF'] // prettier-ignore
const hasty = ['--innodb-flush-log-at-trx-commit=0', '--innodb-flush-method=nosync']

function argvOf(folder: string, port: number): string[] {
  const near = ['--bind-address=127.0.0.1', '--skip-name-resolve', `--port=${port}`]
  const files = [
    `--socket=${folder}/server.sock`,
    `--pid-file=${folder}/pid`,
    `--init-file=${folder}/first.sql`,
  ]
  return [program('mariadbd')!, ...places(folder), ...near, ...files, ...small, ...smaller, ...hasty]
}

async function initialise(folder: string, password: string): Promise<void> {
  const how = ['--skip-test-db', '--skip-name-resolve', '--auth-root-authentication-method=normal']
  const args = [...places(folder), ...how, ...small]
  await promisify(execFile)(program('mariadb-install-db')!, args, { ...owner, cwd: folder })
  const first = [
    `ALTER USER root@localhost IDENTIFIED BY '${password}';`,
    `CREATE OR REPLACE USER root@'127.0.0.1' IDENTIFIED BY '${password}';`,
    `GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;`,
  ]
  await writeFile(join(folder, 'first.sql'), `${first.join('\n')}\n`, { mode: 0o600 })
  await give(join(folder, 'first.sql'), owner)
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
