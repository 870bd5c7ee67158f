import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { appendFile, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../playground/servers/free-port.ts'

/** A throw-away OpenSSH server on loopback: keys only, forwarding and SFTP, its own host key. It runs as an ordinary account, so
 * that nothing of the machine is touched; passwords need root, and are for `ssh-server.ts`. */
export interface Sshd {
  port: number
  /** The one who may log in: the account it runs as. */
  user: string
  /** Whose files those written through SFTP are; null = ours. Give it a folder with `chown` before it writes there. */
  account: Account | null
  /** `SHA256:…`, of its host key now. */
  fingerprint(): Promise<string>
  /** `ssh-ed25519 AAAA…`, as known_hosts spells it. */
  hostKey(): Promise<string>
  /** @param publicKey a line as of `makeKey` */
  authorize(publicKey: string): Promise<void>
  /** Everything it has said (DEBUG1): each connection, key and forwarded port. */
  log(): Promise<string>
  /** It goes on with another host key, on the same port. */
  changeHostKey(): Promise<void>
  /** Ends every session there is; new ones are taken. */
  cut(): Promise<void>
  /** Ends it with every session and removes its folder. It also ends by itself when this process does. */
  close(): Promise<void>
}

export interface Account {
  uid: number
  gid: number
}

/** A pair of keys in files of ours. */
export interface KeyPair {
  /** Of the private key. */
  path: string
  /** The line for `authorize`. */
  publicKey: string
}

const run = promisify(execFile)
const program = '/usr/sbin/sshd'
const readyAttempts = 400
const pauseMs = 25

/** @param options.permitOpen where sessions may be forwarded to, `host:port`; absent: anywhere
 * @param options.withoutSftp requests of SFTP that it does not know, as sftp-server(8) names them */
export async function startSshd(
  options: { permitOpen?: readonly string[]; withoutSftp?: readonly string[] } = {},
): Promise<Sshd> {
  const { user, account } = await whoRuns()
  const folder = await mkdtemp(join(tmpdir(), 'eb-sshd-'))
  const port = await freePort()
  const give = async (path: string): Promise<void> => {
    if (account) await chown(path, account.uid, account.gid)
  }
  const newHostKey = async (): Promise<void> => {
    await Promise.all(['host', 'host.pub'].map((name) => rm(join(folder, name), { force: true })))
    await makeKey(join(folder, 'host'))
    await give(join(folder, 'host'))
  }
  await give(folder)
  await newHostKey()
  await writeFile(join(folder, 'authorized_keys'), '')
  await writeFile(
    join(folder, 'config'),
    configOf({
      folder,
      port,
      permitOpen: options.permitOpen ?? ['any'],
      withoutSftp: options.withoutSftp ?? [],
    }),
  )
  let watcher = await launch(folder, { account, port })

  return {
    port,
    user,
    account,
    fingerprint: () => fingerprintOf(join(folder, 'host.pub')),
    hostKey: async () => withoutComment(await readFile(join(folder, 'host.pub'), 'utf8')),
    authorize: (publicKey) => appendFile(join(folder, 'authorized_keys'), `${publicKey}\n`),
    log: () => readFile(join(folder, 'log'), 'utf8'),
    async changeHostKey() {
      await stop(watcher)
      await newHostKey()
      watcher = await launch(folder, { account, port })
    },
    async cut() {
      await stop(watcher)
      watcher = await launch(folder, { account, port })
    },
    async close() {
      await stop(watcher)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** @param options.passphrase encrypts the private key */
export async function makeKey(
  path: string,
  { type = 'ed25519', passphrase = '' }: { type?: 'ed25519' | 'rsa' | 'ecdsa'; passphrase?: string } = {},
): Promise<KeyPair> {
  await run('ssh-keygen', ['-q', '-t', type, '-a', '1', '-N', passphrase, '-C', 'test', '-f', path])
  return { path, publicKey: (await readFile(`${path}.pub`, 'utf8')).trim() }
}

/** @param publicKeyFile as ssh-keygen reads it @returns `SHA256:…` */
export async function fingerprintOf(publicKeyFile: string): Promise<string> {
  return (await run('ssh-keygen', ['-l', '-f', publicKeyFile])).stdout.split(' ')[1]!
}

function withoutComment(line: string): string {
  return line.trim().split(' ').slice(0, 2).join(' ')
}

/** As root it would want a folder of the system's and drop its rights anyway. */
async function whoRuns(): Promise<{ user: string; account: Account | null }> {
  if (process.getuid?.() !== 0) return { user: userInfo().username, account: null }
  const idOf = async (flag: string): Promise<number> => Number((await run('id', [flag, 'nobody'])).stdout)
  return { user: 'nobody', account: { uid: await idOf('-u'), gid: await idOf('-g') } }
}

interface ConfigParts {
  folder: string
  port: number
  permitOpen: readonly string[]
  withoutSftp: readonly string[]
}

function configOf({ folder, port, permitOpen, withoutSftp }: ConfigParts): string {
  const sftp = `internal-sftp${withoutSftp.length > 0 ? ` -P ${withoutSftp.join(',')}` : ''}`
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${folder}/host`,
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    'PidFile none',
    'StrictModes no',
    'UsePAM yes', // without it an account without a password counts as locked
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'MaxStartups 200',
    'UseDNS no',
    'LogLevel DEBUG1',
    `PermitOpen ${permitOpen.join(' ')}`,
    `Subsystem sftp ${sftp}`,
    `ForceCommand ${sftp}`, // the account's shell lets nobody in
    '',
  ].join('\n')
}

/** The shell outlives us for a moment: its standard input ends when we do, then it ends the server and each session. */
const watch = `
"$1" -D -e -f "$2/config" >>"$2/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
below() { for child in $(cat /proc/$1/task/$1/children 2>/dev/null); do echo $child; below $child; done; }
kill -KILL $server $(below $server) 2>/dev/null
wait $server 2>/dev/null
`

async function launch(
  folder: string,
  { account, port }: { account: Account | null; port: number },
): Promise<ChildProcess> {
  const watcher = spawn('sh', ['-c', watch, 'sh', program, folder], {
    ...account,
    cwd: folder,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  ;(watcher.stdin as unknown as { unref(): void }).unref()
  for (let attempt = 1; !(await answers(port)); attempt++) {
    if (attempt === readyAttempts || watcher.exitCode !== null) {
      await stop(watcher)
      throw new Error(`sshd did not start: ${await readFile(join(folder, 'log'), 'utf8')}`)
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  return watcher
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('data', () => (socket.destroy(), resolve(true))) // it greets first
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}

async function stop(watcher: ChildProcess): Promise<void> {
  if (watcher.exitCode !== null) return
  const ended = new Promise((resolve) => watcher.once('exit', resolve))
  watcher.ref()
  watcher.stdin!.end()
  await ended
}
