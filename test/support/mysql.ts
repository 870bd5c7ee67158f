import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { createConnection, escapeId, type RowDataPacket } from 'mysql2/promise'
import { freePort } from '../../playground/servers/free-port.ts'
import {
  endAndRemove,
  give,
  launch,
  makeFolder,
  ownerOf,
  stop,
  untilReady,
} from '../../playground/servers/watched.ts'
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
const owner = ownerOf('mysql', 'nobody')

/** Its defaults stay: TLS, the binary log, caching_sha2_password, the strict mode. */
async function startMysql(
  program: string,
  { settings = [], tls }: { settings?: string[]; tls?: 'none' },
): Promise<MariadbServer> {
  const folder = await makeFolder('eb-mysql-', owner)
  const password = randomBytes(12).toString('hex')
  await initialise(program, { folder, password })
  const [port, socket] = [await freePort(), join(folder, 'server.sock')]
  const plain = tls === 'none' ? ['--tls-version='] : []
  const argv = [program, ...argvOf(folder), `--port=${port}`, ...plain, ...settings]
  const watcher = launch({ argv, folder, owner, ending: endAndRemove('KILL') })
  const query = (sql: string, database?: string) => ask({ socketPath: socket, password, database }, sql)
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
  await give(first, owner)
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

function argvOf(folder: string): string[] {
  const quick = ['--innodb-flush-log-at-trx-commit=0', '--sync-binlog=0', '--event-scheduler=OFF']
  const near = [`--socket=${folder}/server.sock`, `--pid-file=${folder}/pid`, '--bind-address=127.0.0.1']
  return [...places(folder), ...near, '--mysqlx=OFF', '--skip-name-resolve', ...quick]
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
