import { execFile, type ChildProcess } from 'node:child_process'
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../playground/servers/free-port.ts'
import { give, launch, makeFolder, ownerOf, stop, untilReady } from '../../playground/servers/watched.ts'
import type { Account } from '../../src/sys/accounts.ts'

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

/** A pair of keys in files of ours. */
export interface KeyPair {
  /** Of the private key. */
  path: string
  /** The line for `authorize`. */
  publicKey: string
}

const run = promisify(execFile)
const program = '/usr/sbin/sshd'

/** @param options.permitOpen where sessions may be forwarded to, `host:port`; absent: anywhere
 * @param options.withoutSftp requests of SFTP that it does not know, as sftp-server(8) names them */
export async function startSshd(
  options: { permitOpen?: readonly string[]; withoutSftp?: readonly string[] } = {},
): Promise<Sshd> {
  const account = ownerOf('nobody') // as root it would want a folder of the system's and drop its rights anyway
  const user = account ? 'nobody' : userInfo().username
  const folder = await makeFolder('eb-sshd-', account)
  const port = await freePort()
  const newHostKey = async (): Promise<void> => {
    await Promise.all(['host', 'host.pub'].map((name) => rm(join(folder, name), { force: true })))
    await makeKey(join(folder, 'host'))
    await give(join(folder, 'host'), account)
  }
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
  async function start(): Promise<ChildProcess> {
    const started = launch({
      argv: [program, '-D', '-e', '-f', join(folder, 'config')],
      folder,
      owner: account,
      ending,
    })
    await untilReady({ watcher: started, folder }, () => greeting(port))
    return started
  }
  let watcher = await start()

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
      watcher = await start()
    },
    async cut() {
      await stop(watcher)
      watcher = await start()
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

/** With each session. */
const ending = `
below() { for child in $(cat /proc/$1/task/$1/children 2>/dev/null); do echo $child; below $child; done; }
kill -KILL $server $(below $server) 2>/dev/null
wait $server 2>/dev/null`

function greeting(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('data', () => (socket.destroy(), resolve())) // it greets first
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('it hung up')))
  })
}
