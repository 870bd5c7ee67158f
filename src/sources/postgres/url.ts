import { userInfo } from 'node:os'

/** Where a database answers, and as whom. */
export interface Connection {
  /** Host name or address, or the folder of a unix socket. */
  host: string
  port: number
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
const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']

export function parseConnection(text: string): Connection | UrlMistake {
  try {
    return judge(connectionOf(parsed(text)))
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

/** `host:port`, or the socket's path; fit for people. */
export function endpointOf({ host, port }: Connection): string {
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Every form in which the password could show up. */
export function secretsOf(url: string): string[] {
  const { password } = connectionTo(url)
  return password === null ? [] : [...new Set([password, parsed(url).password])]
}

/** The same server and user, another database. */
export function urlAt(url: string, database: string): string {
  const changed = parsed(url)
  changed.pathname = `/${encodeURIComponent(database)}`
  return changed.href
}

/** libpq also takes `user@/database` for a socket; a URL needs a host behind the @. */
function parsed(text: string): URL {
  return new URL(text.replace(/^(\w+:\/\/[^/?#]*@)(?=[/?]|$)/, '$1localhost'))
}

function connectionOf(url: URL): Connection {
  const { host, port, user, password, ...parameters } = Object.fromEntries(url.searchParams)
  return {
    host: host || decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1') || 'localhost',
    port: Number(url.port || port || defaultPort),
    user: decodeURIComponent(url.username) || user || userInfo().username,
    password: decodeURIComponent(url.password) || password || null,
    database: decodeURIComponent(url.pathname.slice(1)),
    parameters,
  }
}

function judge(connection: Connection): Connection | UrlMistake {
  const { host, port, database, password, parameters } = connection
  if (database === '') return { mistake: 'the URL names no database', hint: urlForm }
  if (host.includes(',')) return { mistake: 'the URL names several hosts', hint: 'name the one to dump from' }
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    return { mistake: 'the port is not a number between 1 and 65535', hint: urlForm }
  if (/[\0\n\r]/.test(`${host}${connection.user}${password ?? ''}`) || database.includes('\0'))
    return { mistake: 'host, user or password holds a control character', hint: encodingHint }
  const unknown = Object.keys(parameters).find((name) => !Object.hasOwn(libpqVariables, name))
  if (unknown)
    return {
      mistake: `unknown parameter ${unknown}`,
      hint: `these are known: host, ${Object.keys(libpqVariables).join(', ')}`,
    }
  const mode = parameters.sslmode
  if (mode !== undefined && !sslModes.includes(mode))
    return { mistake: `unknown sslmode ${mode}`, hint: `use one of ${sslModes.join(', ')}` }
  return connection
}
