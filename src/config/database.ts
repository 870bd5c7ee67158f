import { resolve } from 'node:path'
import type { DriverCatalogue, SourceFacts } from './catalogue.ts'
import type { StrategyFile } from './schema/strategy.ts'

export type Connection = NonNullable<StrategyFile['connection']>

/** The source that a URL's scheme selects. */
export function sourceOf(url: string, catalogue: DriverCatalogue): SourceFacts | undefined {
  const scheme = schemeOf(url)
  return catalogue.sources.find(({ schemes }) => scheme !== null && schemes.includes(scheme))
}

export function schemeOf(url: string): string | null {
  return /^(?<scheme>[a-z][a-z0-9+.-]*):/i.exec(url)?.groups?.scheme?.toLowerCase() ?? null
}

/** The URL that single fields stand for. A file has no host: `sqlite:///path`. TLS is written as PostgreSQL's own clients call it, which
 * every driver understands (libpq, "sslmode").
 * @param folder  where relative paths start */
export function composeUrl(connection: Connection, source: SourceFacts, folder = '/'): string {
  const { host = 'localhost', user, password, database, tls, socket } = connection
  const scheme = source.schemes.includes(connection.type) ? connection.type : source.schemes[0]!
  if (database.startsWith('/') && connection.host === undefined && socket === undefined)
    return `${scheme}://${encodePath(database)}`
  const query = new URLSearchParams()
  if (socket !== undefined) query.set('host', socket) // wins over the host, which a URL with a user cannot do without
  for (const [name, value] of Object.entries(tlsParameters(tls, folder))) query.set(name, value)
  const servers = [host].flat().map((one) => serverIn(one, connection.port))
  const server = `${who(user, password)}${servers.join(',')}`
  return `${scheme}://${server}/${encodeURIComponent(database)}${query.size === 0 ? '' : `?${query.toString()}`}`
}

/** `name`, `name:port`, or an IPv6 address, which stands in brackets before a port of its own. */
function serverIn(host: string, port: number | undefined): string {
  const hasPort = /^(\[[^\]]*\]|[^:[\]]*):\d+$/.test(host)
  const where = host.includes(':') && !host.startsWith('[') && !hasPort ? `[${host}]` : host
  return hasPort || port === undefined ? where : `${where}:${port}`
}

function who(user: string | undefined, password: string | undefined): string {
  if (user === undefined) return ''
  return `${encodeURIComponent(user)}${password === undefined ? '' : `:${encodeURIComponent(password)}`}@`
}

function tlsParameters(tls: Connection['tls'], folder: string): Record<string, string> {
  if (tls === undefined) return {}
  if (typeof tls === 'string') return { sslmode: tls }
  if (typeof tls === 'boolean') return { sslmode: tls ? 'require' : 'disable' }
  const { mode = tls.ca === undefined ? 'require' : 'verify-full', ca, cert, key } = tls
  const files = Object.entries({ sslrootcert: ca, sslcert: cert, sslkey: key })
  const named = files.flatMap(([name, path]) => {
    return path === undefined ? [] : [[name, path === 'system' ? path : resolve(folder, path)]]
  })
  return { sslmode: mode, ...(Object.fromEntries(named) as Record<string, string>) }
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

/** The URL of a strategy's database; null when it names none, or in an unknown way. */
export function databaseUrlOf(
  strategy: StrategyFile,
  catalogue: DriverCatalogue,
  folder?: string,
): string | null {
  const { database_url: url, connection } = strategy
  if (url !== undefined || !connection) return url ?? null
  const source = sourceOf(`${connection.type}:`, catalogue)
  return source ? composeUrl(connection, source, folder) : null
}
