import { spellHost, type Host } from '../../core/tunnel.ts'
import { fittingName } from '../fitting-name.ts'
import type { UrlMistake } from '../source.ts'

/** Where a database answers, and as whom. */
export interface Connection {
  /** The hosts stand in DNS, with parameters. */
  isSrv: boolean
  hosts: readonly Host[]
  /** null: nobody signs in. */
  user: string | null
  password: string | null
  database: string
  /** Of the URL's query, by the names of the connection string. */
  parameters: Record<string, string>
}

const defaultPort = 27_017
const urlForm = 'write mongodb://user:password@host:27017/database'
const encodingHint = 'write special characters in user, password and database as %XX, e.g. @ as %40'

/** What a server shows as the program's name, as hosted servers write it into the URLs that they hand out; sessions have names of our own. */
const dropped = 'appName'

/** Parameters that both the driver and the tools know alike.
 * https://www.mongodb.com/docs/manual/reference/connection-string-options/ */
const known = ['authSource', 'authMechanism', 'replicaSet', 'tls', 'ssl', 'tlsCAFile', 'tlsCertificateKeyFile', 'tlsCertificateKeyFilePassword', 'tlsInsecure', 'directConnection', 'readPreference', 'readPreferenceTags', 'readConcernLevel', 'w', 'retryWrites'] // prettier-ignore
const mechanisms = ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'MONGODB-X509', 'PLAIN']
const system = ['admin', 'config', 'local']

