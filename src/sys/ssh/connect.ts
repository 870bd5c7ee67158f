import { readFile } from 'node:fs/promises'
import type { Duplex } from 'node:stream'
import type { Client, ConnectConfig, ServerHostKeyAlgorithm } from 'ssh2'
import { Fault, type FaultCode } from '../../core/faults.ts'
import { whyNot } from '../net/dial.ts'
import { hostKeyCheck, type HostKeyCheck, type HostKeyRule } from './host-keys.ts'

export interface SshServer {
  /** How people call it: `the jump host gate:22`; absent: by host and port. */
  name?: string
  host: string
  port: number
  user: string
  login: SshLogin
  hostKey: HostKeyRule
}

/** What of it is given is tried. */
export interface SshLogin {
  password?: string | undefined
  privateKeyFile?: string | undefined
  /** Of the private key. */
  passphrase?: string | undefined
  /** Socket of an agent. */
  agent?: string | undefined
}

export interface SshOptions {
  signal: AbortSignal
  /** For all of it: connecting, the keys, the login. */
  timeoutMs: number
  /** What the caller calls a server that does not answer, and one that (or whose key) is refused. */
  faults: { unreachable: FaultCode; refused: FaultCode }
  /** A way that is already open, such as through another server. */
  through?: Duplex
}

const keepAliveMs = 15_000
const lostAfter = 3 // unanswered

/** A connection to a server of SSH whose key is the one it should be. The caller ends it, and listens to its `error` and `close`
 * from now on: a lost connection shows there.
 * @throws Fault of `faults` · the signal's reason */
export async function connectSsh(server: SshServer, options: SshOptions): Promise<Client> {
  const { signal, through } = options
  signal.throwIfAborted()
  const check = await readCheck(server, options)
  const privateKey = await readKey(server, options)
  const { Client } = await import('ssh2')
  signal.throwIfAborted()
  const refusal: Refusal = { fault: null }
  return open(new Client(), {
    server,
    options,
    refusal,
    config: {
      ...(through ? { sock: through } : { host: server.host, port: server.port }),
      username: server.user,
      ...loginOf(server.login, privateKey),
      ...(check.kinds && { algorithms: { serverHostKey: algorithmsOf(check.kinds) } }),
      hostVerifier: (key: Buffer) => isTrusted(check, key, { refusal, options }),
      readyTimeout: options.timeoutMs,
      keepaliveInterval: keepAliveMs,
      keepaliveCountMax: lostAfter,
    },
  })
}

/** Why the key was refused: the library itself only says that it was. */
interface Refusal {
  fault: Fault | null
}

interface Opening {
  server: SshServer
  options: SshOptions
  refusal: Refusal
  config: ConnectConfig
}

function open(client: Client, { server, options, refusal, config }: Opening): Promise<Client> {
  const { signal } = options
  const { promise, resolve, reject } = Promise.withResolvers<Client>()
  const cancelled = (): void => reject(signal.reason)
  signal.addEventListener('abort', cancelled, { once: true })
  client.on('error', (error) => reject(refusal.fault ?? explained(error, server, options)))
  client.on('close', () => reject(explained(new Error('the connection was closed'), server, options)))
  client.on('keyboard-interactive', (_name, _words, _language, prompts, answer) =>
    // a server that asks for the password in its own words; anything else is not for us to answer
    answer(prompts.map(({ echo }) => (echo === true ? '' : (server.login.password ?? '')))),
  )
  client.once('ready', () => {
    client.setNoDelay(true) // else small requests wait for each other: measured 5 instead of 200 MB/s
    resolve(client)
  })
  try {
    client.connect(config)
  } catch (error) {
    reject(explained(error, server, options))
  }
  return promise
    .catch((error: unknown) => {
      client.destroy()
      throw error
    })
    .finally(() => signal.removeEventListener('abort', cancelled))
}

