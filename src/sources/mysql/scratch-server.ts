import { chown, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { asFault, Fault } from '../../core/faults.ts'
import { findAccount, isRoot, type Account } from '../../sys/accounts.ts'
import type { Running } from '../../sys/process.ts'
import { endStrays, serverFolder } from '../../sys/strays.ts'
import type { SourceContext } from '../source.ts'
import { serverVersionOf, type Flavour, type Version } from './flavour.ts'
import type { Connection } from './url.ts'

/** A private server in the run's folder: a unix socket in a folder that only it can enter, no TCP, nothing synced to disk. */
export interface ScratchServer {
  /** As its superuser. */
  connection: Connection
  version: Version
  /** Ends it, and removes what it made. Never throws. @returns what is left, in words */
  close(): Promise<string | null>
}

const ready = /ready for connections/
const socketName = 's' // as short as can be: the path to it has a limit
const longestSocket = 107 // bytes of sockaddr_un.sun_path but the last; https://man7.org/linux/man-pages/man7/unix.7.html

/** Nothing of it outlives the drill: speed instead of durability. */
const settings = [
  '--skip-networking',
  '--skip-name-resolve',
  '--skip-log-bin',
  '--local-infile=OFF',
  '--event-scheduler=OFF',
  '--performance-schema=OFF',
  '--max-allowed-packet=1G',
  '--innodb-buffer-pool-size=64M',
  '--innodb-flush-method=nosync',
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=OFF',
  '--key-buffer-size=8M',
]

/** What is not the same for the two; `loose`: not every release knows it. */
const kinds = {
  MariaDB: {
    program: 'mariadbd',
    settings: ['--skip-symbolic-links', '--innodb-log-file-size=64M', '--aria-pagecache-buffer-size=8M'],
    initialise: ['--bootstrap'],
    hint: 'install mariadb-server (Debian, Ubuntu) or mariadb (Alpine)',
  },
  MySQL: {
    program: 'mysqld',
    settings: [
      '--secure-file-priv=NULL',
      '--loose-mysqlx=OFF',
      '--loose-innodb-redo-log-capacity=64M',
      '--loose-auto-generate-certs=OFF',
    ],
    initialise: ['--initialize-insecure'], // its superuser has no password then
    hint: 'install mysql-server',
  },
} as const

/** Where distributions keep what a new server's own tables are made of: Debian, Alpine, Red Hat. */
const shares = ['/usr/share/mysql', '/usr/share/mariadb']
const scripts = ['system_tables.sql', 'system_tables_data.sql']

/** @throws Fault drill-inconclusive · disk-… · the signal's reason */
export async function startServer(
  context: SourceContext,
  flavour: Flavour,
  signal: AbortSignal,
): Promise<ScratchServer> {
  const program = await serverProgram(context, flavour, signal)
  const folder = serverFolder(context.folder, context.runId)
  const home = await makeHome(folder)
  const entry = await open(folder, 'r')
  const stop = new AbortController()
  let ended: Promise<void> = Promise.resolve()
  const close = async (): Promise<string | null> => {
    stop.abort(new Error('the drill is over'))
    await endServer(context, ended)
    await entry.close().catch(() => undefined)
    await rm(dirname(folder), { recursive: true, force: true }).catch(() => undefined) // the run's folder goes as a whole
    return null
  }
  try {
    const { initialise, settings: own } = kinds[flavour]
    const argv = [program.path, '--no-defaults', ...home, ...settings, ...own]
    await makeTables(context, { argv: [...argv, ...initialise], flavour }, signal)
    ;({ ended } = await launch(
      context,
      { argv: [...argv, `--socket=${socketPath(home, folder)}`], stop: stop.signal },
      signal,
    ))
    return { connection: connectionOf(folder, entry.fd), version: program.version, close }
  } catch (error) {
    await close()
    signal.throwIfAborted()
    throw inconclusive(`no scratch server could be started: ${asFault(error).message}`, error)
  }
}

/** @throws Fault drill-inconclusive */
async function serverProgram(
  context: SourceContext,
  flavour: Flavour,
  signal: AbortSignal,
): Promise<{ path: string; version: Version }> {
  const path = context.processes.find(kinds[flavour].program)
  const text =
    path &&
    (await context.processes.output({ argv: [path, '--no-defaults', '--version'] }, running(context, signal)))
  const found = /Ver (\S+)/.exec(text ?? '')?.[1]
  const version = found === undefined ? null : serverVersionOf(found)
  if (path && version?.flavour === flavour) return { path, version } // mysqld may be another name of mariadbd
  const { program, hint } = kinds[flavour]
  throw new Fault(
    'drill-inconclusive',
    `the server program of ${flavour} (${program}) is not installed here`,
    { hint: `${hint}, or name a server with drill.database_url` },
  )
}

/** The server refuses to run as root, and another account cannot come along the path, which is closed to everybody: as root it shuts itself
 * into its own folder first, which then is all that it can see.
 * @returns arguments that say where */
async function makeHome(folder: string): Promise<string[]> {
  const root = dirname(folder)
  const account = accountOfServer()
  for (const one of [folder, join(root, 'tmp')]) await mkdir(one, { recursive: true, mode: 0o700 })
  if (!account) return [`--datadir=${folder}`, `--tmpdir=${join(root, 'tmp')}`]
  for (const one of [folder, join(root, 'tmp')]) await chown(one, account.uid, account.gid)
  await mkdir(join(root, 'etc'), { recursive: true })
  await writeFile(join(root, 'etc', 'passwd'), `mysql:x:${account.uid}:${account.gid}::/:/bin/false\n`)
  await chown(root, account.uid, account.gid)
  return [`--chroot=${root}`, '--user=mysql', '--datadir=/data', '--tmpdir=/tmp']
}

/** As the server sees it; a relative one is in its own folder, however long the path to that is. */
function socketPath(home: readonly string[], folder: string): string {
  const isShut = home[0]!.startsWith('--chroot')
  return isShut
    ? `/data/${socketName}`
    : Buffer.byteLength(folder) > longestSocket - 2
      ? socketName
      : join(folder, socketName)
}

function accountOfServer(): Account | null {
  if (!isRoot()) return null
  const account = findAccount(['mysql', 'nobody'])
  if (account) return account
  throw new Fault(
    'drill-inconclusive',
    'the server does not run as root, and there is no other account for it',
    {
      hint: 'make the account mysql, or run the service as another user',
    },
  )
}

/** The server's own tables; the superuser has no password, and only we can reach it. */
async function makeTables(
  context: SourceContext,
  { argv, flavour }: { argv: string[]; flavour: Flavour },
  signal: AbortSignal,
): Promise<void> {
  const input = flavour === 'MySQL' ? null : { stream: Readable.from([Buffer.from(await firstTables())]) }
  await context.processes.join({ stages: [{ argv }], input, output: null }, running(context, signal))
}

/** For MariaDB, which has to be told; every statement begins on a line of its own. */
async function firstTables(): Promise<string> {
  const first = [
    'create database mysql',
    'use mysql',
    'set @auth_root_socket=NULL',
    'set @skip_auth_anonymous=1',
  ]
  return `${first.join(';\n')};\n${await systemTables()}`
}

/** Newer releases call the files mariadb_…, older ones mysql_…. */
async function systemTables(): Promise<string> {
  for (const share of shares)
    for (const prefix of ['mariadb_', 'mysql_']) {
      const paths = scripts.map((name) => join(share, prefix + name))
      const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => null)))
      if (!texts.includes(null)) return texts.join('\n')
    }
  throw new Fault('drill-inconclusive', `the scripts of mariadb-install-db are not in ${shares.join(' or ')}`)
}