export function parseConnection(text: string): Connection | UrlMistake {
  const found = /^mongodb(\+srv)?:\/\/(?:([^/?#@]*)@)?([^/?#@]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(text)
  if (!found) return { mistake: 'this is not a URL of MongoDB', hint: `${urlForm}; ${encodingHint}` }
  const [, srv, login, hosts, path = '', query = ''] = found
  try {
    const [user, password] = login === undefined ? [] : splitOnce(login)
    return judge({
      isSrv: srv !== undefined,
      hosts: hosts!.split(',').map(hostOf),
      user: user ? decodeURIComponent(user) : null,
      password: password === undefined ? null : decodeURIComponent(password),
      database: decodeURIComponent(path),
      parameters: withTls(Object.fromEntries(new URLSearchParams(query.replaceAll('+', '%2B')))),
    })
  } catch (error) {
    if (!(error instanceof URIError)) throw error
    return { mistake: 'a % in the URL is not followed by two hexadecimal digits', hint: encodingHint }
  }
}

/** `connection.tls` is written as `sslmode`, which MongoDB calls otherwise. */
function withTls({ sslmode, [dropped]: _name, ...written }: Record<string, string>): Record<string, string> {
  const parameters = Object.fromEntries(
    Object.entries(written).map(([name, value]) => [tlsFiles[name] ?? name, value]),
  )
  if (sslmode === undefined) return parameters
  const tls = tlsOf[sslmode]
  return tls ? { ...parameters, ...tls } : { ...parameters, sslmode }
}

/** Its certificate and the key are one file: `cert` alone. */
const tlsFiles: Record<string, string> = { sslrootcert: 'tlsCAFile', sslcert: 'tlsCertificateKeyFile' }

const tlsOf: Record<string, Record<string, string>> = {
  disable: { tls: 'false' },
  require: { tls: 'true' }, // who wants no certificate checked writes tlsInsecure=true
  'verify-full': { tls: 'true' },
}

function splitOnce(login: string): [string, string?] {
  const at = login.indexOf(':')
  return at < 0 ? [login] : [login.slice(0, at), login.slice(at + 1)]
}

/** Port 0: that is not one. */
function hostOf(written: string): Host {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(written) ?? []
  return { host: bracketed ?? plain ?? '', port: port === undefined ? defaultPort : Number(port) }
}

/** For a URL that `parseUrl` accepted when the configuration was read. */
export function connectionTo(url: string): Connection {
  const connection = parseConnection(url)
  if ('mistake' in connection) throw new TypeError(`unchecked URL: ${connection.mistake}`)
  return connection
}

/** Fit for people. */
export function endpointOf({ isSrv, hosts }: Connection): string {
  return hosts.map((host) => (isSrv ? host.host : spellHost(host))).join(',')
}

/** Every form in which a secret could show up. */
export function secretsOf(url: string): string[] {
  const { password, parameters } = connectionTo(url)
  const [, raw] = /:\/\/[^/?#@:]*:([^/?#@]*)@/.exec(url) ?? []
  const secrets = [password, raw, parameters.tlsCertificateKeyFilePassword]
  return [...new Set(secrets.filter((secret): secret is string => !!secret))]
}

/** The same server and user, another database: who signs in stays who it was. */
export function urlAt(url: string, database: string): string {
  return uriOf(connectionTo(url), { database })
}

/** As a connection string, with everything spelled out that would follow from the database in it.
 * @param change.hosts  through a tunnel: its end on this machine */
export function uriOf(
  connection: Connection,
  change: { hosts?: readonly Host[]; database?: string; parameters?: Record<string, string> } = {},
): string {
  const { isSrv, user, password, parameters } = connection
  const hosts = change.hosts ?? connection.hosts
  const login = user === null && password === null ? '' : `${loginOf(user, password)}@`
  const where = hosts.map((host) => (isSrv ? host.host : spellHost(host))).join(',')
  const all = { ...parameters, ...authSourceOf(connection), ...change.parameters }
  const query = Object.entries(all).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const path = change.database === undefined ? '' : encodeURIComponent(change.database)
  return `mongodb${isSrv ? '+srv' : ''}://${login}${where}/${path}${query.length > 0 ? `?${query.join('&')}` : ''}`
}

function loginOf(user: string | null, password: string | null): string {
  const name = encodeURIComponent(user ?? '')
  return password === null ? name : `${name}:${encodeURIComponent(password)}`
}

/** Where the user is known, when nothing says so: in the database of the URL. Of a name in DNS its record says it. */
export function authSourceOf({ isSrv, user, database, parameters }: Connection): Record<string, string> {
  const { authSource, authMechanism = '' } = parameters
  if (user === null || isSrv || authSource !== undefined) return {}
  return { authSource: ['MONGODB-X509', 'PLAIN'].includes(authMechanism) ? '$external' : database }
}

function judge(connection: Connection): Connection | UrlMistake {
  const { isSrv, hosts, database, parameters, user, password } = connection
  if (database === '') return { mistake: 'the URL names no database', hint: urlForm }
  const wrong = wrongName(database)
  if (wrong !== null) return { mistake: wrong, hint: urlForm }
  if (hosts.some(({ host, port }) => host === '' || port < 1 || port > 65_535))
    return { mistake: 'a host or port is not one', hint: `${urlForm}; a socket cannot be named` }
  if (hosts.some(({ host }) => host.includes('%')))
    return { mistake: 'a socket cannot be named', hint: 'name host and port' }
  if (isSrv && hosts.length > 1)
    return { mistake: 'mongodb+srv names one host', hint: 'write mongodb:// to name several' }
  if (/[\0\n\r]/.test(`${user ?? ''}${password ?? ''}`))
    return { mistake: 'user or password holds a control character', hint: encodingHint }
  return judgeParameters(connection, parameters)
}

function judgeParameters(
  connection: Connection,
  parameters: Record<string, string>,
): Connection | UrlMistake {
  const unknown = Object.keys(parameters).find((name) => !known.includes(name))
  if (unknown)
    return { mistake: `unknown parameter ${unknown}`, hint: `these are known: ${known.join(', ')}` }
  const odd = ['tls', 'ssl', 'tlsInsecure', 'directConnection', 'retryWrites'].find(
    (name) => parameters[name] !== undefined && !['true', 'false'].includes(parameters[name]),
  )
  if (odd) return { mistake: `${odd} is true or false`, hint: `write ${odd}=true` }
  const { authMechanism } = parameters
  if (authMechanism !== undefined && !mechanisms.includes(authMechanism))
    return { mistake: `unknown authMechanism ${authMechanism}`, hint: `use one of ${mechanisms.join(', ')}` }
  return connection
}

const longestName = 63 // bytes: https://www.mongodb.com/docs/manual/reference/limits/

/** Words for what cannot be the name of a database, or null. */
export function wrongName(database: string): string | null {
  if (/[/\\. "$\0]/.test(database)) return 'the name of a database may not hold / \\ . " $ or a space'
  if (Buffer.byteLength(database) > longestName) return 'the name of a database has at most 63 bytes'
  return system.includes(database) ? `${database} belongs to the server itself` : null
}

export function isSystem(database: string): boolean {
  return system.includes(database)
}

/** `<name>_<role>_<stamp>` with the name cut so that all of it fits. */
export function nameBeside(name: string, role: 'restore' | 'drill', stamp: string): string {
  return fittingName(name, `_${role}_${stamp}`, longestName)
}
