import { Type, type Static } from 'typebox'
import type { SshServer } from '../../sys/ssh/connect.ts'
import { fingerprintExample, fingerprintForm } from '../../sys/ssh/host-keys.ts'

const file = (description: string, examples: string[]) =>
  Type.Optional(Type.String({ minLength: 1, folder: true, description, examples }))
const secret = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, description, secret: true }))

export const sftpOptions = Type.Object(
  {
    host: Type.String({ minLength: 1, description: 'Server', examples: ['backup.example.com'] }),
    port: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65_535, description: 'Port', default: 22, examples: [2222] }),
    ),
    user: Type.String({ minLength: 1, description: 'Account on the server', examples: ['backups'] }),
    path: Type.String({
      minLength: 1,
      description: 'Folder on the server; it has to exist. A relative one begins in the account’s home',
      examples: ['/srv/backups'],
    }),
    password: secret('Password of the account'),
    private_key_file: file('Private key, as `ssh-keygen` makes it', ['./keys/backups']),
    passphrase: secret('Passphrase of the private key'),
    agent: file('Socket of an ssh-agent that holds the key', ['${SSH_AUTH_SOCK}']),
    fingerprint: Type.Optional(
      Type.String({
        ...fingerprintForm,
        description: 'The server’s host key; this or `known_hosts` is needed',
        examples: [fingerprintExample],
      }),
    ),
    known_hosts: file('File with the host keys that are trusted, as `ssh` keeps it', ['./known_hosts']),
  },
  { additionalProperties: false },
)

type Written = Static<typeof sftpOptions>

export interface Settings {
  server: SshServer
  path: string
  /** Shown to people. */
  location: string
}

export function settingsOf(options: Record<string, unknown>): Settings {
  const written = options as Written
  const { host, port = 22, user, path } = written
  return {
    server: {
      host,
      port,
      user,
      login: {
        password: written.password,
        privateKeyFile: written.private_key_file,
        passphrase: written.passphrase,
        agent: written.agent,
      },
      hostKey: { fingerprint: written.fingerprint, knownHosts: written.known_hosts },
    },
    path,
    location: `sftp://${user}@${host}${port === 22 ? '' : `:${port}`}${path.startsWith('/') ? '' : '/~/'}${path.replace(/\/+$/, '')}`,
  }
}

/** What the schema cannot tell. */
export function judgeOptions(options: Record<string, unknown>): { mistake: string; hint: string } | null {
  const written = options as Written
  if (written.fingerprint === undefined && written.known_hosts === undefined)
    return {
      mistake:
        'neither fingerprint nor known_hosts is there: nobody could tell whether it is the right server',
      hint: `write the fingerprint of its key: ssh-keyscan -p ${written.port ?? 22} ${written.host} | ssh-keygen -lf -, compared with the server’s own`,
    }
  if (written.fingerprint !== undefined && written.known_hosts !== undefined)
    return { mistake: 'fingerprint and known_hosts are both there', hint: 'keep one of them' }
  if (![written.password, written.private_key_file, written.agent].some((way) => way !== undefined))
    return {
      mistake: 'there is nothing to log in with',
      hint: 'write private_key_file, agent or password',
    }
  if (written.passphrase !== undefined && written.private_key_file === undefined)
    return { mistake: 'a passphrase belongs to a key', hint: 'write private_key_file beside it' }
  if (/[\0\r\n]/.test(written.path) || written.path.split('/').includes('..'))
    return { mistake: 'path is not a folder', hint: 'write one such as /srv/backups' }
  return null
}