async function readCheck({ host, port, hostKey }: SshServer, { faults }: SshOptions): Promise<HostKeyCheck> {
  try {
    return await hostKeyCheck(hostKey, { host, port })
  } catch (error) {
    throw new Fault(faults.refused, `the file ${hostKey.knownHosts} cannot be read`, {
      hint: `make it: ssh-keyscan -p ${port} ${host}, compare its keys with ssh-keygen -lf on the server, and let this user read it`,
      cause: error,
    })
  }
}

async function readKey({ login }: SshServer, { faults }: SshOptions): Promise<Buffer | null> {
  const { privateKeyFile: file, passphrase } = login
  if (file === undefined) return null
  const fault = (text: string, hint: string, cause?: unknown): Fault =>
    new Fault(faults.refused, text, { hint, cause })
  let key: Buffer
  try {
    key = await readFile(file)
  } catch (error) {
    throw fault(`the private key ${file} cannot be read`, 'check its path, and let this user read it', error)
  }
  const { default: ssh2 } = await import('ssh2')
  const parsed = ssh2.utils.parseKey(key, passphrase)
  if (!(parsed instanceof Error)) return key
  if (/no passphrase/i.test(parsed.message))
    throw fault(`the private key ${file} needs a passphrase`, 'write passphrase: beside it')
  if (passphrase !== undefined && /passphrase|integrity|decrypt/i.test(parsed.message))
    throw fault(`the passphrase does not open the private key ${file}`, 'check passphrase:')
  throw fault(`${file} is not a private key that is understood`, 'make one: ssh-keygen -t ed25519')
}

function loginOf(
  { password, passphrase, agent }: SshLogin,
  privateKey: Buffer | null,
): Partial<ConnectConfig> {
  return {
    ...(password !== undefined && { password, tryKeyboard: true }),
    ...(privateKey && { privateKey }),
    ...(privateKey && passphrase !== undefined && { passphrase }),
    ...(agent !== undefined && { agent }),
  }
}

/** A key of RSA is used by newer algorithms, too, which have names of their own. */
function algorithmsOf(kinds: string[]): ServerHostKeyAlgorithm[] {
  const names = kinds.flatMap((kind) =>
    kind === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [kind],
  )
  return names.filter((name) => understood.has(name)) as ServerHostKeyAlgorithm[]
}

const understood = new Set([
  'ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521',
  'rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa',
]) // prettier-ignore

/** Asked at the beginning and whenever keys are renewed. */
function isTrusted(
  check: HostKeyCheck,
  key: Buffer,
  { refusal, options }: { refusal: Refusal; options: SshOptions },
): boolean {
  const verdict = check.judge(key)
  if (verdict.trusted) return true
  refusal.fault = new Fault(options.faults.refused, verdict.why, { hint: verdict.hint })
  return false
}

interface SshError extends Error {
  level?: string
}

function explained(error: unknown, server: SshServer, { faults }: SshOptions): Fault {
  const { level = '', message } = error as SshError
  const { host, port, name: where = `${host}:${port}`, user } = server
  if (level === 'client-authentication')
    return new Fault(faults.refused, `${where} refused ${shownBy(server)} of ${user}`, {
      hint: 'check user, password and key: ssh -v shows which of them the server wants',
      cause: error,
    })
  if (level === 'agent')
    return new Fault(faults.refused, `the agent for ${where} cannot be used: ${message}`, {
      hint: 'check that agent: is the socket of a running ssh-agent which holds the key (ssh-add -l)',
      cause: error,
    })
  if (level === 'client-timeout')
    return new Fault(faults.unreachable, `${where} did not answer in time`, { hint: lookThere, cause: error })
  return new Fault(faults.unreachable, `${where} cannot be reached: ${whyNot(error) ?? message}`, {
    hint: lookThere,
    cause: error,
  })
}

/** What it was shown. */
function shownBy({ login: { password, privateKeyFile, agent } }: SshServer): string {
  const shown = [privateKeyFile && 'the key', agent && 'the agent’s keys', password && 'the password']
  return shown.filter((one) => one).join(' and ')
}

const lookThere = 'check that sshd is up and can be reached from here'