/** Resolves once it answers. */
async function launch(
  context: SourceContext,
  { argv, stop }: { argv: string[]; stop: AbortSignal },
  signal: AbortSignal,
): Promise<{ ended: Promise<void> }> {
  const answers = Promise.withResolvers<void>()
  const said = (tool: string, line: string): void => {
    if (ready.test(line)) answers.resolve()
    context.said(tool, line)
  }
  const how = { ...running(context, stop), said }
  const ended = context.processes.join({ stages: [{ argv }], input: null, output: null }, how)
  ended.catch(answers.reject)
  const onAbort = (): void => answers.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  await answers.promise.finally(() => signal.removeEventListener('abort', onAbort))
  return { ended }
}

function running({ runId, said }: SourceContext, signal: AbortSignal): Running {
  return { signal, runId, said: (tool, line) => said(tool, line) }
}

function connectionOf(folder: string, fd: number): Connection {
  const path = join(folder, socketName)
  const isShort = Buffer.byteLength(path) <= longestSocket
  const socket = isShort ? path : `/proc/${process.pid}/fd/${fd}/${socketName}` // the same folder by a shorter name
  const tls = { mode: 'disabled', ca: null, cert: null, key: null } as const
  return { host: 'localhost', port: 0, socket, user: 'root', password: null, database: 'mysql', tls }
}

const patienceMs = 6_000 // it ends soon after it was told to; the process layer kills it after five seconds

/** Its processes are groups of their own: who is killed leaves the others. */
async function endServer({ clock, runId }: SourceContext, ended: Promise<void>): Promise<void> {
  const over = new AbortController()
  const end = ended.catch(() => undefined).finally(() => over.abort())
  await Promise.race([end, clock.sleep(patienceMs, over.signal).catch(() => undefined)])
  await endStrays(new Set([runId]), clock)
  await end
}

export function inconclusive(text: string, cause?: unknown): Fault {
  const { hint } = asFault(cause)
  return new Fault('drill-inconclusive', text, { cause, ...(hint !== null && { hint }) })
}
