import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** An authority of our own that signs certificates. */
export interface Authority {
  /** Path of its certificate. */
  ca: string
  /** @returns the paths of a certificate and its key (0600) */
  issue(file: string, commonName: string): { cert: string; key: string }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** @param folder that exists; everything is written there */
export function makeAuthority(folder: string, name: string): Authority {
  const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { stdio: 'ignore' })
  const [ca, caKey] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
  openssl('req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`, '-keyout', caKey, '-out', ca)
  return {
    ca,
    issue(file, commonName) {
      const [cert, key] = [join(folder, `${file}.pem`), join(folder, `${file}.key`)]
      const about = ['-subj', `/CN=${commonName}`, '-addext', `subjectAltName=DNS:${commonName}`]
      const signed = ['-CA', ca, '-CAkey', caKey, '-days', '2']
      openssl(
        'req',
        '-x509',
        ...newKey,
        ...signed,
        ...about,
        '-addext',
        'basicConstraints=critical,CA:FALSE',
        '-keyout',
        key,
        '-out',
        cert,
      )
      return { cert, key }
    },
  }
}
