import { chown, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { asFault, Fault } from '../../core/faults.ts'
import { findAccount, isRoot, type Account } from '../../sys/accounts.ts'
import type { Running } from '../../sys/process.ts'
import { sharedMemory } from '../../sys/shared-memory.ts'
import { endStrays, serverFolder } from '../../sys/strays.ts'
import type { SourceContext } from '../source.ts'
import type { Place } from './place.ts'
import { installed, type Program } from './programs.ts'
import type { Connection } from './url.ts'

/** A private server in the run's folder: a unix socket in a folder that only it can enter, no TCP, nothing synced to disk. */
export interface ScratchServer {
  /** As its superuser, to the database `postgres`. */
  connection: Connection
  major: number
  version: string
  /** Ends it, and removes what it made. Never throws. @returns what is left, in words */
  close(): Promise<string | null>
}

const superuser = 'postgres'
const port = 5432 // a name of the socket only
const longestSocket = 107 // bytes of sockaddr_un.sun_path but the last; https://man7.org/linux/man-pages/man7/unix.7.html
const ready = /database system is ready to accept connections/

/** Nothing of it outlives the drill: speed instead of durability, and no memory that has a name in the system. */
const settings: Record<string, string> = {
  listen_addresses: '',
  unix_socket_directories: '.', // its own folder, whatever the length of the path to it
  port: String(port),
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  shared_memory_type: 'mmap',
  dynamic_shared_memory_type: 'mmap',
  shared_buffers: '64MB',
  maintenance_work_mem: '128MB',
  max_wal_size: '1GB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_connections: '20',
  max_locks_per_transaction: '1024', // counting objects locks every table
  max_logical_replication_workers: '0',
  autovacuum: 'off',
  jit: 'off',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_min_messages: 'log', // errors are told by pg_restore; here they would bring rows into the log
}

/** @param wanted majors: of the server that was dumped, and of the program that dumped it
 * @throws Fault drill-inconclusive · disk-… · the signal's reason */
export async function startServer(
  place: Place,
  wanted: { server: number; tool: number },
  signal: AbortSignal,
): Promise<ScratchServer> {
  const { context } = place
  const programs = await serverPrograms(place, wanted, signal)
  const account = accountOfServer()
  const folder = serverFolder(context.folder, context.runId)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (account) await chown(folder, account.uid, account.gid)
  const entry = await open(folder, 'r')
  // the account cannot come along the path, which is closed to everybody: it gets the open folder itself
  const as = account ? { account, folder: entry.fd, where: '/proc/self/fd/3' } : { where: folder }
  const home = { ...as, folder, fd: entry.fd }
  const stop = new AbortController()
  let ended: Promise<void> = Promise.resolve()
  const close = async (): Promise<string | null> => {
    stop.abort(new Error('the drill is over'))
    await endServer(context, ended)
    await entry.close().catch(() => undefined)
    return removeServer(context, folder)
  }
  try {
    await initialise(context, { program: programs.initdb, as }, signal)
    ;({ ended } = await launch(context, { program: programs.postgres, as, stop: stop.signal }, signal))
    const { major, version } = programs.postgres
    return { connection: connectionOf(home), major, version, close }
  } catch (error) {
    await close()
    signal.throwIfAborted()
    throw inconclusive(`no scratch server could be started: ${asFault(error).message}`, error)
  }
}

interface Programs {
  initdb: Program
  postgres: Program
}

/** Not older than what wrote the dump; one for the server's own major when there is no other. */
async function serverPrograms(
  { folders, context }: Place,
  wanted: { server: number; tool: number },
  signal: AbortSignal,
): Promise<Programs> {
  const found = await installed('initdb', folders, context, signal)
  const servers = await installed('postgres', folders, context, signal)
  const pairs = found.flatMap((initdb) => {
    const postgres = servers.find(({ major }) => major === initdb.major)
    return postgres ? [{ initdb, postgres }] : []
  })
  const least = (major: number): Programs | undefined => pairs.find(({ initdb }) => initdb.major >= major)
  const pair = least(wanted.tool) ?? least(wanted.server)
  if (pair) return pair
  const newest = pairs.at(-1)
  throw new Fault(
    'drill-inconclusive',
    newest
      ? `the server programs of PostgreSQL ${newest.initdb.version} are older than the backup, which is of ${wanted.server}`
      : 'the server programs of PostgreSQL (initdb, postgres) are not installed here',
    {
      hint: `install postgresql-${wanted.server} (Debian, Ubuntu) or postgresql${wanted.server} (Alpine), or name a server with drill.database_url`,
    },
  )
}

/** The server refuses to run as root. */
function accountOfServer(): Account | null {
  if (!isRoot()) return null
  const account = findAccount(['postgres', 'nobody'])
  if (account) return account
  throw new Fault(
    'drill-inconclusive',
    'PostgreSQL does not run as root, and there is no other account for it',
    {
      hint: 'make the account postgres, or run the service as another user',
    },
  )
}

interface As {
  account?: Account
  folder?: number
  /** The folder, as the programs may come to it. */
  where: string
}

async function initialise(
  context: SourceContext,
  { program, as: { where, ...as } }: { program: Program; as: As },
  signal: AbortSignal,
): Promise<void> {
  const how = ['--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C', `--username=${superuser}`]
  const argv = [program.path, `--pgdata=${where}`, ...how]
  await context.processes.output({ argv, ...as }, running(context, signal))
}

/** Resolves once it answers. */
async function launch(
  context: SourceContext,
  { program, as: { where, ...as }, stop }: { program: Program; as: As; stop: AbortSignal },
  signal: AbortSignal,
): Promise<{ ended: Promise<void> }> {
  const chosen = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const argv = [program.path, '-D', where, ...chosen]
  const answers = Promise.withResolvers<void>()
  const said = (tool: string, line: string): void => {
    if (ready.test(line)) answers.resolve()
    context.said(tool, line)
  }
  const ended = context.processes.join(
    { stages: [{ argv, ...as, endsBy: 'SIGQUIT' }], input: null, output: null },
    { ...running(context, stop), said },
  )
  ended.catch(answers.reject)
  const onAbort = (): void => answers.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  await answers.promise.finally(() => signal.removeEventListener('abort', onAbort))
  return { ended }
}

function running({ runId, said }: SourceContext, signal: AbortSignal): Running {
  return { signal, runId, said: (tool, line) => said(tool, line) }
}

function connectionOf({ folder, fd }: { folder: string; fd: number }): Connection {
  const isShort = Buffer.byteLength(join(folder, `.s.PGSQL.${port}`)) <= longestSocket
  const host = isShort ? folder : `/proc/${process.pid}/fd/${fd}` // the same folder by a shorter name
  return { host, port, user: superuser, password: null, database: 'postgres', parameters: {} }
}

const patienceMs = 6_000 // it ends at once when it is told to; the process layer kills it after five seconds

/** Its processes are groups of their own: who is killed leaves the others. */
async function endServer({ clock, runId }: SourceContext, ended: Promise<void>): Promise<void> {
  const over = new AbortController()
  const end = ended.catch(() => undefined).finally(() => over.abort())
  await Promise.race([end, clock.sleep(patienceMs, over.signal).catch(() => undefined)])
  await endStrays(new Set([runId]), clock)
  await end
}

/** @returns what is left, in words */
export async function removeServer(context: SourceContext, folder: string): Promise<string | null> {
  const left = await removeSegments(context, folder).catch((error: unknown) => asFault(error).message)
  await rm(dirname(folder), { recursive: true, force: true }).catch(() => undefined) // the run's folder goes as a whole
  return left
}

/** A server that was killed leaves 56 bytes of System V memory, which it keeps only to know that it is alone.
 * https://www.postgresql.org/docs/current/kernel-resources.html#SYSVIPC */
async function removeSegments(context: SourceContext, folder: string): Promise<string | null> {
  const inode = Number(BigInt.asIntN(32, (await stat(folder, { bigint: true })).ino)) // its key, unless that was taken
  const lines = await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '')
  const [key, id] = (lines.split('\n')[6] ?? '').trim().split(/\s+/).map(Number)
  const ours = sharedMemory().filter(
    (one) =>
      one.attached === 0 && one.bytes < 4096 && (one.key === inode || (one.key === key && one.id === id)),
  )
  const signal = AbortSignal.timeout(10_000)
  for (const { id: number } of ours)
    await context.processes.output({ argv: ['ipcrm', '-m', String(number)] }, running(context, signal))
  return null
}

export function inconclusive(text: string, cause?: unknown): Fault {
  const { hint } = asFault(cause)
  return new Fault('drill-inconclusive', text, { cause, ...(hint !== null && { hint }) })
}
