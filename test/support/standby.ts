import { execFileSync, spawn } from 'node:child_process'
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { freePort } from '../../playground/servers/free-port.ts'
import type { PostgresServer } from './postgres.ts'

export interface Standby {
  port: number
  /** Writes a mark at the primary. @returns its place, which `has` asks for */
  mark(): Promise<string>
  /** Was it replayed up to this place? */
  has(mark: string): Promise<boolean>
  /** Waits until it has replayed what the primary has written so far. */
  catchUp(): Promise<void>
  query(sql: string): Promise<Record<string, unknown>[]>
  /** What it said so far. */
  log(): string
  close(): Promise<void>
}

/** A hot standby that follows a throw-away server. @param settings of its own, by name */
export async function startStandby(
  primary: PostgresServer,
  settings: Record<string, string> = {},
): Promise<Standby> {
  const { uid, gid } = statSync(join(primary.socketDir, 'data')) // the server refuses root
  const folder = mkdtempSync(join(tmpdir(), 'eb-standby-'))
  chownSync(folder, uid, gid)
  const as = { uid, gid, cwd: folder }
  const programs = `/usr/lib/postgresql/${primary.version}/bin`
  const from = `host=127.0.0.1 port=${primary.port} user=${primary.superuser} password=${primary.password}`
  const how = [
    '--pgdata',
    join(folder, 'data'),
    '--write-recovery-conf',
    '--checkpoint=fast',
    '--wal-method=fetch',
    '--no-sync',
  ]
  execFileSync(join(programs, 'pg_basebackup'), ['--dbname', from, ...how], { ...as, stdio: 'ignore' })
  const port = await freePort()
  const chosen = Object.entries({
    unix_socket_directories: folder,
    port: String(port),
    fsync: 'off',
    ...settings,
  })
  const argv = ['-D', join(folder, 'data'), ...chosen.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const log = openSync(join(folder, 'log'), 'w')
  const child = spawn(join(programs, 'postgres'), argv, { ...as, stdio: ['ignore', log, log] })
  closeSync(log)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const query = async (sql: string): Promise<Record<string, unknown>[]> => {
    const { superuser: user, password } = primary
    const client = new pg.Client({ host: '127.0.0.1', port, user, password, database: 'postgres' })
    client.on('error', () => undefined) // it may end while nobody asks
    try {
      await client.connect()
      return (await client.query<Record<string, unknown>>(sql)).rows
    } finally {
      await client.end().catch(() => undefined)
    }
  }
  const close = async (): Promise<void> => {
    child.kill('SIGQUIT')
    await ended
    rmSync(folder, { recursive: true })
  }
  const mark = async (): Promise<string> => {
    const [row] = await primary.query(`SELECT pg_logical_emit_message(false, 'test', 'mark')::text AS lsn`)
    return String(row!.lsn)
  }
  const has = async (lsn: string): Promise<boolean> => {
    const [now] = await query(`SELECT pg_last_wal_replay_lsn() >= '${lsn}' AS there`).catch(() => [])
    return now?.there === true
  }
  const catchUp = async (): Promise<void> => {
    const lsn = await mark()
    for (let tries = 0; !(await has(lsn)); tries++) {
      if (tries === 600) throw new Error('the standby does not follow')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  await catchUp().catch(async (error: unknown) => {
    await close()
    throw error
  })
  return { port, mark, has, catchUp, query, log: () => readFileSync(join(folder, 'log'), 'utf8'), close }
}
