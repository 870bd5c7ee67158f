import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { createConnection, escapeId, type RowDataPacket } from 'mysql2/promise'
import { findAccount, isRoot } from '../../src/sys/accounts.ts'
import { freePort } from '../../playground/servers/free-port.ts'
import { startMariadb, type MariadbServer } from './mariadb.ts'

/** `MYSQL_BIN=/folder`, with MySQL's own mysqld, mysql and mysqldump: the tests of this driver run against those instead of MariaDB. */
const folderOfMysql = process.env.MYSQL_BIN

/** Whose server and programs the tests run against. */
export const flavour = folderOfMysql === undefined ? 'MariaDB' : 'MySQL'

/** For `{ skip }` of a test that is about MySQL alone. */
export const onlyMysql =
  folderOfMysql === undefined && 'set MYSQL_BIN to a folder with MySQL’s mysqld, mysql and mysqldump'

/** @param options.settings  more arguments of the server
 * @param options.tls  `none`: it cannot encrypt. MySQL makes certificates of its own, MariaDB has those of the settings */
export async function startServer(
  options: { settings?: string[]; tls?: 'none' } = {},
): Promise<MariadbServer> {
  if (folderOfMysql === undefined) return startMariadb(options)
  const missing = ['mysqld', 'mysql', 'mysqldump'].find((name) => !existsSync(join(folderOfMysql, name)))
  if (missing !== undefined) throw new Error(`MYSQL_BIN names a folder without ${missing}`)
  process.env.PATH = [folderOfMysql, process.env.PATH].join(delimiter)
  return startMysql(join(folderOfMysql, 'mysqld'), options)
}

const superuser = 'root'
const owner = isRoot() ? (findAccount(['mysql', 'nobody']) ?? undefined) : undefined // it refuses root
const readyAttempts = 600
const readyPauseMs = 50

/** Its defaults stay: TLS, the binary log, caching_sha2_password, the strict mode. */
async function startMysql(
  program: string,
  { settings = [], tls }: { settings?: string[]; tls?: 'none' },
): Promise<MariadbServer> {
  const folder = await mkdtemp(join(tmpdir(), 'eb-mysql-'))
  const password = randomBytes(12).toString('hex')
  await initialise(program, { folder, password })
  const [port, socket] = [await freePort(), join(folder, 'server.sock')]
  const plain = tls === 'none' ? ['--tls-version='] : []
  const watcher = launch(program, folder, [`--port=${port}`, ...plain, ...settings])
  const query = (sql: string, database?: string) => ask({ socketPath: socket, password, database }, sql)
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

async function initialise(
  program: string,
  { folder, password }: { folder: string; password: string },
): Promise<void> {
  const first = join(folder, 'first.sql')
  await writeFile(
    first,
    `ALTER USER root@localhost IDENTIFIED BY '${password}';
CREATE USER root@'127.0.0.1' IDENTIFIED BY '${password}';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
`,
    { mode: 0o600 },
  )
  for (const path of owner ? [folder, first] : []) await chown(path, owner!.uid, owner!.gid)
  const args = [...places(folder), '--initialize-insecure', `--init-file=${first}`]
  await promisify(execFile)(program, args, { ...owner, cwd: folder })
}

function places(folder: string): string[] {
  const where = [
    '--no-defaults',
    `--datadir=${folder}/data`,
    `--tmpdir=${folder}`,
    `--secure-file-priv=${folder}`,
  ]
  return [...where, '--innodb-flush-method=nosync', '--innodb-buffer-pool-size=24M']
}

/** The shell outlives us for a moment: its standard input ends when we do, then it ends the server and cleans up. */
const watch = `
program=$1 folder=$2; shift 2
"$program" "$@" >"$folder/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -KILL $server 2>/dev/null
wait $server
rm -rf "$folder"
`

function launch(program: string, folder: string, settings: string[]): ChildProcess {
  const quick = ['--innodb-flush-log-at-trx-commit=0', '--sync-binlog=0', '--event-scheduler=OFF']
  const near = [`--socket=${folder}/server.sock`, `--pid-file=${folder}/pid`, '--bind-address=127.0.0.1']
  const args = [...places(folder), ...near, '--mysqlx=OFF', '--skip-name-resolve', ...quick, ...settings]
  const child = spawn('sh', ['-c', watch, 'sh', program, folder, ...args], {
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
        throw new Error('the MySQL server did not start', { cause: error })
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
  { socketPath, password, database }: { socketPath: string; password: string; database: string | undefined },
  sql: string,
): Promise<Record<string, unknown>[]> {
  const where = { socketPath, user: superuser, password, ...(database !== undefined && { database }) }
  const connection = await createConnection({ ...where, multipleStatements: true, charset: 'utf8mb4' })
  try {
    const [result] = await connection.query<RowDataPacket[] | RowDataPacket[][]>(sql)
    const last = Array.isArray(result) && Array.isArray(result.at(-1)) ? result.at(-1) : result
    return Array.isArray(last) ? (last as Record<string, unknown>[]) : []
  } finally {
    await connection.end()
  }
}
