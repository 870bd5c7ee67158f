import { asFault, Fault, type FaultCode } from '../../core/faults.ts'
import { ToolFailure } from '../../sys/process.ts'
import { endpointOf, type Connection } from './url.ts'

/** A kind of trouble with a server, recognised by the number that the server gives, or by words of the driver or of a tool (written
 * in Go, with its own). https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml */
interface Trouble {
  codes: readonly number[]
  words: RegExp
  code: FaultCode
  text: (words: string, connection: Connection) => string
  hint: (connection: Connection) => string
}

const troubles: readonly Trouble[] = [
  {
    codes: [18, 11],
    words: /authentication failed|unable to authenticate|auth error|AuthenticationFailed/i,
    code: 'database-refused',
    text: (_, { user }) =>
      user === null ? 'the server refused the sign-in' : `the server refused the password for user "${user}"`,
    hint: () =>
      'check user and password in database_url (special characters are written as %XX), and authSource: the database that knows the user, often admin',
  },
  {
    codes: [13],
    words: /not authorized on|requires authentication|\(Unauthorized\)/i,
    code: 'database-refused',
    text: (words, { user }) =>
      user === null
        ? 'the server wants a user, and the URL has none'
        : `user "${user}" has too few rights: ${words}`,
    hint: ({ user, database }) =>
      user === null
        ? 'write mongodb://user:password@host/database'
        : `to dump: db.grantRolesToUser("${user}", [{role: "read", db: "${database}"}]); to restore: the role "restore"`,
  },
  {
    codes: [],
    words: /certificate|self.signed|ERR_TLS|x509|wrong version number|tls: |SSL routines/i,
    code: 'database-refused',
    text: (words, connection) => `no encrypted connection to ${endpointOf(connection)}: ${words}`,
    hint: () => 'check tls, tlsCAFile and tlsCertificateKeyFile in database_url',
  },
  {
    codes: [89, 91, 189, 11_600, 11_602, 10_107, 13_435, 13_436],
    words:
      /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE|connection refused|no such host|server selection|timed out|i\/o timeout|connection .*closed|socket was unexpectedly closed|topology (?:is )?closed|no reachable servers|no route to host|querySrv/i,
    code: 'database-unreachable',
    text: (words, connection) => `${endpointOf(connection)} did not answer: ${words}`,
    hint: () =>
      'check hosts and replicaSet in database_url, and that the server runs and can be reached from here',
  },
]

/** Of an error that the driver threw. */
export function sessionFault(error: unknown, connection: Connection): Fault {
  if (error instanceof Fault) return error
  const { code, message, name } = error as { code?: unknown; message: string; name: string }
  const trouble = troubles.find(
    ({ codes, words }) =>
      (typeof code === 'number' && codes.includes(code)) || words.test(withoutValues(message)),
  )
  const isAway = /^MongoNetwork|^MongoServerSelection|^MongoOperationTimeout/.test(name)
  const found = trouble ?? (isAway ? troubles.at(-1)! : null)
  if (found) return faultOf(found, { words: message, connection, cause: error })
  return name === 'MongoServerError'
    ? new Fault('database-refused', `the server said: ${message}`, { cause: error })
    : asFault(error)
}

/** Of a program that failed; words that nobody recognises become `otherwise`. Other programs' failures stay as they are. */
export function toolFault(error: unknown, connection: Connection, otherwise: FaultCode): unknown {
  if (!(error instanceof ToolFailure) || !/^mongo(dump|restore)$/.test(error.tool)) return error
  const said = toolWords(error.lastWords)
  if (/no space left on device/i.test(withoutValues(said))) return error
  const trouble = troubles.find(({ words }) => words.test(withoutValues(said)))
  if (trouble) return faultOf(trouble, { words: said, connection, cause: error })
  return new Fault(otherwise, said ? `${error.tool} failed: ${said}` : error.message, { cause: error })
}

/** Values of documents are quoted, as in `dup key: { said: "connection refused" }`; they say nothing of the server. */
function withoutValues(words: string): string {
  return words.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
}

function faultOf(
  { code, text, hint }: Trouble,
  { words, connection, cause }: { words: string; connection: Connection; cause: unknown },
): Fault {
  return new Fault(code, text(words, connection), { hint: hint(connection), cause })
}

/** `2026-11-20T06:00:00.000+0000<tab>Failed: …`: the line that says why, without its time. */
function toolWords(lines: readonly string[]): string {
  // mongodump sometimes panics when the server refuses it in the middle: then the trace is all that it says last
  if (lines.some((line) => /\.go:\d+ \+0x/.test(line))) return 'it crashed, see the log of the run'
  const plain = lines.map((line) => line.replace(/^\S+T\S+\t/, ''))
  const failed =
    plain.findLast((line) => line.startsWith('Failed: ')) ?? plain.findLast((line) => /error/i.test(line))
  return (failed ?? plain.at(-1) ?? '').replace(/^Failed: /, '')
}
