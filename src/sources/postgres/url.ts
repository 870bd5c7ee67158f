import { userInfo } from 'node:os'
import type { Host } from '../../core/tunnel.ts'

/** Where a database answers, and as whom. */
export interface Connection {
  /** Host name or address, or the folder of a unix socket. The first one, when there are several. */
  host: string
  port: number
  /** Tried in this order after the first; absent: none. */
  others?: readonly Host[]
  /** Which of them is taken; absent: the first that answers. */
  role?: ServerRole
  user: string
  /** null: none in the URL. */
  password: string | null
  database: string
  /** libpq's own parameters from the URL's query, by their names. */
  parameters: Record<string, string>
}

export interface UrlMistake {
  mistake: string
  hint: string
}

const defaultPort = 5432
const urlForm = 'write postgres://user:password@host:5432/database'
const encodingHint = 'write special characters in user, password and database as %XX, e.g. @ as %40'

/** libpq parameters that may stand in the query, with the environment variable that carries each.
 * https://www.postgresql.org/docs/current/libpq-envars.html */
export const libpqVariables: Record<string, string> = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  channel_binding: 'PGCHANNELBINDING',
  gssencmode: 'PGGSSENCMODE',
  options: 'PGOPTIONS',
}
/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS */
const serverRoles = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const
export type ServerRole = (typeof serverRoles)[number]

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']

export function parseConnection(text: string): Connection | UrlMistake {
  try {
    return judge(connectionOf(text))
  } catch (error) {
    return error instanceof URIError
      ? { mistake: 'a % in the URL is not followed by two hexadecimal digits', hint: encodingHint }
      : { mistake: 'this is not a URL', hint: `${urlForm}; ${encodingHint}` }
  }
}

/** For a URL that `parseUrl` accepted when the configuration was read. */
export function connectionTo(url: string): Connection {
  const connection = parseConnection(url)
  if ('mistake' in connection) throw new TypeError(`unchecked URL: ${connection.mistake}`)
  return connection
}

/** `host:port`, or the socket's path, of each host; fit for people. */
export function endpointOf(connection: Connection): string {
  return hostsOf(connection).map(oneEndpoint).join(',')
}

function oneEndpoint({ host, port }: Host): string {
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

export function hostsOf({ host, port, others = [] }: Connection): Host[] {
  return [{ host, port }, ...others]
}

/** Every form in which the password could show up. */
export function secretsOf(url: string): string[] {
  const { password } = connectionTo(url)
  return password === null ? [] : [...new Set([password, parsed(url).password])]
}

/** The same server and user, another database. */
export function urlAt(url: string, database: string): string {
  return url.replace(/^(\w[\w+.-]*:\/\/[^/?#]*)(?:\/[^?#]*)?/, (_, server: string) => {
    return `${server}/${encodeURIComponent(database)}`
  })
}

/** Everything before the hosts, the hosts, and everything after them. */
const parts = /^(?<before>\w[\w+.-]*:\/\/(?:[^/?#]*@)?)(?<hosts>[^/?#]*)(?<after>.*)$/s

/** With the first host only. libpq also takes `user@/database` for a socket; a URL needs a host behind the @. */
function parsed(text: string): URL {
  const { before, hosts = '', after = '' } = parts.exec(text)?.groups ?? {}
  return new URL(before === undefined ? text : `${before}${hosts.split(',')[0] || 'localhost'}${after}`)
}

function connectionOf(text: string): Connection {
  const url = parsed(text)
  const query = Object.fromEntries(url.searchParams)
  const { host: _host, port: _port, user, password, target_session_attrs: role, ...parameters } = query
  const [first, ...others] = allHosts(text, query)
  return {
    ...first!,
    ...(others.length > 0 && { others }),
    ...(role !== undefined && role !== 'any' && { role: role as ServerRole }),
    user: decodeURIComponent(url.username) || user || userInfo().username,
    password: decodeURIComponent(url.password) || password || null,
    database: decodeURIComponent(url.pathname.slice(1)),
    parameters,
  }
}

/** Those of the query win, as in libpq. A port may be said once for all of them. */
function allHosts(text: string, query: { host?: string; port?: string }): Host[] {
  const written = parts.exec(text)?.groups?.hosts ?? ''
  const named = written.split(',').map((one) => new URL(`postgres://${one || 'localhost'}`))
  const hosts = query.host ? query.host.split(',') : named.map(({ hostname }) => plainHost(hostname))
  const ports = query.port ? query.port.split(',') : named.map(({ port }) => port)
  return hosts.map((host, at) => {
    const port = ports.length === 1 ? ports[0] : ports[at]
    return { host: host || 'localhost', port: Number(port || defaultPort) }
  })
}

function plainHost(hostname: string): string {
  return decodeURIComponent(hostname).replace(/^\[(.*)\]$/, '$1')
}

function judge(connection: Connection): Connection | UrlMistake {
  const { database, password, user, parameters, role } = connection
  const hosts = hostsOf(connection)
  if (database === '') return { mistake: 'the URL names no database', hint: urlForm }
  if (hosts.length > 1 && hosts.some(({ host }) => host.startsWith('/')))
    return { mistake: 'one of several hosts is a socket', hint: 'name servers, or the one socket' }
  if (hosts.some(({ port }) => !Number.isInteger(port) || port < 1 || port > 65_535))
    return { mistake: 'the port is not a number between 1 and 65535', hint: urlForm }
  if (
    /[\0\n\r]/.test(`${hosts.map(({ host }) => host).join()}${user}${password ?? ''}`) ||
    database.includes('\0')
  )
    return { mistake: 'host, user or password holds a control character', hint: encodingHint }
  if (role !== undefined && !serverRoles.includes(role))
    return { mistake: `unknown target_session_attrs ${role}`, hint: `use one of ${serverRoles.join(', ')}` }
  return judgeParameters(parameters) ?? connection
}

function judgeParameters(parameters: Record<string, string>): UrlMistake | null {
  const unknown = Object.keys(parameters).find((name) => !Object.hasOwn(libpqVariables, name))
  if (unknown)
    return {
      mistake: `unknown parameter ${unknown}`,
      hint: `these are known: host, port, target_session_attrs, ${Object.keys(libpqVariables).join(', ')}`,
    }
  const { sslmode: mode, sslcert, sslkey } = parameters
  if (mode !== undefined && !sslModes.includes(mode))
    return { mistake: `unknown sslmode ${mode}`, hint: `use one of ${sslModes.join(', ')}` }
  if ((sslcert === undefined) !== (sslkey === undefined))
    return { mistake: 'a client certificate is a file and its key', hint: 'write both sslcert and sslkey' }
  return null
}
