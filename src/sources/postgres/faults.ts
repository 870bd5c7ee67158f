import { Fault, asFault, type FaultCode } from '../../core/faults.ts'
import { ToolFailure } from '../../sys/process.ts'
import { endpointOf, type Connection } from './url.ts'

/** A kind of trouble with a server, recognised by the SQLSTATE or system code that the driver gives, or by the words that
 * a program prints (programs print no codes). Either way people read the same text.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html */
interface Trouble {
  codes: readonly string[]
  words: RegExp
  code: FaultCode
  /** A server that answers says it of a statement: other words mean nothing in an `ERROR:`, which is about data. */
  ofStatement?: true
  /** It means something else while restoring; then the server's own words are told. */
  dumpOnly?: true
  text: (words: string, connection: Connection) => string
  hint: (words: string, connection: Connection) => string
}

const lostConnection =
  'ECONNREFUSED ENOTFOUND EAI_AGAIN ETIMEDOUT EHOSTUNREACH ENETUNREACH ECONNRESET EPIPE ENOENT EACCES 57P01 57P02 57P03 08006 08001'.split(
    ' ',
  )

const troubles: readonly Trouble[] = [
  {
    codes: [],
    words: /conflict with recovery/,
    ofStatement: true,
    code: 'dump-failed',
    dumpOnly: true,
    text: () => 'the replica needed what the dump was still reading, and ended it (conflict with recovery)',
    hint: () =>
      'on the replica set hot_standby_feedback = on, or raise max_standby_streaming_delay; or dump from the primary',
  },
  {
    codes: [],
    words: /requires a valid client certificate|alert certificate required|alert unknown ca|bad certificate/,
    code: 'database-refused',
    text: (words, connection) =>
      `${endpointOf(connection)} does not accept our client certificate, or asks for one: ${serverWords(words)}`,
    hint: () =>
      'name a certificate that the server’s authority signed: tls.cert and tls.key, or sslcert and sslkey in the URL',
  },
  {
    codes: ['28P01'],
    words: /password authentication failed|no password supplied|client password must be|SASL/i,
    code: 'database-refused',
    text: (_, { user, password }) =>
      password === null
        ? `the server asks for the password of user "${user}", and the URL has none`
        : `the server refused the password for user "${user}"`,
    hint: () => 'check the user and password in database_url (special characters are written as %XX)',
  },
  {
    codes: [],
    words: /no pg_hba\.conf entry|pg_hba\.conf rejects/,
    code: 'database-refused',
    text: (_, { user, database }) =>
      `the server does not let user "${user}" into database "${database}" from here`,
    hint: (words) =>
      /no encryption|SSL off/.test(words)
        ? 'add ?sslmode=require to database_url, or allow this machine in the server’s pg_hba.conf'
        : 'allow this machine in the server’s pg_hba.conf',
  },
  {
    codes: ['28000'],
    words: /role ".*" (does not exist|is not permitted to log in)|authentication failed for user/,
    code: 'database-refused',
    text: (words, { user }) => `the server refused user "${user}": ${serverWords(words)}`,
    hint: () => 'check the user in database_url',
  },
  {
    codes: ['3D000'],
    words: /database ".*" does not exist/s,
    code: 'database-missing',
    text: (_, connection) => `there is no database "${connection.database}" on ${endpointOf(connection)}`,
    hint: () => 'check the name after the last / in database_url',
  },
  {
    codes: [
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'CERT_HAS_EXPIRED',
    ],
    words:
      /does not support SSL|certificate verify failed|server certificate for|certificate file|private key file|SSL error|PEM|key values mismatch/,
    code: 'database-refused',
    text: (words, connection) =>
      `no encrypted connection to ${endpointOf(connection)}: ${serverWords(words)}`,
    hint: (words) =>
      /group or world access/.test(words)
        ? 'the key is for its owner alone: chmod 600'
        : 'check tls of the connection; in a URL sslmode, sslrootcert, sslcert and sslkey',
  },
  {
    codes: ['55P03'],
    words: /lock timeout|could not obtain lock|statement timeout[^]*LOCK TABLE/,
    ofStatement: true,
    code: 'database-locked',
    dumpOnly: true,
    text: (words) => `${lockedTable(words)} stayed locked by another session for too long`,
    hint: () => 'back up when no migration runs, or raise options.lock_timeout',
  },
  {
    codes: ['42501'],
    words: /permission denied|must be (owner|superuser|member)|query would be affected by row-level security/,
    ofStatement: true,
    code: 'database-refused',
    dumpOnly: true,
    text: (words, { user }) => `user "${user}" has too few rights: ${serverWords(words)}`,
    hint: (_, { user }) =>
      `to read everything: GRANT pg_read_all_data TO "${user}"; (PostgreSQL 14 and newer)`,
  },
  {
    codes: [],
    words: /server version mismatch/,
    code: 'tool-too-old',
    text: () => 'the client is older than the server',
    hint: () => 'install the PostgreSQL client of the server’s major version',
  },
  {
    codes: [],
    words: /unsupported version \([\d.]+\) in file header/,
    code: 'tool-too-old',
    text: () => 'the dump was written by a newer pg_dump than the installed pg_restore can read',
    hint: () => 'install the PostgreSQL client of the version that wrote the dump',
  },
  {
    codes: ['53300'],
    words: /too many clients|remaining connection slots|too many connections/,
    code: 'database-unreachable',
    text: (_, connection) => `${endpointOf(connection)} has no free connection`,
    hint: () => 'raise max_connections of the server, or close unused sessions',
  },
  {
    codes: lostConnection,
    words:
      /timeout expired|connection timed out|query read timeout|connection terminated|could not translate host name|connection refused|no such file or directory|server closed the connection|no connection to the server|starting up|shutting down|terminating connection|no route to host/i,
    code: 'database-unreachable',
    text: (words, connection) => `${endpointOf(connection)} did not answer: ${serverWords(words)}`,
    hint: () => 'check host and port in database_url, and that the server runs and can be reached from here',
  },
]

