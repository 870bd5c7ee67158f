import { isIP } from 'node:net'
import { userInfo } from 'node:os'
import type { UrlMistake } from '../source.ts'

/** Where a database answers, and as whom. */
export interface Connection {
  /** Host name or address; not used when there is a socket. */
  host: string
  port: number
  /** Path of a unix socket. */
  socket: string | null
  user: string
  /** null: none in the URL. */
  password: string | null
  database: string
  tls: Tls
}

export type TlsMode = 'disabled' | 'preferred' | 'required' | 'verify-ca' | 'verify-identity'

/** Paths of PEM files; null: the usual authorities, or no certificate of our own. */
export interface Tls {
  mode: TlsMode
  ca: string | null
  cert: string | null
  key: string | null
}

const defaultPort = 3306
const urlForm = 'write mysql://user:password@host:3306/database'
const encodingHint = 'write special characters in user, password and database as %XX, e.g. @ as %40'

/** As MySQL calls them, and as PostgreSQL does, which `connection.tls` uses for every engine. */
const tlsModes: Record<string, TlsMode> = {
  disabled: 'disabled',
  preferred: 'preferred',
  required: 'required',
  'verify-ca': 'verify-ca',
  'verify-identity': 'verify-identity',
  disable: 'disabled',
  allow: 'preferred',
  prefer: 'preferred',
  require: 'required',
  'verify-full': 'verify-identity',
}

const known = {
  mode: ['ssl-mode', 'sslmode'],
  ca: ['ssl-ca', 'sslrootcert'],
  cert: ['ssl-cert', 'sslcert'],
  key: ['ssl-key', 'sslkey'],
  place: ['socket', 'host', 'port', 'user', 'password'],
}

export function parseConnection(text: string): Connection | UrlMistake {
  try {
    const url = parsed(text)
    return mistakeIn(url) ?? judge(connectionOf(url))
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
export function endpointOf({ host, port, socket }: Connection): string {
  if (socket !== null) return socket
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Every form in which the password could show up. */
export function secretsOf(url: string): string[] {
  const { password } = connectionTo(url)
  return password === null ? [] : [...new Set([password, parsed(url).password])].filter(Boolean)
}

/** The same server and user, another database. */
export function urlAt(url: string, database: string): string {
  const changed = parsed(url)
  changed.pathname = `/${encodeURIComponent(database)}`
  return changed.href
}

/** `user@/database` for a socket: a URL needs a host behind the @. */
function parsed(text: string): URL {
  return new URL(text.replace(/^(\w+:\/\/[^/?#]*@)(?=[/?]|$)/, '$1localhost'))
}

function mistakeIn({ searchParams }: URL): UrlMistake | null {
  const names = Object.values(known).flat()
  const unknown = [...searchParams.keys()].find((name) => !names.includes(name))
  if (unknown !== undefined)
    return { mistake: `unknown parameter ${unknown}`, hint: `these are known: ${names.join(', ')}` }
  const mode = valueOf(searchParams, 'mode')
  if (mode !== null && !Object.hasOwn(tlsModes, mode.toLowerCase().replaceAll('_', '-')))
    return {
      mistake: `unknown ssl-mode ${mode}`,
      hint: `use one of ${Object.keys(tlsModes).slice(0, 5).join(', ')}`,
    }
  return null
}

function valueOf(query: URLSearchParams, what: keyof typeof known): string | null {
  return known[what].map((name) => query.get(name)).find((value) => value !== null) ?? null
}

function connectionOf(url: URL): Connection {
  const query = url.searchParams
  const host = query.get('host') ?? decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1')
  const socket = query.get('socket') ?? (host.startsWith('/') ? host : null)
  const mode = valueOf(query, 'mode')?.toLowerCase().replaceAll('_', '-')
  const [ca, cert, key] = [valueOf(query, 'ca'), valueOf(query, 'cert'), valueOf(query, 'key')]
  return {
    host: socket === null ? host || 'localhost' : 'localhost',
    port: Number(url.port || query.get('port') || defaultPort),
    socket,
    user: decodeURIComponent(url.username) || query.get('user') || userInfo().username,
    password: decodeURIComponent(url.password) || query.get('password') || null,
    database: decodeURIComponent(url.pathname.slice(1)),
    tls: { mode: tlsModes[mode ?? 'preferred']!, ca: ca === 'system' ? null : ca, cert, key },
  }
}

function judge(connection: Connection): Connection | UrlMistake {
  const { host, port, socket, user, password, database, tls } = connection
  if (database === '') return { mistake: 'the URL names no database', hint: urlForm }
  if (host.includes(',')) return { mistake: 'the URL names several hosts', hint: 'name the one to dump from' }
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    return { mistake: 'the port is not a number between 1 and 65535', hint: urlForm }
  const files = `${socket ?? ''}${tls.ca ?? ''}${tls.cert ?? ''}${tls.key ?? ''}`
  if (/[\0\n\r]/.test(`${host}${user}${password ?? ''}${files}`) || database.includes('\0'))
    return { mistake: 'host, user, password or a path holds a control character', hint: encodingHint }
  if ((tls.cert === null) !== (tls.key === null))
    return {
      mistake: 'a client certificate needs its key, and a key its certificate',
      hint: 'write both ssl-cert and ssl-key',
    }
  if (tls.mode === 'verify-identity' && isIP(host))
    return {
      mistake: 'verify-identity needs a host name, not an address',
      hint: 'write the name in the server’s certificate, or use ssl-mode=verify-ca',
    }
  return connection
}
