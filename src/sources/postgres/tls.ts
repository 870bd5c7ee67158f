import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'
import type { Connection } from './url.ts'

export type Encryption = ConnectionOptions | false

/** The ways to try, in order. By default, as libpq does, TLS and then the plain connection.
 * https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION */
export async function encryptions({ host, parameters }: Connection): Promise<Encryption[]> {
  const { sslmode = 'prefer', sslrootcert, sslcert, sslkey } = parameters
  if (sslmode === 'disable' || host.startsWith('/')) return [false]
  const own = sslcert && sslkey ? { cert: await readPem(sslcert), key: await readKey(sslkey) } : {}
  const verified = { ...own, ...nameOf(host) }
  if (sslmode === 'verify-full') return [{ ...verified, ...(await authority(sslrootcert)) }]
  // a named authority is asked by `require` too, as in libpq
  if (sslmode === 'verify-ca' || (sslmode === 'require' && sslrootcert))
    return [{ ...verified, ...(await authority(sslrootcert)), checkServerIdentity: () => undefined }]
  const unverified = { ...verified, rejectUnauthorized: false }
  if (sslmode === 'require') return [unverified]
  return sslmode === 'allow' ? [false, unverified] : [unverified, false]
}

/** Without a name it is the file that the programs read, too. */
async function authority(path: string | undefined): Promise<ConnectionOptions> {
  if (path === 'system') return {}
  return { ca: await readPem(path ?? join(homedir(), '.postgresql', 'root.crt')) }
}

const isAddress = /^[\d.]+$|:/

/** The certificate is that of the server, which need not be what is connected to. An address is no name to ask for (RFC 6066). */
function nameOf(host: string): ConnectionOptions {
  return {
    ...(!isAddress.test(host) && { servername: host }),
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
  }
}

/** A missing file has the system's code of a missing socket: it must not be told as a server that is away. */
function readPem(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: Error) => {
    throw new Error(`certificate file "${path}" cannot be read: ${cause.message}`, { cause })
  })
}

/** The programs refuse a key that others can read: so it is told before one is started. */
async function readKey(path: string): Promise<Buffer> {
  const key = await readPem(path)
  const { mode, uid } = await stat(path)
  const tooOpen = uid === 0 ? 0o037 : 0o077
  if ((mode & tooOpen) !== 0)
    throw new Error(`private key file "${path}" has group or world access: chmod 600 ${path}`)
  return key
}
