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

/** The URL that single fields stand for. A file has no host: `sqlite:///path`. */
export function composeUrl(connection: Connection, source: SourceFacts): string {
  const { host = 'localhost', port, user, password, database, tls, socket } = connection
  const scheme = source.schemes.includes(connection.type) ? connection.type : source.schemes[0]!
  if (database.startsWith('/') && connection.host === undefined && socket === undefined)
    return `${scheme}://${encodePath(database)}`
  const query = new URLSearchParams()
  if (socket !== undefined) query.set('host', socket) // wins over the host, which a URL with a user cannot do without
  if (tls !== undefined) query.set('sslmode', tlsMode(tls))
  const where = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host // an IPv6 address
  const server = `${who(user, password)}${where}${port === undefined ? '' : `:${port}`}`
  return `${scheme}://${server}/${encodeURIComponent(database)}${query.size === 0 ? '' : `?${query.toString()}`}`
}

function who(user: string | undefined, password: string | undefined): string {
  if (user === undefined) return ''
  return `${encodeURIComponent(user)}${password === undefined ? '' : `:${encodeURIComponent(password)}`}@`
}

/** As PostgreSQL's own clients call it (libpq, "sslmode"). */
function tlsMode(tls: boolean | string): string {
  if (typeof tls === 'string') return tls
  return tls ? 'require' : 'disable'
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

/** The URL of a strategy's database; null when it names none, or in an unknown way. */
export function databaseUrlOf(strategy: StrategyFile, catalogue: DriverCatalogue): string | null {
  const { database_url: url, connection } = strategy
  if (url !== undefined || !connection) return url ?? null
  const source = sourceOf(`${connection.type}:`, catalogue)
  return source ? composeUrl(connection, source) : null
}
