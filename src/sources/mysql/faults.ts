import { Fault, asFault, type FaultCode } from '../../core/faults.ts'
import { ToolFailure } from '../../sys/process.ts'
import { grantsToRead, trustCreators } from './grants.ts'
import { endpointOf, type Connection } from './url.ts'

/** A kind of trouble with a server, recognised by its number, which programs print too, or by the driver's or system's code.
 * https://mariadb.com/kb/en/mariadb-error-code-reference/ */
interface Trouble {
  codes: readonly (string | number)[]
  words: RegExp | null
  code: FaultCode
  /** It means something else while restoring; then the server's own words are told. */
  dumpOnly?: true
  text: (words: string, connection: Connection) => string
  hint: (connection: Connection) => string
}

const lostConnection: readonly (string | number)[] = [
  2002,
  2003,
  2005,
  2006,
  2013,
  2055,
  1053,
  1077,
  1129,
  1927,
  ...'ECONNREFUSED ENOTFOUND EAI_AGAIN ETIMEDOUT EHOSTUNREACH ENETUNREACH ECONNRESET EPIPE ENOENT EACCES'.split(
    ' ',
  ),
  'PROTOCOL_CONNECTION_LOST',
]

const troubles: readonly Trouble[] = [
  {
    codes: [1045, 1698, 1862],
    words: null,
    code: 'database-refused',
    text: (_, { user, password }) =>
      password === null
        ? `the server asks for the password of user "${user}", and the URL has none`
        : `the server refused the password for user "${user}", or does not let that user in from here`,
    hint: () => 'check the user and password in database_url (special characters are written as %XX)',
  },
  {
    codes: [1044],
    words: null,
    code: 'database-refused',
    text: (_, { user, database }) => `user "${user}" has no right to database "${database}"`,
    hint: (connection) => grantsToRead(connection),
  },
  {
    codes: [1130],
    words: null,
    code: 'database-refused',
    text: () => 'the server does not let this machine connect',
    hint: ({ user }) => `allow it: CREATE USER '${user}'@'…' with this machine’s address`,
  },
  {
    codes: [1049],
    words: null,
    code: 'database-missing',
    text: (_, connection) => `there is no database "${connection.database}" on ${endpointOf(connection)}`,
    hint: () => 'check the name after the last / in database_url',
  },
  {
    codes: [2026, 'HANDSHAKE_SSL_ERROR', 'HANDSHAKE_NO_SSL_SUPPORT', 3159],
    words:
      /certificate|self.signed|does not support secure connection|SSL connection error|TLS\/SSL error|wrong version number|alert /i,
    code: 'database-refused',
    text: (words, connection) => `no encrypted connection to ${endpointOf(connection)}: ${words}`,
    hint: () => 'check ssl-mode, ssl-ca, ssl-cert and ssl-key in database_url',
  },
  {
    codes: [1205, 3572],
    words: /lock wait timeout/i,
    code: 'database-locked',
    dumpOnly: true,
    text: () => 'a table stayed locked by another session for too long',
    hint: () => 'back up when no migration runs',
  },
  {
    codes: [1356],
    words: null,
    code: 'dump-failed',
    dumpOnly: true,
    text: (words) => `a view cannot be read: ${words}`,
    hint: () => 'drop or mend the view, or name it in options.exclude_tables',
  },
  {
    codes: [1142, 1143, 1227, 1370],
    words: null,
    code: 'database-refused',
    dumpOnly: true,
    text: (words, { user }) => `user "${user}" has too few rights: ${words}`,
    hint: (connection) => grantsToRead(connection),
  },
  {
    codes: [1418, 1419],
    words: null,
    code: 'restore-failed',
    text: (words) => `the server keeps a binary log, and refused a function or trigger: ${words}`,
    hint: () => trustCreators,
  },
  {
    codes: [1040, 1203, 1226],
    words: null,
    code: 'database-unreachable',
    text: (_, connection) => `${endpointOf(connection)} has no free connection`,
    hint: () => 'raise max_connections of the server, or close unused sessions',
  },
  {
    codes: lostConnection,
    words:
      /query read timeout|connect ETIMEDOUT|connection is in closed state|server has gone away|lost connection/i,
    code: 'database-unreachable',
    text: (words, connection) => `${endpointOf(connection)} did not answer: ${words}`,
    hint: () => 'check host and port in database_url, and that the server runs and can be reached from here',
  },
]

/** Of an error that the driver threw. */
export function sessionFault(error: unknown, connection: Connection): Fault {
  if (error instanceof Fault) return error
  const words = error instanceof Error ? messageOf(error) : String(error)
  const { code, errno } = error as { code?: string; errno?: number }
  const trouble =
    troubles.find(({ codes }) => codes.includes(code ?? '') || codes.includes(errno ?? '')) ??
    (isServers(errno) ? undefined : troubles.find(({ words: said }) => said?.test(words)))
  if (trouble) return faultOf(trouble, { words, connection, cause: error })
  return isServers(errno)
    ? new Fault('database-refused', `the server said: ${words}`, { cause: error })
    : asFault(error)
}

/** A numbered error says all by its number: its words may quote a row. Errors of the system have negative numbers. */
function isServers(number: number | undefined): boolean {
  return number !== undefined && number >= 1000
}

/** What the program itself cannot write is our disk's trouble. */
const ownDiskFull = /Got errno \d+ on write|Errcode: 28\b/

/** Of a program that failed; words that nobody recognises become `otherwise`. Other programs' failures stay as they are. */
export function toolFault(error: unknown, connection: Connection, otherwise: FaultCode): unknown {
  if (!(error instanceof ToolFailure) || !/^(mysql|mariadb)/.test(error.tool)) return error
  const words = error.lastWords.join('\n')
  if (otherwise === 'dump-failed' && ownDiskFull.test(words)) return error
  const said = errorWords(error.lastWords)
  const number = Number(/(?:Got error: |ERROR |Error |errno: |\()(\d{4})\b/.exec(said)?.[1])
  const trouble =
    troubles.find(({ codes }) => codes.includes(number)) ??
    (isServers(number) ? undefined : troubles.find((one) => one.words?.test(said)))
  if (trouble && !(trouble.dumpOnly && otherwise !== 'dump-failed'))
    return faultOf(trouble, { words: plainWords(said), connection, cause: error })
  return new Fault(otherwise, said ? `${error.tool} failed: ${plainWords(said)}` : error.message, {
    cause: error,
  })
}

function faultOf(
  trouble: Trouble,
  { words, connection, cause }: { words: string; connection: Connection; cause: unknown },
): Fault {
  const hint = trouble.hint(connection)
  return new Fault(trouble.code, trouble.text(words, connection), { hint, cause })
}

/** An AggregateError (one per address tried) has its words inside. */
function messageOf(error: Error): string {
  if (error.message === '' && error instanceof AggregateError) return messageOf(error.errors[0] as Error)
  return error.message
}

/** The first line that says what went wrong; before it come warnings, and the client's copy of the statement. */
function errorWords(lines: readonly string[]): string {
  return lines.find((line) => /\b(?:ERROR|Error|error:|Couldn't|Got errno)/.test(line)) ?? lines.at(-1) ?? ''
}

function plainWords(line: string): string {
  return line.replace(/^(?:mysql|mariadb)[\w-]*: /, '').replace(/^ERROR \d+ \(\w+\)(?: at line \d+)?: /, '')
}
