import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import type { SourceContext } from '../source.ts'
import type { Flavour } from './flavour.ts'
import type { Connection } from './url.ts'

export const connectSeconds = 10 // a server that is alive answers within one

/** How our own sessions call themselves, where the server keeps such names. */
export function sessionName(runId: string): string {
  return `easy-backup ${runId}`
}

/** MySQL's clients would read this file of the user's even beside `--defaults-file`. */
export const programEnvironment = { MYSQL_TEST_LOGIN_FILE: '/dev/null' }

/** The connection as a private option file, which has to be the first argument: then nobody's own files are read. Arguments are readable
 * for everybody, a child's environment in /proc (promise 14).
 * @param init a statement that the session begins with; only for the client that restores
 * https://dev.mysql.com/doc/refman/8.4/en/option-files.html */
export async function optionFile(
  connection: Connection,
  {
    context,
    flavour,
    encrypted,
    init,
  }: { context: SourceContext; flavour: Flavour; encrypted: boolean; init?: string },
): Promise<string> {
  const path = join(context.folder, `options-${randomUUID()}.cnf`)
  const { user, password } = connection
  const lines = [
    ['user', user],
    ...(password === null ? [] : [['password', password]]),
    ...placeLines(connection, context),
    ...(init === undefined ? [] : [['init-command', init]]),
  ].map(([name, value]) => `${name}=${quotedValue(value!)}`)
  const ca = await authorities(connection, context.folder)
  const verified = { ...connection, tls: { ...connection.tls, ca } }
  const tls = tlsLines(verified, { context, flavour, encrypted })
  await writeFile(path, ['[client]', ...lines, ...tls, ''].join('\n'), { mode: 0o600, flag: 'wx' })
  return path
}

/** Without a file of authorities the programs would trust whoever answers: they get those that our own session trusts. */
async function authorities({ tls, socket }: Connection, folder: string): Promise<string | null> {
  if (tls.ca !== null || socket !== null || !tls.mode.startsWith('verify-')) return tls.ca
  const path = join(folder, `authorities-${randomUUID()}.pem`)
  await writeFile(path, `${getCACertificates('default').join('\n')}\n`, { mode: 0o600, flag: 'wx' })
  return path
}

function placeLines({ host, port, socket }: Connection, context: SourceContext): string[][] {
  if (socket !== null)
    return [
      ['protocol', 'socket'],
      ['socket', socket],
    ]
  const through = context.reach({ host, port })
  return [
    ['protocol', 'tcp'],
    ['host', through.host],
    ['port', String(through.port)],
  ]
}

/** In quotes, where `#` begins no comment. */
function quotedValue(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\t', '\\t')}"`
}

/** caching_sha2_password is told over a plain connection under the server’s own key, as our session does; 5.7 does not know the option. */
const plainPassword = 'loose-get-server-public-key'

/** Behind a tunnel the programs meet another host name than the certificate's, and know no way to be told: there they check who signed it,
 * and our own session, which is opened before each of them, checks the name. */
function tlsLines(
  { tls, host, port, socket }: Connection,
  { context, flavour, encrypted }: { context: SourceContext; flavour: Flavour; encrypted: boolean },
): string[] {
  if (socket !== null) return []
  const files = [
    ...(tls.ca === null ? [] : [`ssl-ca=${quotedValue(tls.ca)}`]),
    ...(tls.cert === null ? [] : [`ssl-cert=${quotedValue(tls.cert)}`]),
    ...(tls.key === null ? [] : [`ssl-key=${quotedValue(tls.key)}`]),
  ]
  const isDirect = context.reach({ host, port }).host === host
  const mode = tls.mode === 'preferred' ? (encrypted ? 'required' : 'disabled') : tls.mode
  if (flavour === 'MySQL') {
    const wanted = mode === 'verify-identity' && !isDirect ? 'verify-ca' : mode
    return [
      `ssl-mode=${wanted.toUpperCase().replace('-', '_')}`,
      ...(mode === 'disabled' ? [plainPassword] : files),
    ]
  }
  if (mode === 'disabled') return ['skip-ssl']
  const isNamed = mode === 'verify-identity' && isDirect
  return ['ssl', ...files, isNamed ? 'ssl-verify-server-cert' : 'skip-ssl-verify-server-cert']
}