/** Of an error that the driver threw. */
export function sessionFault(error: unknown, connection: Connection): Fault {
  if (error instanceof Fault) return error
  const words = error instanceof Error ? messageOf(error) : String(error)
  const { code, severity } = error as { code?: string; severity?: string }
  const said = severity === 'ERROR' ? `ERROR:  ${words}` : words
  const trouble = troubles.find((one) => one.codes.includes(code ?? '') || isSaid(one, said))
  if (trouble) return faultOf(trouble, { words, connection, cause: error })
  const isServers = /^[0-9A-Z]{5}$/.test(code ?? '')
  return isServers
    ? new Fault('database-refused', `the server said: ${words}`, { cause: error })
    : asFault(error)
}

/** Of a failed statement the line of its error counts, without what it quotes: rows stand in the lines around it. */
function isSaid({ words: said, ofStatement }: Trouble, words: string): boolean {
  const line = statementError(words)
  if (line === undefined) return said.test(words.replaceAll(aside, ''))
  const statement = /^.*was: LOCK TABLE .*$/m.exec(words)?.[0] ?? '' // pg_dump's own, which holds names alone
  return ofStatement === true && said.test(`${line.replaceAll(/"[^"]*"/g, '""')}\n${statement}`)
}

/** What a server says beside its errors, with rows in it. */
const aside = /^.*\b(?:NOTICE|WARNING|DETAIL|CONTEXT|HINT): .*$/gm

function statementError(words: string): string | undefined {
  return words.split('\n').find((line) => /\bERROR: /.test(line))
}

/** What the program itself cannot write is our disk's trouble; a server that is full says ERROR. */
const ownDiskFull = /^pg_\w+: error: could not write[^\n]*: (no space left on device|disk quota exceeded)/im

/** Of a program that failed; words that nobody recognises become `otherwise`. Other programs' failures stay as they are. */
export function toolFault(error: unknown, connection: Connection, otherwise: FaultCode): unknown {
  if (!(error instanceof ToolFailure) || !/^(pg_|psql$)/.test(error.tool)) return error
  const words = error.lastWords.join('\n')
  if (ownDiskFull.test(words) && !statementError(words)) return error
  const trouble = troubles.find((one) => isSaid(one, words))
  if (trouble && !(trouble.dumpOnly && otherwise !== 'dump-failed'))
    return faultOf(trouble, { words, connection, cause: error })
  const said = serverWords(words)
  return new Fault(otherwise, said ? `${error.tool} failed: ${said}` : error.message, { cause: error })
}

function faultOf(
  trouble: Trouble,
  { words, connection, cause }: { words: string; connection: Connection; cause: unknown },
): Fault {
  const hint = trouble.hint(words, connection)
  return new Fault(trouble.code, trouble.text(words, connection), { hint, cause })
}

/** An AggregateError (one per address tried) has its words inside. */
function messageOf(error: Error): string {
  if (error.message === '' && error instanceof AggregateError) return messageOf(error.errors[0] as Error)
  return error.message
}

/** The first line that says what went wrong, without the program's own preamble. */
function serverWords(words: string): string {
  const lines = words.split('\n')
  const line =
    lines.find((text) => /(ERROR|FATAL): /.test(text)) ?? lines.find((text) => /error: /.test(text))
  return (line ?? lines[0] ?? '')
    .replace(/^.*?(ERROR|FATAL): +/, '')
    .replace(/^(?:pg_\w+|psql(?::[^ ]+:\d+)?): (error: )?/, '')
    .replace(/^.*\berror:[0-9A-F]+:SSL routines:[^:]*:([^:]+):.*$/, '$1') // as OpenSSL says it
}

function lockedTable(words: string): string {
  const tables = /LOCK TABLE (?:ONLY )?([^\n]+?) IN ACCESS SHARE MODE/.exec(words)?.[1]
  return tables && !tables.includes(',') ? `table ${tables}` : 'a table'
}
